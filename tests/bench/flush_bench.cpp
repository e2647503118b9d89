// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How long FLUSH_START takes while a model is at work: the time from sending it into
// `torchinference` until the call returns.
//
//   flush_bench COUNT LINE     LINE has one torchinference, of name "inference"
//
// Prints one line of JSON. Times are in milliseconds.
#include <stdexcept>
#include <string>

#include "bench/bench_pipeline.h"

namespace torchinfer::bench {
namespace {

constexpr int kLeastBusy = 2;  ///< frames without a result that show that a forward runs

/// Frames that have come in and not left: with a sink that takes everything at once, all of them
/// wait for the model.
long waiting_frames(const nlohmann::json& stats) {
  return stats["received"].get<long>() - stats["pushed"].get<long>() - stats["dropped"].get<long>();
}

/// Nothing travels through flushing pads, not even the seek that makes such a stream go on.
void start_again(Pipeline& pipeline, GstPad* upstream) {
  gst_pad_push_event(upstream, gst_event_new_flush_stop(TRUE));
  if (gst_element_seek_simple(pipeline.get(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0) == FALSE) {
    throw std::runtime_error("the pipeline cannot seek");
  }
}

nlohmann::json measure(int argc, char** argv) {
  const long count = argc == 3 ? std::stol(argv[1]) : 0;
  if (count < 1) throw std::runtime_error("give COUNT LINE");
  Pipeline pipeline(argv[2]);
  g_autoptr(GstElement) inference = gst_bin_get_by_name(GST_BIN(pipeline.get()), "inference");
  if (inference == nullptr) throw std::runtime_error("the pipeline has no element \"inference\"");
  g_autoptr(GstPad) sink = gst_element_get_static_pad(inference, "sink");
  g_autoptr(GstPad) upstream = gst_pad_get_peer(sink);
  pipeline.play();

  std::vector<double> times;
  long idle = 0;
  while (times.size() < static_cast<std::size_t>(count)) {
    // At another place of a forward each time.
    const auto place = static_cast<long>(times.size()) * 37 % 100;
    pipeline.run(std::chrono::milliseconds(200 + place));
    if (waiting_frames(pipeline.inference_stats().at(0)) < kLeastBusy) {
      if (++idle > 10 * count) throw std::runtime_error("the model is never at work");
      continue;
    }
    const auto begin = g_get_monotonic_time();
    gst_pad_push_event(upstream, gst_event_new_flush_start());
    times.push_back(static_cast<double>(g_get_monotonic_time() - begin) * 1e-3);
    start_again(pipeline, upstream);
  }
  const auto stats = pipeline.inference_stats().at(0);
  return {{"flush_start", spread_of(times)},
          {"forward", stats["forward"]["mean"].get<double>() * 1e-6},
          {"batch_size", stats["batch-size"]}};
}

}  // namespace
}  // namespace torchinfer::bench

int main(int argc, char** argv) {
  return torchinfer::bench::report("flush_bench", torchinfer::bench::measure, argc, argv);
}
