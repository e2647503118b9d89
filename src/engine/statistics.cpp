// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/statistics.h"

#include <algorithm>
#include <cmath>

namespace torchinfer {

void Histogram::add(Duration value) {
  const double microseconds = std::chrono::duration<double, std::micro>(value).count();
  const int bin =
      microseconds <= 1.0 ? 0 : static_cast<int>(std::log2(microseconds) * kBinsPerOctave);
  ++bins_[static_cast<std::size_t>(std::min(bin, kBins - 1))];
  ++count_;
  sum_ += value;
  max_ = std::max(max_, value);
}

void Histogram::add(const Histogram& other) {
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) bins_[bin] += other.bins_[bin];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

Duration Histogram::percentile(double fraction) const {
  if (count_ == 0) return Duration{0};
  const auto wanted = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  if (rank == count_) return max_;
  std::uint64_t seen = 0;
  int bin = 0;
  while (bin < kBins - 1 && (seen += bins_[static_cast<std::size_t>(bin)]) < rank) ++bin;
  // The bin's geometric middle: as far from its lower as from its upper end, relatively.
  const double microseconds = std::exp2((bin + 0.5) / kBinsPerOctave);
  const auto middle =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::micro>(microseconds));
  return std::min(middle, max_);
}

const char* to_string(CloseReason reason) {
  switch (reason) {
    case CloseReason::kFull: return "full";
    case CloseReason::kTimeout: return "timeout";
    case CloseReason::kNobodyLeft: return "nobody-left";
    case CloseReason::kDrain: return "drain";
  }
  return "unknown";
}

}  // namespace torchinfer
