// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/engine_state.h"

#include <algorithm>
#include <utility>

#include "engine/guard.h"

namespace torchinfer {
namespace {

using namespace std::chrono_literals;

constexpr int kMostBarrenBatches = 3;
constexpr Duration kLately = 10s;
// Before so many batches the largest of them is not a percentile of anything.
constexpr std::uint64_t kEnoughBatches = 20;
constexpr double kHighPercentile = 0.95;

}  // namespace

void release(Task& task) noexcept {
  task.image = {};
  task.block = {};
  task.pre.reset();
  task.post.reset();
}

void abandon(Task& task, const Status& status, bool wake) noexcept {
  release(task);
  const auto frame = std::move(task.frame);
  frame->items[task.item].status = copy_of(status);
  const bool last = frame->open.fetch_sub(1, std::memory_order_acq_rel) == 1;
  if (last && wake && frame->waker) frame->waker->wake();
}

EngineState::EngineState(int batch_size, int workers, Clock& clock)
    : batch_size_(batch_size),
      workers_(workers),
      clock_(clock),
      queue_({batch_size, workers}, clock) {}

StreamId EngineState::join(const StreamOptions& options, std::shared_ptr<Seat> seat) {
  const StreamId stream = queue_.join(options);
  const std::lock_guard lock(mutex_);
  seats_.emplace(stream, std::move(seat));
  return stream;
}

void EngineState::leave(StreamId stream) {
  cancel(stream);
  (void)queue_.leave(stream);
  const std::lock_guard lock(mutex_);
  seats_.erase(stream);
}

void EngineState::cancel(StreamId stream) {
  std::vector<Task> tasks = queue_.cancel(stream);
  if (!tasks.empty()) tasks.front().seat->cancelled(tasks.size());
  for (Task& task : tasks) abandon(task, Status(Code::kCancelled, "cancelled"), false);
}

int EngineState::streams() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(seats_.size());
}

void EngineState::record(const BatchRecord& batch, const Status& last_failure) {
  bool condemned = false;
  {
    const std::lock_guard lock(mutex_);
    ++statistics_.batches;
    statistics_.items += static_cast<std::uint64_t>(batch.items);
    statistics_.failed_batches += batch.failed ? 1 : 0;
    statistics_.failed_items += static_cast<std::uint64_t>(batch.failed_items);
    ++statistics_.closed[static_cast<std::size_t>(batch.reason)];
    ++statistics_.batch_sizes[batch.items];
    statistics_.forward.add(batch.forward);
    statistics_.decode.add(batch.decode);
    barren_batches_ = batch.failed_items == batch.items ? barren_batches_ + 1 : 0;
    condemned = barren_batches_ >= kMostBarrenBatches && !somebody_succeeds();
  }
  if (condemned)
    fail(Status(last_failure.code(),
                "Every frame of " + std::to_string(kMostBarrenBatches) +
                    " batches in a row failed; the last one: " + last_failure.message(),
                last_failure.detail()));
}

bool EngineState::somebody_succeeds() const {
  const TimePoint since = clock_.now() - kLately;
  return std::ranges::any_of(seats_, [&](const auto& seat) {
    const auto success = seat.second->last_success();
    return success && *success >= since;
  });
}

void EngineState::fail(const Status& why) noexcept {
  queue_.close(copy_of(why));
  while (std::optional<Task> task = queue_.take_left()) {
    task->seat->failed(1);
    abandon(*task, why, true);
  }
}

void EngineState::close(const Status& why) noexcept {
  queue_.close(copy_of(why));
  while (std::optional<Task> task = queue_.take_left()) {
    task->seat->cancelled(1);
    abandon(*task, why, false);
  }
}

EngineStatistics EngineState::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

Duration EngineState::worst_case(Duration self_tested) const {
  const auto load = queue_.load();
  Duration forward = self_tested;
  {
    const std::lock_guard lock(mutex_);
    if (statistics_.forward.count() >= kEnoughBatches)
      forward = std::max(forward, statistics_.forward.percentile(kHighPercentile));
  }
  // All that may be unfinished before this task, in rounds of full batches, and its own forward.
  const int unfinished = std::max(1, load.active) * load.credit;
  const int round = batch_size_ * workers_;
  return forward * ((unfinished + round - 1) / round + 1);
}

}  // namespace torchinfer
