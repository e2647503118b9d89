// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_stream_policy.h"

namespace {

// A display that is always late must not starve whoever else reads the results.
constexpr torchinfer::Duration kLongestStarvation = std::chrono::seconds (1);

}  // namespace

void
GstTorchPolicy::restart () {
  earliest_ = GST_CLOCK_TIME_NONE;
  since_inferred_ = 0;
  last_inferred_ = {};
}

void
GstTorchPolicy::note_qos (GstClockTime timestamp, GstClockTimeDiff jitter) {
  if (!GST_CLOCK_TIME_IS_VALID (timestamp))
    return;
  const auto early = jitter < 0 && static_cast<GstClockTime> (-jitter) > timestamp;
  earliest_ = early ? 0 : timestamp + jitter;
}

GstTorchVerdict
GstTorchPolicy::judge (bool eligible, GstClockTime running_time,
    const GstTorchLiveSettings &settings, torchinfer::TimePoint now) {
  if (!eligible)
    return GstTorchVerdict::kIneligible;
  if (since_inferred_ > 0 && since_inferred_ < settings.inference_interval) {
    since_inferred_++;
    return GstTorchVerdict::kInterval;
  }
  const bool late = settings.qos && GST_CLOCK_TIME_IS_VALID (running_time) &&
                    GST_CLOCK_TIME_IS_VALID (earliest_) && running_time <= earliest_;
  const bool starved = since_inferred_ == 0 || now - last_inferred_ >= kLongestStarvation;
  return late && !starved ? GstTorchVerdict::kLate : GstTorchVerdict::kInfer;
}

void
GstTorchPolicy::note_inferred (torchinfer::TimePoint now) {
  since_inferred_ = 1;
  last_inferred_ = now;
}

bool
gst_torch_is_eligible (GstBuffer *buffer, const GstSegment &segment) {
  constexpr auto kNoPicture =
      GST_BUFFER_FLAG_GAP | GST_BUFFER_FLAG_DECODE_ONLY | GST_BUFFER_FLAG_CORRUPTED;
  if ((GST_BUFFER_FLAGS (buffer) & kNoPicture) != 0)
    return false;
  if (segment.format != GST_FORMAT_TIME || !GST_BUFFER_PTS_IS_VALID (buffer))
    return true;
  const auto start = GST_BUFFER_PTS (buffer);
  const auto stop = GST_BUFFER_DURATION_IS_VALID (buffer) ? start + GST_BUFFER_DURATION (buffer)
                                                          : GST_CLOCK_TIME_NONE;
  return gst_segment_clip (&segment, GST_FORMAT_TIME, start, stop, nullptr, nullptr);
}

GstClockTime
gst_torch_running_time (GstBuffer *buffer, const GstSegment &segment) {
  if (segment.format != GST_FORMAT_TIME || !GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_running_time (&segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
}
