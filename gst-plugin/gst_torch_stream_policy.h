// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "core/clock.h"
#include "gst_torch_settings.h"

/// Whether a frame goes to the model, and if not, why.
enum class GstTorchVerdict {
  kInfer,
  kIneligible,  ///< not a picture to look at: GAP, DECODE_ONLY, CORRUPTED, or outside its segment
  kInterval,    ///< between two frames that inference-interval asks for
  kLate,        ///< the sink said that frames of this time come too late
};

/// The decisions that need neither engine nor pads: which frames are wanted at all. Not
/// thread-safe.
class GstTorchPolicy {
 public:
  /// A new stream, or the time after a flush: what was known of lateness and interval is void.
  void restart ();

  /// From a QoS event: frames up to the running time `timestamp` + `jitter` will be late.
  void note_qos (GstClockTime timestamp, GstClockTimeDiff jitter);

  /// `eligible`: see gst_torch_is_eligible(). `running_time`: none where the segment is not in time
  /// or the frame has no PTS; then it is never late.
  GstTorchVerdict judge (bool eligible, GstClockTime running_time,
      const GstTorchLiveSettings &settings, torchinfer::TimePoint now);

  /// The frame judged last is on its way to the model. A frame that found no room there is not: the
  /// next one stays due.
  void note_inferred (torchinfer::TimePoint now);

  /// The running time up to which frames are late, or none.
  GstClockTime earliest () const { return earliest_; }

 private:
  GstClockTime earliest_ = GST_CLOCK_TIME_NONE;
  guint since_inferred_ =
      0;  ///< eligible frames since the one that was inferred last, that one included; 0 = none yet
  torchinfer::TimePoint last_inferred_{};
};

/// False for frames that no model shall look at, by their flags and `segment`.
bool gst_torch_is_eligible (GstBuffer *buffer, const GstSegment &segment);

/// A buffer's PTS as running time, or none where there is none.
GstClockTime gst_torch_running_time (GstBuffer *buffer, const GstSegment &segment);
