// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "core/clock.h"
#include "core/export.h"
#include "engine/close_reason.h"

namespace torchinfer {

/// Durations in bins of geometric width (relative error of a percentile <= 2.2 %, or 1 us), from
/// 1 us to 1000 s. Constant memory, no allocation. A plain value, not thread-safe.
class TORCHINFER_API Histogram {
 public:
  void add(Duration value);
  /// All entries of another one.
  void add(const Histogram& other);
  std::uint64_t count() const { return count_; }
  Duration sum() const { return sum_; }
  Duration max() const { return max_; }
  /// The smallest value that at least `fraction` (0..1) of the entries do not exceed; 0 when empty,
  /// exact for 1.
  Duration percentile(double fraction) const;

 private:
  static constexpr int kBinsPerOctave = 16;
  static constexpr int kBins = 30 * kBinsPerOctave;
  std::array<std::uint32_t, kBins> bins_{};
  std::uint64_t count_ = 0;
  Duration sum_{0};
  Duration max_{0};
};

/// A plain value; an item is one region of one frame.
struct EngineStatistics {
  std::uint64_t batches = 0;
  std::uint64_t items = 0;
  std::uint64_t failed_batches = 0;  ///< whose first forward failed, whatever became of its items
  std::uint64_t failed_items = 0;
  std::array<std::uint64_t, 4> closed{};     ///< by CloseReason
  std::map<int, std::uint64_t> batch_sizes;  ///< how many batches had that many items
  Histogram forward;                         ///< by batch, reruns included
  Histogram decode;                          ///< by batch
};

/// A plain value. submitted = finished + failed + cancelled + those on their way.
struct SessionStatistics {
  std::uint64_t submitted = 0;
  std::uint64_t finished = 0;  ///< with a result
  std::uint64_t failed = 0;    ///< with an error
  std::uint64_t cancelled = 0;
  Histogram credit_wait;  ///< by wait_credit() that had to sleep
  Histogram preprocess;   ///< by item, on the streaming thread
  Histogram queue;        ///< by item, from submit until its forward began
  Histogram inference;    ///< by item, from submit until decoded
};

}  // namespace torchinfer
