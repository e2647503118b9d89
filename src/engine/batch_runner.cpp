// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/batch_runner.h"

#include <utility>

#include "decode/decoder.h"
#include "engine/guard.h"
#include "engine/shapes.h"

namespace torchinfer {

BatchRunner::BatchRunner(Lane& lane, const ModelFacts& facts, EngineState& state,
                         WorkerPulse& pulse, int worker)
    : lane_(lane),
      facts_(facts),
      state_(state),
      pulse_(pulse),
      worker_(static_cast<std::uint32_t>(worker)) {}

bool BatchRunner::run(TaskQueue::Batch& batch) noexcept {
  batch_ = &batch;
  started_ = state_.clock().now();
  settled_ = 0;
  record_ = {batch.reason, static_cast<int>(batch.tasks.size())};
  last_failure_ = {};
  // What is thrown here is our own, for want of memory; nobody may wait for the items it leaves.
  const Status status = guarded(Code::kInternal, "A worker", [this] {
    infer();
    return Status();
  });
  if (!given_up_) conclude(status, Tasks::kDone);
  batch_ = nullptr;
  return !given_up_;
}

void BatchRunner::infer() {
  const std::size_t count = batch_->tasks.size();
  if (outputs_.size() < count) outputs_.resize(count);
  Status status = forward(batch_->tasks);
  if (status.ok()) {
    decode(0, count);
  } else if (!given_up_) {
    record_.failed = true;
    recover(0, count, std::move(status), false);
  }
}

Status BatchRunner::forward(std::span<Task> tasks) {
  // A lost device answers no more; to ask again would only take time.
  if (!no_more_.ok()) return no_more_;
  const TimePoint begin = state_.clock().now();
  pulse_.begin_forward();
  Status status = guarded(Code::kForwardFailed, "The model's forward", [&] {
    return lane_.run(tasks, std::span(outputs_).first(tasks.size()));
  });
  if (!pulse_.end_forward()) {
    // It came back after all, but its streams have been told that it would not.
    given_up_ = true;
    return no_more_;
  }
  record_.forward += state_.clock().now() - begin;
  if (status.code() == Code::kDeviceLost) no_more_ = status;
  return status;
}

/// `status` is what a forward over these items came to; `tried_alone` when there was one item in
/// it.
void BatchRunner::recover(std::size_t first, std::size_t count, Status status, bool tried_alone) {
  const std::span<Task> tasks(batch_->tasks);
  if (status.code() == Code::kOutOfMemory && count > 1) {
    const std::size_t half = count / 2;
    for (const auto& [begin, size] :
         {std::pair(first, half), std::pair(first + half, count - half)}) {
      Status again = forward(tasks.subspan(begin, size));
      if (again.ok())
        decode(begin, size);
      else
        recover(begin, size, std::move(again), size == 1);
    }
    return;
  }
  for (std::size_t i = first; i < first + count; ++i) {
    if (!tried_alone) {
      status = forward(tasks.subspan(i, 1));
      if (status.ok()) {
        decode(i, 1);
        continue;
      }
    }
    settle(i, status);
  }
}

/// `count` items from `first` on have their outputs in outputs_[0], [1], ...
void BatchRunner::decode(std::size_t first, std::size_t count) {
  const TimePoint begin = state_.clock().now();
  for (std::size_t i = 0; i < count; ++i) {
    Task& task = batch_->tasks[first + i];
    std::vector<TensorView>& outputs = outputs_[i];
    ItemResult& item = task.frame->items[task.item];
    const Status status = guarded(Code::kInternal, "Reading the model's output", [&] {
      Status expected = check_outputs(outputs);
      if (!expected.ok()) return expected;
      Status decoded = decode_classification(*task.post, outputs, item.classes);
      if (decoded.ok() && task.keep_tensors) item.tensors = std::move(outputs);
      return decoded;
    });
    // The vector stays for its memory; the tensors must not outlive their batch in it.
    for (TensorView& output : outputs) output.owner.reset();
    settle(first + i, status);
  }
  record_.decode += state_.clock().now() - begin;
}

/// A model may give something else than it did in its self-test, or than its labels are for.
Status BatchRunner::check_outputs(std::span<const TensorView> outputs) const {
  if (outputs.size() != facts_.outputs.size())
    return Status(Code::kBadOutput, "The model gave " + std::to_string(outputs.size()) +
                                        " outputs, and " + std::to_string(facts_.outputs.size()) +
                                        " in its self-test");
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (!has_shape(outputs[i].dims, facts_.outputs[i].dims) ||
        outputs[i].dtype != facts_.outputs[i].dtype)
      return Status(Code::kBadOutput,
                    "The model's output \"" + outputs[i].name + "\" is " +
                        shape_text(outputs[i].dtype, outputs[i].dims) + ", and was " +
                        shape_text(facts_.outputs[i].dtype, facts_.outputs[i].dims) +
                        " in its self-test");
  return {};
}

/// The item has its result or its error; nobody knows yet.
void BatchRunner::settle(std::size_t index, const Status& status) noexcept {
  if (given_up_) return;
  settled_ = index + 1;
  Task& task = batch_->tasks[index];
  ItemResult& item = task.frame->items[task.item];
  item.status = copy_of(status);
  item.timing = {task.submitted,
                 started_,
                 state_.clock().now(),
                 batch_->id,
                 static_cast<std::uint32_t>(batch_->tasks.size()),
                 batch_->reason,
                 worker_};
  if (!status.ok()) {
    ++record_.failed_items;
    last_failure_ = copy_of(status);
  }
  task.seat->done(item.timing, status.ok());
}

/// Gives the items that have none yet `rest` for a result, and tells whoever waits for any of them.
void BatchRunner::conclude(const Status& rest, Tasks tasks) noexcept {
  const std::size_t count = batch_->tasks.size();
  while (settled_ < count) settle(settled_, rest);
  // In this order: whoever has a result finds its batch in the statistics, and whoever has the
  // failure that condemned the engine finds it condemned.
  if (!no_more_.ok()) state_.fail(no_more_);
  (void)guarded(Code::kInternal, "Counting a batch", [this] {
    state_.record(record_, last_failure_);
    return Status();
  });
  for (std::size_t i = 0; i < count; ++i) complete(i, tasks);
}

void BatchRunner::give_up(const Status& why) noexcept {
  no_more_ = copy_of(why);
  conclude(why, Tasks::kInUse);
}

/// Lets go of the stream's buffers, then tells the frame and the queue, and last the element.
void BatchRunner::complete(std::size_t index, Tasks tasks) noexcept {
  Task& task = batch_->tasks[index];
  if (tasks == Tasks::kDone) release(task);
  task.seat.reset();
  const auto frame = std::move(task.frame);
  const bool last = frame->open.fetch_sub(1, std::memory_order_acq_rel) == 1;
  const bool wanted = state_.queue().finish(batch_->tickets[index]);
  if (last && wanted && frame->waker) frame->waker->wake();
}

}  // namespace torchinfer
