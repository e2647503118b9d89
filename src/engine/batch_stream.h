// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>

#include "core/clock.h"
#include "engine/arrivals.h"
#include "engine/fair_turns.h"
#include "engine/ring.h"

namespace torchinfer {

/// A stream's number in its queue, from 1; never used twice.
using StreamId = std::uint64_t;

struct StreamOptions {
  bool live = false;          ///< its tasks go before those of streams that can wait
  Duration batch_timeout{0};  ///< extra wait of a batch that is not full, from submit; >= 0
};

/// Each active stream's part of `all` tasks; never so small that a stream cannot prepare one task
/// while another runs.
inline int share_of_credit(int all, int active_streams) {
  const int streams = std::max(1, active_streams);
  return std::max(2, (all + streams - 1) / streams);
}

/// What a BatchQueue knows of one stream. Guarded by the queue's mutex.
template <class T>
struct BatchStream {
  struct Entry {
    T task;
    TimePoint submitted;
  };

  StreamId id = 0;
  StreamOptions options;
  Ring<Entry> queued;
  int running = 0;
  std::uint64_t generation = 0;  // counts cancel()
  FairTurns::Turn turn = 0;

  bool contributing = false;   // it may submit soon, as far as it knows
  bool out_of_credit = false;  // and it had credit left after its last submit
  bool hurry = false;          // what is queued shall not wait for company
  Arrivals arrivals;

  bool interrupted = false;
  std::condition_variable changed;  // unfinished() fell, others stopped to count, or interrupted

  int unfinished() const { return running + static_cast<int>(queued.size()); }

  /// Of its oldest task.
  TimePoint deadline() const { return queued.front().submitted + options.batch_timeout; }

  /// Whether it has a part in the engine's credit now.
  bool active(TimePoint now) const {
    return unfinished() > 0 || (contributing && now < arrivals.silent_at());
  }

  /// Whether a batch that closes at `deadline` may hope for a task of this stream, credit apart.
  bool can_contribute(TimePoint now, TimePoint deadline) const {
    return contributing && arrivals.next() <= deadline && now < arrivals.silent_at();
  }

  void stop_contributing() {
    contributing = false;
    arrivals.held_up();
  }

  /// There is credit for it.
  void regain_credit(TimePoint now) {
    if (out_of_credit) arrivals.freed(now);
    out_of_credit = false;
  }

  bool goes_before(const BatchStream& other) const {
    return turn != other.turn ? turn < other.turn : deadline() < other.deadline();
  }
};

}  // namespace torchinfer
