// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/clock.h"

namespace torchinfer {
namespace {

class SteadyClock final : public Clock {
 public:
  TimePoint now() override { return std::chrono::steady_clock::now(); }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  TimePoint deadline) override {
    wake.wait_until(lock, deadline);
  }
};

}  // namespace

Clock& steady_clock() {
  // Never destroyed: workers may still read it while static destructors run.
  static auto* clock = new SteadyClock;
  return *clock;
}

}  // namespace torchinfer
