// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames a second, CPU time and latency of a pipeline, in the middle of its run: neither its start
// nor its end, when not all of it is at work, is counted.
//
//   pipeline_bench SKIP FRAMES LINE     FRAMES that arrive at the sinks after the first SKIP
//   pipeline_bench live SECONDS LINE    a live pipeline for so long, then to the end of its stream;
//                                       LINE has one torchinference, of name "inference"
//
// Prints one line of JSON. Times are in milliseconds.
#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string_view>

#include "bench/bench_pipeline.h"

namespace torchinfer::bench {
namespace {

double now() { return static_cast<double>(g_get_monotonic_time()) * 1e-3; }

struct Arrival {
  double time = 0.0;      ///< by the monotonic clock
  double latency = -1.0;  ///< since the running time of the frame; -1 = not known
  GstClockTime pts = GST_CLOCK_TIME_NONE;
};

/// Notes when frames come to an element. Stops the pipeline in its destructor.
class Entries {
 public:
  Entries(Pipeline& pipeline, GstElement* element) : pipeline_(pipeline) {
    g_autoptr(GstPad) pad = gst_element_get_static_pad(element, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, note, this, nullptr);
  }
  ~Entries() { pipeline_.stop(); }
  Entries(const Entries&) = delete;
  Entries& operator=(const Entries&) = delete;

  /// How long a frame took from there, or -1; only after the stream has ended.
  double time_to(const Arrival& arrival) const {
    const auto entry = times_.find(arrival.pts);
    return entry != times_.end() ? arrival.time - entry->second : -1.0;
  }

 private:
  static GstPadProbeReturn note(GstPad*, GstPadProbeInfo* info, gpointer self) {
    static_cast<Entries*>(self)->times_[GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info))] = now();
    return GST_PAD_PROBE_OK;
  }

  Pipeline& pipeline_;
  std::map<GstClockTime, double> times_;  // the streaming thread's
};

/// Notes what arrives at the sinks. Stops the pipeline in its destructor.
class Arrivals {
 public:
  Arrivals(Pipeline& pipeline, std::size_t skip, std::size_t wanted)
      : pipeline_(pipeline), skip_(skip), last_(skip + wanted) {
    arrivals_.reserve(std::min<std::size_t>(last_, 1 << 20));
    for (GstElement* sink : pipeline.sinks()) {
      g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
      gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, note, this, nullptr);
    }
  }

  ~Arrivals() { pipeline_.stop(); }
  Arrivals(const Arrivals&) = delete;
  Arrivals& operator=(const Arrivals&) = delete;

  /// Of those after the first `skip`.
  std::vector<Arrival> counted() const {
    const std::lock_guard lock(mutex_);
    const auto first = std::min(skip_, arrivals_.size());
    return {arrivals_.begin() + static_cast<std::ptrdiff_t>(first), arrivals_.end()};
  }
  double cpu() const { return cpu_last_ - cpu_first_; }

 private:
  static GstPadProbeReturn note(GstPad* pad, GstPadProbeInfo* info, gpointer self) {
    static_cast<Arrivals*>(self)->note(pad, GST_PAD_PROBE_INFO_BUFFER(info));
    return GST_PAD_PROBE_OK;
  }

  void note(GstPad* pad, GstBuffer* buffer) {
    const Arrival arrival{now(), latency_of(pad, buffer), GST_BUFFER_PTS(buffer)};
    const std::lock_guard lock(mutex_);
    if (arrivals_.size() == last_) return;
    arrivals_.push_back(arrival);
    if (arrivals_.size() == skip_ + 1) cpu_first_ = process_cpu_milliseconds();
    if (arrivals_.size() < last_) return;
    cpu_last_ = process_cpu_milliseconds();
    pipeline_.ask_to_end();
  }

  double latency_of(GstPad* pad, GstBuffer* buffer) const {
    g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    g_autoptr(GstClock) clock = gst_element_get_clock(pipeline_.get());
    if (event == nullptr || clock == nullptr) return -1.0;
    const GstSegment* segment = nullptr;
    gst_event_parse_segment(event, &segment);
    const auto running =
        gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    if (!GST_CLOCK_TIME_IS_VALID(running)) return -1.0;
    const auto here = gst_clock_get_time(clock) - gst_element_get_base_time(pipeline_.get());
    return static_cast<double>(GST_CLOCK_DIFF(running, here)) * 1e-6;
  }

  Pipeline& pipeline_;
  const std::size_t skip_;
  const std::size_t last_;
  mutable std::mutex mutex_;
  std::vector<Arrival> arrivals_;  // guarded by mutex_, as the two below
  double cpu_first_ = 0.0;
  double cpu_last_ = 0.0;
};

