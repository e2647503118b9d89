// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/clock.h"
#include "core/export.h"
#include "engine/back_end.h"
#include "engine/batch_queue.h"
#include "engine/seat.h"
#include "engine/statistics.h"
#include "engine/task.h"

namespace torchinfer {

using TaskQueue = BatchQueue<Task>;

/// Ends a task that will not run: its item gets `status` (its code alone where memory is out), and
/// what it holds is dropped. Returns its frame when this was the last item. No lock may be held.
std::shared_ptr<FrameResult> abandon(Task& task, const Status& status) noexcept;

/// Drops what a task holds of its stream's buffers and blocks. Before its frame is told, since one
/// more reference makes the element copy the frame's memory to write to it.
void release(Task& task) noexcept;

/// What became of one batch.
struct BatchRecord {
  CloseReason reason = CloseReason::kFull;
  int items = 0;
  int failed_items = 0;
  bool failed = false;  ///< its first forward did
  Duration forward{0};
  Duration decode{0};
};

/// What the workers and sessions of one loaded model share. Thread-safe.
class TORCHINFER_API EngineState {
 public:
  /// `batch_times` as in ModelFacts, may be empty.
  EngineState(int batch_size, int workers, std::map<int, Duration> batch_times, Clock& clock);

  TaskQueue& queue() { return queue_; }
  const TaskQueue& queue() const { return queue_; }
  Clock& clock() { return clock_; }

  StreamId join(const StreamOptions& options, std::shared_ptr<Seat> seat);
  /// Cancels what the stream has queued.
  void leave(StreamId stream);
  /// Cancels what the stream has queued and disowns what runs.
  void cancel(StreamId stream);
  int streams() const;

  /// Adds to the statistics and judges the engine: after three batches in a row in which every item
  /// failed it fails, unless a stream had a good result lately; then the fault is with the frames.
  void record(const BatchRecord& batch, const Status& last_failure);
  /// Sticky. Ends all that is queued with `why`, waking its streams.
  void fail(const Status& why) noexcept;
  /// Refuses work from now on with `why`; what is queued is cancelled as by its streams, which are
  /// not woken.
  void close(const Status& why) noexcept;
  Status status() const { return queue_.status(); }

  EngineStatistics statistics() const;
  /// Upper bound of the time from submit to result, the batch timeout apart, when a forward takes
  /// what it took in the self-test, or more as measured since.
  Duration worst_case() const;

 private:
  bool somebody_succeeds() const;

  const int batch_size_;
  const int workers_;
  const std::map<int, Duration> batch_times_;
  Clock& clock_;
  TaskQueue queue_;

  mutable std::mutex mutex_;  // guards what follows; never held while queue_ is called
  std::map<StreamId, std::shared_ptr<Seat>> seats_;
  EngineStatistics statistics_;
  int barren_batches_ = 0;  // in a row, in which every item failed
};

}  // namespace torchinfer
