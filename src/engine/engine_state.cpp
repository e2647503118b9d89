// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/engine_state.h"

#include <algorithm>
#include <cstdint>
#include <limits>
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
// What may wait at the engine for a live stream: a picture is late by this, where more frames come
// than the model can do. Shorter than what people notice, longer than most models' forward.
constexpr Duration kLiveQueue = 60ms;

/// Of a batch of `size`, or of the next size up or down that was timed; 0 where none was.
Duration time_of(const std::map<int, Duration>& batch_times, int size) {
  if (batch_times.empty()) return Duration{0};
  const auto found = batch_times.lower_bound(size);
  return found != batch_times.end() ? found->second : batch_times.rbegin()->second;
}

/// As many tasks as the workers do in kLiveQueue, but one for each and one in reserve at least.
int live_limit(int batch_size, int workers, const std::map<int, Duration>& batch_times) {
  const Duration full = time_of(batch_times, batch_size);
  const std::int64_t all = std::int64_t{workers} * batch_size;
  if (full <= Duration{0}) return std::numeric_limits<int>::max();
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  return static_cast<int>(std::clamp<std::int64_t>(kLiveQueue * all / full, workers + 1, kMost));
}

}  // namespace

void release(Task& task) noexcept {
  task.image = {};
  task.block = {};
  task.pre.reset();
  task.post.reset();
}

std::shared_ptr<FrameResult> abandon(Task& task, const Status& status) noexcept {
  release(task);
  auto frame = std::move(task.frame);
  frame->items[task.item].status = copy_of(status);
  const bool last = frame->open.fetch_sub(1, std::memory_order_acq_rel) == 1;
  return last ? frame : nullptr;
}

EngineState::EngineState(int batch_size, int workers, std::map<int, Duration> batch_times,
                         Clock& clock)
    : batch_size_(batch_size),
      workers_(workers),
      batch_times_(std::move(batch_times)),
      clock_(clock),
      queue_({batch_size, workers, live_limit(batch_size, workers, batch_times_)}, clock) {}

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
  for (Task& task : tasks) abandon(task, Status(Code::kCancelled, "cancelled"));
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
  while (auto left = queue_.take_left()) {
    left->task.seat->failed(1);
    const auto frame = abandon(left->task, why);
    const bool wanted = queue_.finish(left->ticket);
    if (frame && wanted && frame->waker) frame->waker->wake();
  }
}

void EngineState::close(const Status& why) noexcept {
  queue_.close(copy_of(why));
  while (auto left = queue_.take_left()) {
    left->task.seat->cancelled(1);
    (void)abandon(left->task, why);
    (void)queue_.finish(left->ticket);
  }
}

EngineStatistics EngineState::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

Duration EngineState::worst_case() const {
  const int unfinished = queue_.load();
  // No batch is larger than what may be unfinished.
  Duration forward = time_of(batch_times_, std::min(unfinished, batch_size_));
  {
    const std::lock_guard lock(mutex_);
    if (statistics_.forward.count() >= kEnoughBatches)
      forward = std::max(forward, statistics_.forward.percentile(kHighPercentile));
  }
  // All that may be unfinished before this task, in rounds of full batches, and its own forward.
  const int round = batch_size_ * workers_;
  return forward * ((unfinished + round - 1) / round + 1);
}

}  // namespace torchinfer
