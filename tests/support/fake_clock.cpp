// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/fake_clock.h"

#include <algorithm>

namespace torchinfer::test {

TimePoint FakeClock::now() {
  const std::lock_guard lock(mutex_);
  return now_;
}

void FakeClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                           TimePoint deadline) {
  {
    const std::lock_guard own(mutex_);
    if (deadline <= now_) return;
    sleepers_.push_back({lock.mutex(), &wake, deadline});
    ++sleeps_;
  }
  changed_.notify_all();
  wake.wait(lock);
  const std::lock_guard own(mutex_);
  const auto me = std::ranges::find_if(
      sleepers_, [&](const Sleeper& s) { return s.wake == &wake && s.deadline == deadline; });
  sleepers_.erase(me);
}

void FakeClock::advance(Duration by) {
  std::vector<Sleeper> due;
  {
    const std::lock_guard own(mutex_);
    now_ += by;
    std::ranges::copy_if(sleepers_, std::back_inserter(due),
                         [this](const Sleeper& s) { return s.deadline <= now_; });
  }
  for (const Sleeper& sleeper : due) {
    // Whoever holds this mutex has not begun to wait yet, or waits already; either way the
    // notification below is not lost.
    {
      const std::lock_guard other(*sleeper.mutex);
    }
    sleeper.wake->notify_all();
  }
}

std::uint64_t FakeClock::sleeps() {
  const std::lock_guard own(mutex_);
  return sleeps_;
}

bool FakeClock::await_sleeps(std::uint64_t count) {
  std::unique_lock own(mutex_);
  return changed_.wait_for(own, std::chrono::seconds{60}, [&] { return sleeps_ >= count; });
}

}  // namespace torchinfer::test
