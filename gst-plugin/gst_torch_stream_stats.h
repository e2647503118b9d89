// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "engine/session.h"
#include "engine/statistics.h"

/// What has become of one stream's frames since it went to PAUSED. Each frame that came counts in
/// `received` and, unless it still waits or a flush or a state change threw it away, in `pushed` or
/// `dropped`; each that went on without results counts under the reason.
struct GstTorchCounters {
  guint64 received = 0;
  guint64 pushed = 0;
  guint64 dropped = 0;           ///< by overload-policy=drop
  guint64 inferred = 0;          ///< went on with results
  guint64 failed = 0;            ///< the model, or the way to it, failed on them
  guint64 skipped_interval = 0;  ///< by inference-interval
  guint64 skipped_late = 0;      ///< by qos
  guint64 skipped_overload = 0;  ///< by overload-policy=skip
  guint64 ineligible = 0;        ///< GAP, DECODE_ONLY, CORRUPTED, out of segment
  torchinfer::Histogram
      output_wait;  ///< from when a frame could leave until downstream took its predecessor
};

/// The `stats` property and the torchinference-stats message; all times in ns. `session` may be
/// null. docs/elements.md lists the fields.
GstStructure *gst_torch_stats_new (const GstTorchCounters &counters, GstClockTime latency,
    bool live, const torchinfer::Session *session);
