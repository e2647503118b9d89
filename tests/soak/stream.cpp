// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>
#include <stdexcept>
#include <thread>

namespace torchinfer::soak {
namespace {

// More than any step takes on a busy machine: what takes longer stands still.
constexpr std::chrono::seconds kPatience{60};

GstElement* find(GstElement* bin, const char* name) {
  return gst_bin_get_by_name(GST_BIN(bin), name);  // the caller's reference
}

void set(GstElement* bin, const char* element, const char* property, const std::string& value) {
  GstElement* found = find(bin, element);
  gst_util_set_object_arg(G_OBJECT(found), property, value.c_str());
  gst_object_unref(found);
}

}  // namespace

double resident_mb() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

bool has_failed(GstElement* pipeline, std::uint64_t& warnings) {
  bool failed = false;
  GstBus* bus = gst_element_get_bus(pipeline);
  constexpr auto kTypes = static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  while (GstMessage* message = gst_bus_pop_filtered(bus, kTypes)) {
    GError* error = nullptr;
    gchar* debug = nullptr;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      gst_message_parse_error(message, &error, &debug);
      std::fprintf(stderr, "soak: %s: %s\n%s\n", GST_MESSAGE_SRC_NAME(message), error->message,
                   debug != nullptr ? debug : "");
      failed = true;
    } else {
      ++warnings;
    }
    g_clear_error(&error);
    g_free(debug);
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  return failed;
}

Stream::Stream(int number, GstElement* shared, bool live, const Menu& menu, Random& random)
    : number_(number), shared_(shared), live_(live), menu_(menu), random_(random) {
  add();
}

Stream::~Stream() { remove(); }

std::uint64_t Stream::pick(std::uint64_t count) { return random_() % count; }

std::string Stream::random_caps() {
  constexpr std::array kSizes{"width=64,height=48", "width=176,height=144", "width=320,height=240",
                              "width=161,height=90"};
  constexpr std::array kFormats{"I420", "NV12", "RGB", "BGRx", "GRAY8"};
  constexpr std::array kRates{"25/1", "30/1", "30000/1001", "50/1"};
  return std::string("video/x-raw,format=") + kFormats[pick(kFormats.size())] + ',' +
         kSizes[pick(kSizes.size())] + ",framerate=" + kRates[pick(kRates.size())];
}

void Stream::add() {
  const std::string name = "stream" + std::to_string(number_);
  const std::string line = std::string("videotestsrc name=source pattern=ball is-live=") +
                           (live_ ? "true" : "false") + " ! capsfilter name=caps caps=\"" +
                           random_caps() + "\" ! identity sleep-time=" + (live_ ? "0" : "4000") +
                           " ! torchinference name=torch batch-size=" +
                           menu_.batch_sizes[pick(menu_.batch_sizes.size())] + " model-file=\"" +
                           menu_.models[pick(menu_.models.size())] +
                           "\" ! fakesink name=sink sync=" + (live_ ? "true" : "false") +
                           (shared_ != nullptr ? " async=false" : "");
  GError* error = nullptr;
  bin_ = shared_ != nullptr ? gst_bin_new(name.c_str()) : gst_pipeline_new(name.c_str());
  GstElement* chain = gst_parse_bin_from_description(line.c_str(), FALSE, &error);
  if (chain == nullptr) {
    const std::string text = error->message;
    g_clear_error(&error);
    throw std::runtime_error(text);
  }
  gst_bin_add(GST_BIN(bin_), chain);
  torch_ = find(bin_, "torch");
  ledger_.watch(torch_);
  if (shared_ != nullptr) {
    gst_bin_add(GST_BIN(shared_), GST_ELEMENT(gst_object_ref(bin_)));
    gst_element_sync_state_with_parent(bin_);
  } else {
    set_state(GST_STATE_PLAYING);
  }
}

void Stream::remove() {
  if (bin_ == nullptr) return;
  // Its parent must not set it playing again meanwhile.
  gst_element_set_locked_state(bin_, TRUE);
  set_state(GST_STATE_NULL);
  if (shared_ != nullptr) gst_bin_remove(GST_BIN(shared_), bin_);
  ledger_.clear();
  gst_clear_object(&torch_);
  gst_clear_object(&bin_);
}

/// Failures come with an error message on the bus, which is read after each step.
void Stream::set_state(GstState state) { gst_element_set_state(bin_, state); }

void Stream::change_state_and_back(GstState state) {
  // What is loaded on the way up must be a model.
  if (state <= GST_STATE_READY) swap_model(false);
  set_state(state);
  if (state <= GST_STATE_READY) ledger_.clear();
  std::this_thread::sleep_for(std::chrono::milliseconds(pick(20)));
  set_state(GST_STATE_PLAYING);
}

bool Stream::flush() {
  // A live source that was sought would give its frames times in the far future.
  if (live_ || pick(2) == 0) return flush_from_upstream();
  seek();
  return true;
}

void Stream::seek() {
  GstElement* sink = find(bin_, "sink");
  const auto to = static_cast<gint64>(pick(100) * GST_SECOND);
  // It fails where the stream is not yet so far that it could seek; then nothing is flushed.
  gst_element_seek(sink, 1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, to,
                   GST_SEEK_TYPE_NONE, 0);
  gst_object_unref(sink);
}

/// As an element does that flushes of its own accord: nothing comes between, the segment follows,
/// and time goes on.
bool Stream::flush_from_upstream() {
  struct Flush {
    GstPad* sink;
    std::promise<void> done;
  };
  const auto run = [](GstPad*, GstPadProbeInfo*, gpointer data) {
    auto* flush = static_cast<Flush*>(data);
    if (GstEvent* segment = gst_pad_get_sticky_event(flush->sink, GST_EVENT_SEGMENT, 0)) {
      gst_pad_send_event(flush->sink, gst_event_new_flush_start());
      gst_pad_send_event(flush->sink, gst_event_new_flush_stop(FALSE));
      gst_pad_send_event(flush->sink, segment);
    }
    flush->done.set_value();
    return GST_PAD_PROBE_REMOVE;
  };
  const auto forget = [](gpointer data) {
    auto* flush = static_cast<Flush*>(data);
    gst_object_unref(flush->sink);
    delete flush;
  };
  auto* flush = new Flush{gst_element_get_static_pad(torch_, "sink"), {}};
  auto done = flush->done.get_future();
  GstPad* upstream = gst_pad_get_peer(flush->sink);
  // The pad is blocked while the probe runs: nothing that upstream pushes comes back with FLUSHING,
  // which would end its task.
  gst_pad_add_probe(upstream, GST_PAD_PROBE_TYPE_IDLE, run, flush, forget);
  gst_object_unref(upstream);
  // An EOS that is sent before it has run would be flushed as well.
  return done.wait_for(kPatience) == std::future_status::ready;
}

void Stream::change_caps() { set(bin_, "caps", "caps", random_caps()); }

void Stream::change_property() {
  switch (pick(7)) {
    case 0: return set(bin_, "torch", "top-k", std::to_string(1 + pick(10)));
    case 1: return set(bin_, "torch", "class-confidence-threshold", pick(2) == 0 ? "0" : "0.5");
    case 2: return set(bin_, "torch", "inference-interval", std::to_string(1 + pick(5)));
    case 3: return set(bin_, "torch", "batch-timeout", std::to_string(pick(3) * 20 * GST_MSECOND));
    case 4: return set(bin_, "torch", "qos", pick(2) == 0 ? "false" : "true");
    case 5: return set(bin_, "torch", "overload-policy", pick(2) == 0 ? "wait" : "skip");
    default: ledger_.allow_drops(); return set(bin_, "torch", "overload-policy", "drop");
  }
}

void Stream::swap_model(bool broken) {
  const auto& models = broken ? menu_.broken : menu_.models;
  set(bin_, "torch", "model-file", models[pick(models.size())]);
}

bool Stream::drain() {
  if (!makes_progress()) return false;
  set(bin_, "torch", "overload-policy", "wait");
  const std::uint64_t before = ledger_.eos_count();
  GstElement* source = find(bin_, "source");
  gst_element_send_event(source, gst_event_new_eos());
  gst_object_unref(source);
  if (!ledger_.wait_for_eos(before, kPatience)) return false;
  if (live_)
    change_state_and_back(GST_STATE_READY);
  else
    seek();
  return makes_progress();
}

bool Stream::makes_progress() { return ledger_.wait_for_frame(kPatience); }

std::string Stream::where_it_stands() const {
  std::string text = "stream " + std::to_string(number_) + ":";
  for (const char* name : {"source", "torch", "sink"}) {
    GstElement* element = find(bin_, name);
    text += std::string(" ") + name + ' ' + gst_element_state_get_name(GST_STATE(element));
    for (GList* item = element->pads; item != nullptr; item = item->next) {
      auto* pad = GST_PAD(item->data);
      text += std::string(", ") + GST_PAD_NAME(pad) + ' ' +
              gst_flow_get_name(gst_pad_get_last_flow_return(pad)) +
              (GST_PAD_IS_FLUSHING(pad) ? " flushing" : "") + (GST_PAD_IS_EOS(pad) ? " eos" : "") +
              (gst_pad_is_blocking(pad) ? " blocked" : "");
      const auto task = gst_pad_get_task_state(pad);
      text += task == GST_TASK_STARTED ? " runs" : task == GST_TASK_PAUSED ? " paused" : "";
    }
    text += ';';
    gst_object_unref(element);
  }
  GstStructure* stats = nullptr;
  g_object_get(torch_, "stats", &stats, nullptr);
  gchar* numbers = gst_structure_to_string(stats);
  text += std::string("\n") + numbers;
  g_free(numbers);
  gst_structure_free(stats);
  return text;
}

}  // namespace torchinfer::soak