/// From the mean time of the first frames to that of the last: results come in batches, and a
/// window that begins or ends within one would be off by a part of it.
double frames_a_second(const std::vector<Arrival>& arrivals) {
  const auto edge = std::min<std::size_t>(16, arrivals.size() / 2);
  const auto mean = [&](std::size_t first) {
    const auto* begin = arrivals.data() + first;
    return std::accumulate(begin, begin + edge, 0.0,
                           [](double sum, const Arrival& a) { return sum + a.time; }) /
           static_cast<double>(edge);
  };
  const auto frames = static_cast<double>(arrivals.size() - edge);
  return frames * 1e3 / (mean(arrivals.size() - edge) - mean(0));
}

std::size_t number(const char* text) {
  char* end = nullptr;
  const auto value = g_ascii_strtoull(text, &end, 10);
  if (end == text || *end != '\0') throw std::runtime_error(std::string(text) + " is no number");
  return value;
}

nlohmann::json measure_flow(std::size_t skip, std::size_t wanted, const std::string& line) {
  if (wanted < 4) throw std::runtime_error("at least 4 frames are to be counted");
  Pipeline pipeline(line);
  Arrivals arrivals(pipeline, skip, wanted);
  pipeline.play();
  pipeline.run();
  const auto counted = arrivals.counted();
  if (counted.size() < wanted) {
    throw std::runtime_error("the stream ended after " + std::to_string(counted.size()) +
                             " of the " + std::to_string(wanted) + " frames to be counted");
  }
  return {{"fps", frames_a_second(counted)},
          {"cpu_ms", arrivals.cpu() / static_cast<double>(wanted - 1)},
          {"inference", pipeline.inference_stats()}};
}

/// What a sink says of itself: {"rendered", "dropped", ...}.
nlohmann::json sink_stats(GstElement* sink) {
  g_autoptr(GstStructure) stats = nullptr;
  g_object_get(sink, "stats", &stats, nullptr);
  return to_json(stats);
}

nlohmann::json measure_live(std::size_t seconds, const std::string& line) {
  Pipeline pipeline(line);
  g_autoptr(GstElement) inference = gst_bin_get_by_name(GST_BIN(pipeline.get()), "inference");
  if (inference == nullptr) throw std::runtime_error("the pipeline has no element \"inference\"");
  Entries entries(pipeline, inference);
  Arrivals arrivals(pipeline, 0, 1 << 24);
  pipeline.play();
  if (pipeline.run(std::chrono::seconds(seconds)) != Pipeline::End::kTime) {
    throw std::runtime_error("the stream ended before its time");
  }
  // What is on its way comes out, so that nothing may be missing afterwards.
  gst_element_send_event(pipeline.get(), gst_event_new_eos());
  pipeline.run();
  const auto counted = arrivals.counted();
  std::vector<double> latencies;
  std::vector<double> in_element;
  std::vector<double> before;
  for (const Arrival& arrival : counted) {
    const double time = entries.time_to(arrival);
    if (arrival.latency < 0.0 || time < 0.0) continue;
    latencies.push_back(arrival.latency);
    in_element.push_back(time);
    before.push_back(arrival.latency - time);
  }
  auto sinks = nlohmann::json::array();
  for (GstElement* sink : pipeline.sinks()) sinks.push_back(sink_stats(sink));
  return {{"arrived", counted.size()},
          {"latency", spread_of(latencies)},
          {"in_element", spread_of(in_element)},
          {"before_element", spread_of(before)},
          {"pipeline_latency",
           static_cast<double>(gst_pipeline_get_configured_latency(GST_PIPELINE(pipeline.get()))) *
               1e-6},
          {"sinks", sinks},
          {"inference", pipeline.inference_stats()}};
}

nlohmann::json measure(int argc, char** argv) {
  if (argc != 4) throw std::runtime_error("give SKIP FRAMES LINE, or live SECONDS LINE");
  if (std::string_view(argv[1]) == "live") return measure_live(number(argv[2]), argv[3]);
  return measure_flow(number(argv[1]), number(argv[2]), argv[3]);
}

}  // namespace
}  // namespace torchinfer::bench

int main(int argc, char** argv) {
  return torchinfer::bench::report("pipeline_bench", torchinfer::bench::measure, argc, argv);
}
