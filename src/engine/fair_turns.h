// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>

namespace torchinfer {

/// Counts whose turn it is, by the number of tasks each stream has had served since it came
/// (start-time fair queuing with equal weights). Not thread-safe.
class FairTurns {
 public:
  using Turn = std::int64_t;

  /// Turns by which live streams may be ahead of those that can wait.
  static constexpr Turn kLiveLead = 16;

  /// The turn with which a stream goes on that had nothing queued: not before the one being served.
  Turn resume(Turn own, bool live) const {
    return std::max({own, waiting_, live ? live_ : live_ - kLiveLead});
  }

  /// A task was taken from a stream that had `turn`; returns its next one.
  Turn took(Turn turn, bool live) {
    (live ? live_ : waiting_) = turn;
    return turn + 1;
  }

  /// Whether the best live stream goes before the best of those that can wait.
  static bool live_first(Turn live, Turn waiting) { return live <= waiting + kLiveLead; }

 private:
  Turn live_ = 0;  // the last turn served of each kind
  Turn waiting_ = 0;
};

}  // namespace torchinfer
