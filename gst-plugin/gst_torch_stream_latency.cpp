// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_stream_latency.h"

#include <algorithm>

namespace {

constexpr torchinfer::Duration kWindow = std::chrono::seconds (1);
constexpr double kPercentile = 0.99;

}  // namespace

void
GstTorchLatency::start (torchinfer::Duration expected) {
  value_ = expected.count ();
  window_ = {};
  window_start_ = {};
}

bool
GstTorchLatency::expect (torchinfer::Duration expected) {
  const auto before = value_;
  value_ = std::max<GstClockTime> (value_, expected.count ());
  return value_ > before;
}

bool
GstTorchLatency::observe (torchinfer::Duration held, torchinfer::TimePoint now) {
  if (window_.count () == 0)
    window_start_ = now;
  window_.add (held);
  if (now - window_start_ < kWindow)
    return false;
  const GstClockTime seen = window_.percentile (kPercentile).count ();
  window_ = {};
  if (seen <= value_)
    return false;
  value_ = (seen + frame_duration_ - 1) / frame_duration_ * frame_duration_;
  return true;
}
