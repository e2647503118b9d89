// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/clock.h"

namespace torchinfer::test {

/// A clock that stands still until a test turns it. Thread-safe. Whoever sleeps on it outlives
/// advance().
class FakeClock final : public Clock {
 public:
  TimePoint now() override;
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  TimePoint deadline) override;

  /// Turns the hands and wakes every sleeper whose deadline has come.
  void advance(Duration by);

  /// How often a thread has gone to sleep so far.
  std::uint64_t sleeps();
  /// Waits (in real time, at most a minute) until sleeps() is at least `count`. A test proves
  /// "still asleep" with it: whoever was woken has looked around and gone to sleep again.
  bool await_sleeps(std::uint64_t count);

 private:
  struct Sleeper {
    std::mutex* mutex;
    std::condition_variable* wake;
    TimePoint deadline;
  };

  std::mutex mutex_;  // taken under a sleeper's own mutex, never the other way round
  std::condition_variable changed_;
  TimePoint now_{std::chrono::hours{1}};
  std::uint64_t sleeps_ = 0;
  std::vector<Sleeper> sleepers_;
};

}  // namespace torchinfer::test
