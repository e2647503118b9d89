// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_stream_stats.h"

#include <algorithm>

#include "gst_torch_session.h"
#include "gst_torch_structure.h"

namespace {

void
set_stage (GstStructure *stats, const char *name, const torchinfer::Histogram &times) {
  const auto stage = gst_structure_new_empty (name);
  const auto count = times.count ();
  gst_torch_set (stage, "count", count);
  gst_torch_set (stage, "mean", times.sum () / std::max<gint64> (count, 1));
  gst_torch_set (stage, "p50", times.percentile (0.50));
  gst_torch_set (stage, "p95", times.percentile (0.95));
  gst_torch_set (stage, "p99", times.percentile (0.99));
  gst_torch_set (stage, "max", times.max ());
  gst_torch_take (stats, stage);
}

void
set_batches (GstStructure *stats, const torchinfer::EngineStatistics &engine) {
  using torchinfer::CloseReason;
  gst_torch_set (stats, "batches", engine.batches);
  gst_torch_set (stats, "batched-frames", engine.items);
  gst_torch_set (stats, "failed-batches", engine.failed_batches);
  gst_torch_set (stats, "mean-batch-size",
      static_cast<gdouble> (engine.items) /
          static_cast<gdouble> (std::max<guint64> (engine.batches, 1)));

  const auto sizes = gst_structure_new_empty ("batch-sizes");
  for (const auto &[size, count] : engine.batch_sizes) {
    char name[32];
    g_snprintf (name, sizeof (name), "size-%d", size);
    gst_torch_set (sizes, name, count);
  }
  gst_torch_take (stats, sizes);

  const auto reasons = gst_structure_new_empty ("close-reasons");
  const auto reason = [&] (const char *name, CloseReason why) {
    gst_torch_set (reasons, name, engine.closed[static_cast<std::size_t> (why)]);
  };
  reason ("full", CloseReason::kFull);
  reason ("timeout", CloseReason::kTimeout);
  reason ("nobody-left", CloseReason::kNobodyLeft);
  reason ("drain", CloseReason::kDrain);
  gst_torch_take (stats, reasons);
}

}  // namespace

GstStructure *
gst_torch_stats_new (const GstTorchCounters &counters, GstClockTime latency, bool live,
    const torchinfer::Session *session) {
  g_autoptr (GstStructure) stats = gst_structure_new_empty ("torchinference-stats");
  gst_torch_set (stats, "received", counters.received);
  gst_torch_set (stats, "pushed", counters.pushed);
  gst_torch_set (stats, "dropped", counters.dropped);
  gst_torch_set (stats, "inferred", counters.inferred);
  gst_torch_set (stats, "failed", counters.failed);
  gst_torch_set (stats, "skipped-interval", counters.skipped_interval);
  gst_torch_set (stats, "skipped-late", counters.skipped_late);
  gst_torch_set (stats, "skipped-overload", counters.skipped_overload);
  gst_torch_set (stats, "ineligible", counters.ineligible);
  gst_torch_set (stats, "latency", guint64{latency});
  gst_torch_set (stats, "live", live);

  if (session != nullptr) {
    gst_torch_set_engine (stats, *session);
    gst_torch_set (stats, "credit", session->credit ());
    const auto engine = session->engine_statistics ();
    set_batches (stats, engine);

    const auto stream = session->statistics ();
    set_stage (stats, "credit-wait", stream.credit_wait);
    set_stage (stats, "preprocess", stream.preprocess);
    set_stage (stats, "queue", stream.queue);
    set_stage (stats, "forward", engine.forward);
    set_stage (stats, "decode", engine.decode);
    set_stage (stats, "inference", stream.inference);
  }
  set_stage (stats, "output-wait", counters.output_wait);
  return static_cast<GstStructure *> (g_steal_pointer (&stats));
}
