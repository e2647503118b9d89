// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "engine/statistics.h"
#include "engine/task.h"

namespace torchinfer {

/// A stream's statistics, kept alive by its session and its tasks. Thread-safe.
class Seat {
 public:
  void submitted(std::uint64_t items) {
    const std::lock_guard lock(mutex_);
    statistics_.submitted += items;
  }
  /// What submitted() counted was refused.
  void refused(std::uint64_t items) {
    const std::lock_guard lock(mutex_);
    statistics_.submitted -= items;
  }
  void cancelled(std::uint64_t items) {
    const std::lock_guard lock(mutex_);
    statistics_.cancelled += items;
  }
  void waited_for_credit(Duration time) {
    const std::lock_guard lock(mutex_);
    statistics_.credit_wait.add(time);
  }
  void preprocessed(Duration time) {
    const std::lock_guard lock(mutex_);
    statistics_.preprocess.add(time);
  }
  /// An item has its result or, when not `ok`, its error.
  void done(const ItemTiming& timing, bool ok) {
    const std::lock_guard lock(mutex_);
    ++(ok ? statistics_.finished : statistics_.failed);
    statistics_.queue.add(timing.started - timing.submitted);
    statistics_.inference.add(timing.done - timing.submitted);
    last_success_ = ok ? std::optional(timing.done) : std::nullopt;
  }
  /// Items that the engine failed before their forward began.
  void failed(std::uint64_t items) {
    const std::lock_guard lock(mutex_);
    statistics_.failed += items;
  }

  SessionStatistics read() const {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }
  /// When the stream's last result came, if it was a good one.
  std::optional<TimePoint> last_success() const {
    const std::lock_guard lock(mutex_);
    return last_success_;
  }

 private:
  mutable std::mutex mutex_;
  SessionStatistics statistics_;
  std::optional<TimePoint> last_success_;
};

}  // namespace torchinfer
