// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "core/clock.h"
#include "engine/statistics.h"

/// How long the element says it may hold a frame. Begins with what the engine expects; grows to
/// what frames really took (a high percentile of each second, rounded up to whole frames); does not
/// shrink before the next start, or a live pipeline would be told off and on. Not thread-safe.
class GstTorchLatency {
 public:
  /// READY to PAUSED. `expected` from the engine, 0 without one.
  void start (torchinfer::Duration expected);

  /// The engine expects more, because a property changed. True if the latency grew.
  bool expect (torchinfer::Duration expected);

  /// From the caps, in ns, not 0.
  void set_frame_duration (GstClockTime duration) { frame_duration_ = duration; }

  /// A frame was ready to leave `held` after it had come, at `now`. True if the latency grew: then
  /// a LATENCY message is due. At most once a second.
  bool observe (torchinfer::Duration held, torchinfer::TimePoint now);

  GstClockTime value () const { return value_; }

 private:
  GstClockTime value_ = 0;
  GstClockTime frame_duration_ = GST_SECOND / 30;
  torchinfer::Histogram window_;
  torchinfer::TimePoint window_start_{};
};
