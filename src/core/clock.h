// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "core/export.h"

namespace torchinfer {

/// Monotonic time with nanosecond ticks. Elements may live in pipelines with different clocks, so
/// the engine has its own.
using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// Where the engine takes its time from, so that a test can turn the hands. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() = 0;
  /// Sleeps on `wake` until it is notified or `deadline` has passed; may wake early. `lock` is held
  /// on entry and return.
  virtual void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                          TimePoint deadline) = 0;
};

/// The process's steady clock; lives until the process ends.
TORCHINFER_API Clock& steady_clock();

}  // namespace torchinfer
