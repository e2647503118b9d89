// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "core/clock.h"
#include "core/export.h"

namespace torchinfer {

/// Durations in bins of geometric width (relative error <= 3.2 %), from 1 us to 1000 s. Constant
/// memory, no allocation. Not thread-safe.
class TORCHINFER_API Histogram {
 public:
  void add(Duration value);
  std::uint64_t count() const { return count_; }
  Duration sum() const { return sum_; }
  Duration max() const { return max_; }
  /// The value below which `fraction` (0..1) of the entries lie; 0 when empty.
  Duration percentile(double fraction) const;

 private:
  static constexpr int kBinsPerOctave = 16;
  static constexpr int kBins = 30 * kBinsPerOctave;
  std::array<std::uint32_t, kBins> bins_{};
  std::uint64_t count_ = 0;
  Duration sum_{0};
  Duration max_{0};
};

/// Why a batch was closed.
enum class CloseReason : std::uint8_t { kFull, kTimeout, kNobodyLeft, kDrain };

struct EngineStatistics {
  std::uint64_t batches = 0;
  std::uint64_t items = 0;
  std::uint64_t failed_batches = 0;
  std::uint64_t failed_items = 0;
  std::array<std::uint64_t, 4> closed{};     ///< by CloseReason
  std::map<int, std::uint64_t> batch_sizes;  ///< how many batches had that many items
  Histogram forward;                         ///< by batch
  Histogram decode;                          ///< by batch
};

struct SessionStatistics {
  std::uint64_t submitted = 0;
  std::uint64_t finished = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  Histogram credit_wait;
  Histogram preprocess;
  Histogram queue;      ///< from submit until its forward began
  Histogram inference;  ///< from submit until decoded
};

}  // namespace torchinfer
