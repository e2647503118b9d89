// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>

#include "core/clock.h"

namespace torchinfer {

/// Guesses when a stream's next task comes: one interval after the last, where the interval is the
/// last one in which nothing but its source held the stream up. Not thread-safe.
class Arrivals {
 public:
  /// A task came.
  void arrived(TimePoint now) {
    if (free_running_) interval_ = now - since_;
    since_ = now;
    free_running_ = true;
  }

  /// The stream cannot submit for a reason of its own (no credit, back-pressure): the gap that runs
  /// now says nothing about its source.
  void held_up() { free_running_ = false; }

  /// It can again. Its source has had time to get the next frame ready, so no interval is measured
  /// from here.
  void freed(TimePoint now) { since_ = now; }

  /// When the next task is due; a stream with one task so far may bring it at any moment.
  TimePoint next() const { return since_ + interval_; }

  /// From here on nobody counts on the stream until it shows up again. Generous, since a decoder's
  /// intervals vary a lot, and short enough that a paused stream costs its neighbours a moment
  /// only.
  TimePoint silent_at() const {
    using namespace std::chrono_literals;
    const Duration patience = interval_ == Duration{0} ? Duration{1s} : 4 * interval_;
    return since_ + std::max<Duration>(patience, 250ms);
  }

 private:
  TimePoint since_;
  Duration interval_{0};  // 0 = not known
  bool free_running_ = false;
};

}  // namespace torchinfer
