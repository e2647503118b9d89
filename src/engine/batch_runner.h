// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "engine/back_end.h"
#include "engine/engine_state.h"

namespace torchinfer {

/// What a worker is doing, for a watchdog to read.
struct WorkerPulse {
  std::atomic<Duration::rep> forward_since{0};  ///< TimePoint's count; 0 = no forward runs
  std::atomic<std::uint64_t> batch_id{0};       ///< the batch it has now or had last
};

/// Runs the batches of one worker, on its thread: forward, decode, and what follows when one fails.
/// A batch whose forward fails is run again item by item (halved first where memory ran out), and
/// only items that fail again fail, so that a failing stream fails alone. A lost device fails the
/// engine.
class BatchRunner {
 public:
  /// All of them outlive the runner.
  BatchRunner(Lane& lane, const ModelFacts& facts, EngineState& state, WorkerPulse& pulse,
              int worker);

  /// Every task is done afterwards, whatever happens; nothing is thrown.
  void run(TaskQueue::Batch& batch);

 private:
  Status forward(std::span<Task> tasks);
  void recover(std::size_t first, std::size_t count, Status status, bool tried_alone);
  void decode(std::size_t first, std::size_t count);
  Status check_outputs(std::span<const TensorView> outputs) const;
  void settle(std::size_t index, const Status& status);
  void complete(std::size_t index);

  Lane& lane_;
  const ModelFacts& facts_;
  EngineState& state_;
  WorkerPulse& pulse_;
  const std::uint32_t worker_;

  // Of the batch at hand.
  TaskQueue::Batch* batch_ = nullptr;             // not null in run()
  std::vector<std::vector<TensorView>> outputs_;  // kept for their memory
  TimePoint started_;
  BatchRecord record_;
  Status last_failure_;
};

}  // namespace torchinfer
