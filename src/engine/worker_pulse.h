// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace torchinfer {

/// What a worker and the watchdog say to each other about the worker's forwards. While a forward
/// runs, its batch belongs to neither: to the worker again if the forward comes back, to the
/// watchdog if it gives the forward up first.
class WorkerPulse {
 public:
  // The worker's.

  void begin_forward() { forward_.store(++begun_, std::memory_order_release); }
  /// False when the watchdog has given this forward up; returns when it is done with the batch,
  /// and then the worker may touch it again.
  bool end_forward() {
    std::uint64_t own = begun_;
    if (forward_.compare_exchange_strong(own, kNone, std::memory_order_acq_rel)) return true;
    forward_.wait(kGivenUp, std::memory_order_acquire);
    return false;
  }

  // The watchdog's.

  /// The number of the forward that runs, from 1; 0 when none does, or it is given up.
  std::uint64_t forward() const {
    const std::uint64_t now = forward_.load(std::memory_order_acquire);
    return now < kSettled ? now : kNone;
  }
  /// True when that forward still ran; the batch is the watchdog's then, until settled().
  bool give_up(std::uint64_t forward) {
    return forward_.compare_exchange_strong(forward, kGivenUp, std::memory_order_acq_rel);
  }
  void settled() {
    forward_.store(kSettled, std::memory_order_release);
    forward_.notify_all();
  }

  /// Whether the worker will never be one again. Of use after give_up(), to anybody.
  bool given_up() const { return forward_.load(std::memory_order_acquire) >= kSettled; }

 private:
  static constexpr std::uint64_t kNone = 0;
  static constexpr std::uint64_t kGivenUp = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint64_t kSettled = kGivenUp - 1;

  std::uint64_t begun_ = 0;  // the worker's own
  std::atomic<std::uint64_t> forward_{kNone};
};

}  // namespace torchinfer
