// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/standing_clock.h"

#include <atomic>

namespace torchinfer {
namespace {

class RunningClock final : public Clock {
 public:
  TimePoint now() override { return std::chrono::steady_clock::now(); }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  TimePoint deadline) override {
    wake.wait_until(lock, deadline);
  }
};

std::atomic<Clock*> standing{nullptr};

}  // namespace

Clock& steady_clock() {
  static auto* running = new RunningClock;
  Clock* clock = standing;
  return clock != nullptr ? *clock : *running;
}

namespace test {

StandingClock::StandingClock() { standing = &clock_; }

StandingClock::~StandingClock() { standing = nullptr; }

}  // namespace test
}  // namespace torchinfer
