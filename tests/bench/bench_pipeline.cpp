// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/bench_pipeline.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>

namespace torchinfer::bench {
namespace {

constexpr const char* kEndName = "bench-end";

std::string text_of(GstMessage* message) {
  g_autoptr(GError) error = nullptr;
  g_autofree gchar* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  return std::string(GST_OBJECT_NAME(GST_MESSAGE_SRC(message))) + ": " + error->message +
         (debug != nullptr ? std::string("\n") + debug : "");
}

nlohmann::json to_json(const GValue* value) {
  if (GST_VALUE_HOLDS_STRUCTURE(value)) return bench::to_json(gst_value_get_structure(value));
  switch (G_VALUE_TYPE(value)) {
    case G_TYPE_BOOLEAN: return g_value_get_boolean(value) != FALSE;
    case G_TYPE_INT: return g_value_get_int(value);
    case G_TYPE_UINT: return g_value_get_uint(value);
    case G_TYPE_INT64: return g_value_get_int64(value);
    case G_TYPE_UINT64: return g_value_get_uint64(value);
    case G_TYPE_DOUBLE: return g_value_get_double(value);
    case G_TYPE_STRING: {
      const gchar* text = g_value_get_string(value);
      return text != nullptr ? text : "";
    }
    default: {
      g_autofree gchar* text = gst_value_serialize(value);
      return text != nullptr ? text : "";
    }
  }
}

template <typename Visit>
void for_each(GstIterator* iterator, Visit visit) {
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next(iterator, &item) == GST_ITERATOR_OK) {
    visit(GST_ELEMENT(g_value_get_object(&item)));
    g_value_reset(&item);
  }
  g_value_unset(&item);
  gst_iterator_free(iterator);
}

}  // namespace

Pipeline::Pipeline(const std::string& line) {
  g_autoptr(GError) error = nullptr;
  pipeline_ = gst_parse_launch_full(line.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (pipeline_ == nullptr) throw std::runtime_error(error->message);
  if (!GST_IS_PIPELINE(pipeline_)) {
    gst_object_unref(pipeline_);
    throw std::runtime_error("a single element is no pipeline to be measured");
  }
  bus_ = gst_element_get_bus(pipeline_);
}

Pipeline::~Pipeline() {
  stop();
  gst_object_unref(bus_);
  gst_object_unref(pipeline_);
}

void Pipeline::stop() { gst_element_set_state(pipeline_, GST_STATE_NULL); }

void Pipeline::play() {
  gst_element_set_state(pipeline_, GST_STATE_PLAYING);
  if (gst_element_get_state(pipeline_, nullptr, nullptr, GST_CLOCK_TIME_NONE) !=
      GST_STATE_CHANGE_FAILURE) {
    return;
  }
  GstMessage* message = gst_bus_pop_filtered(bus_, GST_MESSAGE_ERROR);
  const std::string text = message != nullptr ? text_of(message) : "the pipeline does not start";
  if (message != nullptr) gst_message_unref(message);
  throw std::runtime_error(text);
}

Pipeline::End Pipeline::run(std::optional<std::chrono::milliseconds> time) {
  using Clock = std::chrono::steady_clock;
  const auto end = time ? Clock::now() + *time : Clock::time_point::max();
  for (;;) {
    GstClockTime wait = GST_CLOCK_TIME_NONE;
    if (time) {
      const auto left = std::chrono::nanoseconds(end - Clock::now()).count();
      if (left <= 0) return End::kTime;
      wait = static_cast<GstClockTime>(left);
    }
    const std::unique_ptr<GstMessage, decltype(&gst_message_unref)> message(
        gst_bus_timed_pop(bus_, wait), gst_message_unref);
    if (message == nullptr) continue;
    switch (GST_MESSAGE_TYPE(message.get())) {
      case GST_MESSAGE_ERROR: throw std::runtime_error(text_of(message.get()));
      case GST_MESSAGE_EOS: return End::kEos;
      case GST_MESSAGE_LATENCY: gst_bin_recalculate_latency(GST_BIN(pipeline_)); break;
      case GST_MESSAGE_APPLICATION:
        if (gst_message_has_name(message.get(), kEndName) != FALSE) return End::kAsked;
        break;
      default: break;
    }
  }
}

void Pipeline::ask_to_end() {
  gst_element_post_message(
      pipeline_,
      gst_message_new_application(GST_OBJECT(pipeline_), gst_structure_new_empty(kEndName)));
}

std::vector<GstElement*> Pipeline::sinks() const {
  std::vector<GstElement*> found;
  for_each(gst_bin_iterate_recurse(GST_BIN(pipeline_)), [&](GstElement* element) {
    if (GST_OBJECT_FLAG_IS_SET(element, GST_ELEMENT_FLAG_SINK) && !GST_IS_BIN(element)) {
      found.push_back(element);
    }
  });
  return found;
}

nlohmann::json Pipeline::inference_stats() const {
  auto found = nlohmann::json::array();
  for_each(gst_bin_iterate_all_by_element_factory_name(GST_BIN(pipeline_), "torchinference"),
           [&](GstElement* element) {
             g_autoptr(GstStructure) stats = nullptr;
             g_object_get(element, "stats", &stats, nullptr);
             found.push_back(bench::to_json(stats));
           });
  return found;
}

nlohmann::json to_json(const GstStructure* structure) {
  auto object = nlohmann::json::object();
  for (gint i = 0; i < gst_structure_n_fields(structure); ++i) {
    const gchar* name = gst_structure_nth_field_name(structure, static_cast<guint>(i));
    object[name] = to_json(gst_structure_get_value(structure, name));
  }
  return object;
}

double process_cpu_milliseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto milliseconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) * 1e-3;
  };
  return milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
}

nlohmann::json spread_of(std::vector<double> values) {
  if (values.empty()) return {{"count", 0}};
  std::ranges::sort(values);
  const auto at = [&](double fraction) {
    const double place = std::ceil(fraction * static_cast<double>(values.size()));
    return values[static_cast<std::size_t>(std::max(place, 1.0)) - 1];
  };
  return {{"count", values.size()}, {"p50", at(0.5)}, {"p99", at(0.99)}, {"max", values.back()}};
}

int report(const char* program, nlohmann::json (*measure)(int argc, char** argv), int argc,
           char** argv) {
  try {
    gst_init(&argc, &argv);
    std::cout << measure(argc, argv).dump() << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << program << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace torchinfer::bench
