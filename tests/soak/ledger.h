// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

namespace torchinfer::soak {

/// What became of frames. After a drain, entered = left + flushed + dropped + lost.
struct Counts {
  std::uint64_t entered = 0;
  std::uint64_t left = 0;
  std::uint64_t flushed = 0;  ///< were inside at a flush, or on the way to READY
  std::uint64_t dropped = 0;  ///< did not leave, and the element may have dropped them
  std::uint64_t lost = 0;     ///< did not leave at all, for no reason
  std::uint64_t wrong = 0;    ///< left twice, out of order, or without having entered
  Counts& operator+=(const Counts& other);
};

/// Keeps book of the frames that enter and leave an element. Every frame is numbered, by its
/// offset, as it enters; what leaves must be the next that is inside.
///
/// Any thread may call; frames are booked on the streaming threads, by pad probes.
class Ledger {
 public:
  /// Watches `element`'s pads as long as it lives; the ledger must outlive it.
  void watch(GstElement* element);
  /// What is inside will not leave: the element has gone to READY.
  void clear();
  /// Frames may vanish one by one, until the next drain: overload-policy=drop.
  void allow_drops();
  /// Waits until one more EOS than `before` has left. What is still inside then was lost, or
  /// dropped where that was allowed. False if EOS did not come in time.
  bool wait_for_eos(std::uint64_t before, std::chrono::seconds patience);
  /// Waits for one more frame to leave.
  bool wait_for_frame(std::chrono::seconds patience);
  std::uint64_t eos_count() const;
  Counts counts() const;

 private:
  static GstPadProbeReturn at_sink(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  static GstPadProbeReturn at_src(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  void enter(GstBuffer* buffer);
  void leave(GstBuffer* buffer);
  void vanish();

  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::uint64_t> inside_;
  std::uint64_t next_ = 0;
  std::uint64_t eos_ = 0;
  bool drops_allowed_ = false;
  Counts counts_;
};

}  // namespace torchinfer::soak
