// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <vector>

#include "core/export.h"
#include "engine/back_end.h"
#include "engine/engine_state.h"
#include "engine/worker_pulse.h"

namespace torchinfer {

/// Runs the batches of one worker, on its thread: forward, decode, and what follows when one fails.
/// A batch whose forward fails is run again item by item (halved first where memory ran out), and
/// only items that fail again fail, so that a failing stream fails alone. A lost device fails the
/// engine.
class TORCHINFER_API BatchRunner {
 public:
  /// All of them outlive the runner.
  BatchRunner(Lane& lane, const ModelFacts& facts, EngineState& state, WorkerPulse& pulse,
              int worker);

  /// Every task is done afterwards, whatever happens; nothing is thrown. False when the watchdog
  /// had to see to that: no more may be run then.
  bool run(TaskQueue::Batch& batch) noexcept;

  /// The watchdog's, between WorkerPulse::give_up() and settled(): fails the engine and every item
  /// that has no result yet, leaving alone what the forward may still read.
  void give_up(const Status& why) noexcept;

 private:
  enum class Tasks {
    kDone,   ///< nobody needs them any longer
    kInUse,  ///< a forward does
  };

  void infer();
  Status forward(std::span<Task> tasks);
  void recover(std::size_t first, std::size_t count, Status status, bool tried_alone);
  void decode(std::size_t first, std::size_t count);
  Status check_outputs(std::span<const TensorView> outputs) const;
  void settle(std::size_t index, const Status& status) noexcept;
  void conclude(const Status& rest, Tasks tasks) noexcept;
  void complete(std::size_t index, Tasks tasks) noexcept;

  Lane& lane_;
  const ModelFacts& facts_;
  EngineState& state_;
  WorkerPulse& pulse_;
  const std::uint32_t worker_;

  Status no_more_;         // why there are no more forwards
  bool given_up_ = false;  // the batch at hand and the worker

  // Of the batch at hand.
  TaskQueue::Batch* batch_ = nullptr;             // not null in run()
  std::vector<std::vector<TensorView>> outputs_;  // kept for their memory
  TimePoint started_;
  std::size_t settled_ = 0;  // items, always the first ones
  BatchRecord record_;
  Status last_failure_;
};

}  // namespace torchinfer
