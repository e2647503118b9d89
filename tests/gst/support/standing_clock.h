// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "support/fake_clock.h"

namespace torchinfer::test {

/// While one of these lives, torchinference and the engines that it opens take their time from it:
/// no timeout runs out and no stream falls silent before the test advances it, however long the
/// machine takes. It outlives the elements that were made meanwhile; one at a time.
///
/// Programs that this is linked into have their own steady_clock(), which the loader prefers to
/// libtorchinfer.so's. It runs as that one does while no StandingClock lives.
class StandingClock {
 public:
  StandingClock();
  ~StandingClock();
  StandingClock(const StandingClock&) = delete;
  StandingClock& operator=(const StandingClock&) = delete;

  void advance(Duration by) { clock_.advance(by); }
  /// As FakeClock's.
  bool await_sleeps(std::uint64_t count) { return clock_.await_sleeps(count); }

 private:
  FakeClock clock_;
};

}  // namespace torchinfer::test
