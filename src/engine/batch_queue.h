// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/status.h"
#include "engine/batch_stream.h"
#include "engine/close_reason.h"

namespace torchinfer {

/// Hands the tasks of many streams to workers in batches. It knows nothing of what a task is: T is
/// movable and default-constructible. All calls are thread-safe.
///
/// How a batch comes about: workers pull. A free worker takes what is ready, at most batch_size
/// tasks; so no batch closes while no worker is free. One free worker at a time, the collector,
/// waits for tasks and then for more of them; the others wait for its place. It closes the batch
/// when the batch is full, when a stream with a task in it is in a hurry, when its oldest task has
/// waited for the batch-timeout of its stream, or when no stream can add to it before that (see
/// BatchStream::can_contribute).
///
/// Who goes first: live streams before those that can wait, among equals the stream that has had
/// fewer turns, then the earliest deadline. Turns are counted as in start-time fair queuing: a
/// stream that comes back after a pause begins with the others' turn, so it can neither save turns
/// up nor be starved. Live streams may be kLiveLead turns ahead of the rest and no more, so that
/// no stream gets less than the smaller of its demand and its equal share.
///
/// Credit: a stream may have max(2, ceil(all / active streams)) tasks unfinished (queued or
/// running), where all = (workers + 1) x batch_size keeps every worker busy with one batch more in
/// reserve. For a live stream `all` is at most Limits::live: what waits is late, and where more
/// comes than the model can do, the queue is always full. Active are the stream itself, those with
/// unfinished tasks, and those whose next task is not long overdue; a paused or silent stream stops
/// to count a moment after its last task. Credit is for the submitter to look at: submit() never
/// blocks or refuses.
///
/// Invariants, whenever the mutex is free:
///  - queued_ is the sum of all streams' queued tasks;
///  - a task is queued, or running (between next() and finish()), or back in the caller's hands;
///  - at most one worker collects; while one is free, one does;
///  - no task is destroyed and nothing of a task's is called under the mutex.
template <class T>
class BatchQueue {
 public:
  struct Limits {
    int batch_size = 1;                          ///< >= 1
    int workers = 1;                             ///< threads that call next(), >= 1
    int live = std::numeric_limits<int>::max();  ///< of which live streams share credit, >= 1
  };

  /// Names a running task's stream, and which of its generations.
  struct Ticket {
    StreamId stream = 0;
    std::uint64_t generation = 0;
  };

  struct Batch {
    std::uint64_t id = 0;  ///< counts this queue's batches from 1
    CloseReason reason = CloseReason::kFull;
    std::vector<T> tasks;         ///< 1..batch_size
    std::vector<Ticket> tickets;  ///< of tasks, in the same order
  };

  /// `clock` outlives the queue.
  BatchQueue(Limits limits, Clock& clock) : limits_(limits), clock_(clock) {}

  // --- for streams ---

  /// A seat for a stream; it contributes from its first submit() on.
  StreamId join(const StreamOptions& options);
  /// Gives the seat up. Returns what was queued. Nobody may wait in this stream's calls.
  [[nodiscard]] std::vector<T> leave(StreamId stream);
  /// Holds at once, for what is queued too.
  void configure(StreamId stream, const StreamOptions& options);

  /// Queues all of `tasks` or none. They are moved from only when Ok is returned; otherwise it is
  /// what close() was given.
  Status submit(StreamId stream, std::span<T> tasks);

  int credit(StreamId stream) const;
  bool has_credit(StreamId stream) const;
  /// Sleeps until there is credit (true), or the stream is interrupted or the queue closed (false).
  /// Credit comes with a task of the stream that is done, and with another stream that stops to
  /// count.
  bool wait_credit(StreamId stream);
  /// Sleeps until nothing of the stream is queued or running (true), or the stream is interrupted
  /// (false). Marks the stream as not contributing and in a hurry.
  bool drain(StreamId stream);
  /// While on, wait_credit() and drain() return at once.
  void interrupt(StreamId stream, bool on);

  /// Off: no batch waits for this stream until it submits again.
  void set_contributing(StreamId stream, bool on);
  /// What the stream has queued leaves with the next free worker, however small the batch.
  void hurry(StreamId stream);
  /// Takes out what is queued and disowns what is running: finish() returns false for it.
  [[nodiscard]] std::vector<T> cancel(StreamId stream);

  // --- for workers ---

  /// Sleeps until a batch closes and moves it into `batch`, whose vectors are reused; false after
  /// close().
  bool next(Batch& batch);
  /// One task of a batch is done. Whether its stream still wants it.
  bool finish(const Ticket& ticket);

  // --- for the owner ---

  /// Refuses from now on with `why` (not Ok) and wakes everybody; the first call's reason stays.
  /// What is queued is for the owner to take out. Needs no memory.
  void close(Status why);
  /// After close(): one task of those that were queued, until there are none. It is running then:
  /// drain() waits for its finish().
  struct Left {
    T task;
    Ticket ticket;
  };
  std::optional<Left> take_left();
  /// Ok until close().
  Status status() const;

  /// What may be unfinished at once: the credit of all streams that are active now (see above), at
  /// least that of one live stream.
  int load() const;
  /// Whether this stream is active now.
  bool active(StreamId stream) const;

 private:
  using Stream = BatchStream<T>;
  struct Decision {
    std::optional<CloseReason> close;
    TimePoint look_again;
  };

  Decision decide(TimePoint now) const;
  Stream* pick();
  void fill(Batch& batch);
  std::vector<T> take_queued(Stream& stream);
  void settle(Stream& stream);
  void wake_waiters();
  int credit_of(const Stream& stream, TimePoint now) const;
  int all_credit(bool live) const;
  int active_streams(TimePoint now) const;
  TimePoint next_silence(const Stream& apart, TimePoint now) const;

  const Limits limits_;
  Clock& clock_;

  mutable std::mutex mutex_;  // guards all that follows; no other lock is taken under it
  std::map<StreamId, Stream> streams_;
  StreamId last_stream_ = 0;
  std::uint64_t last_batch_ = 0;
  std::size_t queued_ = 0;
  int credit_waiters_ = 0;  // threads in wait_credit(), asleep
  FairTurns turns_;
  bool collecting_ = false;
  Status closed_;
  std::condition_variable place_;  // the collector's place may be free
  std::condition_variable news_;   // the collector should decide anew
};

// Implementation

template <class T>
StreamId BatchQueue<T>::join(const StreamOptions& options) {
  const std::lock_guard lock(mutex_);
  Stream& stream = streams_[++last_stream_];
  stream.id = last_stream_;
  stream.options = options;
  return last_stream_;
}

template <class T>
std::vector<T> BatchQueue<T>::leave(StreamId stream) {
  const std::lock_guard lock(mutex_);
  std::vector<T> left = take_queued(streams_.at(stream));
  streams_.erase(stream);
  wake_waiters();
  news_.notify_one();
  return left;
}

template <class T>
void BatchQueue<T>::configure(StreamId stream, const StreamOptions& options) {
  const std::lock_guard lock(mutex_);
  streams_.at(stream).options = options;
  news_.notify_one();
}

template <class T>
Status BatchQueue<T>::submit(StreamId stream, std::span<T> tasks) {
  const std::lock_guard lock(mutex_);
  if (!closed_.ok()) return closed_;
  Stream& to = streams_.at(stream);
  const TimePoint now = clock_.now();
  to.queued.reserve(tasks.size());
  if (to.queued.empty()) to.turn = turns_.resume(to.turn, to.options.live);
  for (T& task : tasks) to.queued.push_back({std::move(task), now});
  queued_ += tasks.size();
  to.contributing = true;
  const TimePoint silent_at = to.arrivals.silent_at();
  to.arrivals.arrived(now);
  if (to.arrivals.silent_at() < silent_at) wake_waiters();
  to.out_of_credit = to.unfinished() >= credit_of(to, now);
  if (to.out_of_credit) to.arrivals.held_up();
  news_.notify_one();
  return {};
}

template <class T>
int BatchQueue<T>::credit(StreamId stream) const {
  const std::lock_guard lock(mutex_);
  return credit_of(streams_.at(stream), clock_.now());
}

template <class T>
bool BatchQueue<T>::has_credit(StreamId stream) const {
  const std::lock_guard lock(mutex_);
  const Stream& of = streams_.at(stream);
  return of.unfinished() < credit_of(of, clock_.now());
}

template <class T>
bool BatchQueue<T>::wait_credit(StreamId stream) {
  std::unique_lock lock(mutex_);
  Stream& of = streams_.at(stream);
  for (;;) {
    if (of.interrupted || !closed_.ok()) return false;
    const TimePoint now = clock_.now();
    if (of.unfinished() < credit_of(of, now)) {
      of.regain_credit(now);
      return true;
    }
    const TimePoint silence = next_silence(of, now);
    ++credit_waiters_;
    if (silence == TimePoint::max())
      of.changed.wait(lock);
    else
      clock_.wait_until(lock, of.changed, silence);
    --credit_waiters_;
  }
}

template <class T>
bool BatchQueue<T>::drain(StreamId stream) {
  std::unique_lock lock(mutex_);
  Stream& of = streams_.at(stream);
  of.stop_contributing();
  of.hurry = !of.queued.empty();
  wake_waiters();
  news_.notify_one();
  of.changed.wait(lock, [&] { return of.unfinished() == 0 || of.interrupted; });
  return of.unfinished() == 0;
}

template <class T>
void BatchQueue<T>::interrupt(StreamId stream, bool on) {
  const std::lock_guard lock(mutex_);
  Stream& of = streams_.at(stream);
  of.interrupted = on;
  of.changed.notify_all();
}

template <class T>
void BatchQueue<T>::set_contributing(StreamId stream, bool on) {
  const std::lock_guard lock(mutex_);
  Stream& of = streams_.at(stream);
  if (on && !of.contributing) {
    of.contributing = true;
    of.arrivals.freed(clock_.now());
  } else if (!on) {
    of.stop_contributing();
    wake_waiters();
    news_.notify_one();
  }
}

template <class T>
void BatchQueue<T>::hurry(StreamId stream) {
  const std::lock_guard lock(mutex_);
  Stream& of = streams_.at(stream);
  of.hurry = !of.queued.empty();
  news_.notify_one();
}

template <class T>
std::vector<T> BatchQueue<T>::cancel(StreamId stream) {
  const std::lock_guard lock(mutex_);
  Stream& of = streams_.at(stream);
  ++of.generation;
  std::vector<T> taken = take_queued(of);
  news_.notify_one();
  return taken;
}

template <class T>
bool BatchQueue<T>::next(Batch& batch) {
  batch.tasks.clear();
  batch.tickets.clear();
  // Here, since an exception further down would leave the collector's place taken.
  batch.tasks.reserve(static_cast<std::size_t>(limits_.batch_size));
  batch.tickets.reserve(static_cast<std::size_t>(limits_.batch_size));
  std::unique_lock lock(mutex_);
  place_.wait(lock, [this] { return !collecting_ || !closed_.ok(); });
  if (!closed_.ok()) return false;
  collecting_ = true;
  for (;;) {
    const Decision decision = decide(clock_.now());
    if (decision.close) {
      batch.reason = *decision.close;
      fill(batch);
      break;
    }
    if (queued_ == 0)
      news_.wait(lock);
    else
      clock_.wait_until(lock, news_, decision.look_again);
    if (!closed_.ok()) return false;
  }
  collecting_ = false;
  place_.notify_one();
  return true;
}

template <class T>
bool BatchQueue<T>::finish(const Ticket& ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(ticket.stream);
  if (found == streams_.end()) return false;
  Stream& of = found->second;
  --of.running;
  settle(of);
  return of.generation == ticket.generation;
}

template <class T>
void BatchQueue<T>::close(Status why) {
  const std::lock_guard lock(mutex_);
  if (!closed_.ok()) return;
  closed_ = std::move(why);
  for (auto& [id, stream] : streams_) stream.changed.notify_all();
  place_.notify_all();
  news_.notify_all();
}

template <class T>
std::optional<typename BatchQueue<T>::Left> BatchQueue<T>::take_left() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, stream] : streams_) {
    if (stream.queued.empty()) continue;
    --queued_;
    ++stream.running;
    return Left{std::move(stream.queued.pop_front().task), {id, stream.generation}};
  }
  return std::nullopt;
}

template <class T>
Status BatchQueue<T>::status() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

template <class T>
int BatchQueue<T>::load() const {
  const std::lock_guard lock(mutex_);
  const TimePoint now = clock_.now();
  const int active = active_streams(now);
  int sum = 0;
  for (const auto& [id, stream] : streams_)
    if (stream.active(now)) sum += share_of_credit(all_credit(stream.options.live), active);
  return std::max(sum, share_of_credit(all_credit(true), 1));
}

template <class T>
bool BatchQueue<T>::active(StreamId stream) const {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(stream);
  return found != streams_.end() && found->second.active(clock_.now());
}

template <class T>
typename BatchQueue<T>::Decision BatchQueue<T>::decide(TimePoint now) const {
  if (queued_ == 0) return {};
  if (queued_ >= static_cast<std::size_t>(limits_.batch_size)) return {CloseReason::kFull, {}};

  TimePoint deadline = TimePoint::max();
  for (const auto& [id, stream] : streams_) {
    if (stream.queued.empty()) continue;
    if (stream.hurry) return {CloseReason::kDrain, {}};
    deadline = std::min(deadline, stream.deadline());
  }
  if (deadline <= now) return {CloseReason::kTimeout, {}};

  // Whoever can contribute is active, so its credit is the active streams' share.
  const int active = active_streams(now);
  std::optional<TimePoint> last_hope;
  for (const auto& [id, stream] : streams_) {
    const int credit = share_of_credit(all_credit(stream.options.live), active);
    if (stream.unfinished() >= credit || !stream.can_contribute(now, deadline)) continue;
    last_hope = std::max(last_hope.value_or(TimePoint::min()), stream.arrivals.silent_at());
  }
  if (!last_hope) return {CloseReason::kNobodyLeft, {}};
  return {std::nullopt, std::min(deadline, *last_hope)};
}

template <class T>
typename BatchQueue<T>::Stream* BatchQueue<T>::pick() {
  Stream* best[2] = {nullptr, nullptr};  // of those that can wait, of the live ones
  for (auto& [id, stream] : streams_) {
    if (stream.queued.empty()) continue;
    Stream*& incumbent = best[stream.options.live ? 1 : 0];
    if (incumbent == nullptr || stream.goes_before(*incumbent)) incumbent = &stream;
  }
  if (best[0] == nullptr || best[1] == nullptr) return best[0] != nullptr ? best[0] : best[1];
  return FairTurns::live_first(best[1]->turn, best[0]->turn) ? best[1] : best[0];
}

template <class T>
void BatchQueue<T>::fill(Batch& batch) {
  batch.id = ++last_batch_;
  const auto wanted = std::min(queued_, static_cast<std::size_t>(limits_.batch_size));
  // Streams are few and batches small, so a search for each task is cheaper than a heap's upkeep.
  while (batch.tasks.size() < wanted) {
    Stream& from = *pick();
    batch.tasks.push_back(std::move(from.queued.pop_front().task));
    batch.tickets.push_back({from.id, from.generation});
    --queued_;
    ++from.running;
    if (from.queued.empty()) from.hurry = false;
    from.turn = turns_.took(from.turn, from.options.live);
  }
}

template <class T>
std::vector<T> BatchQueue<T>::take_queued(Stream& stream) {
  std::vector<T> taken;
  taken.reserve(stream.queued.size());
  queued_ -= stream.queued.size();
  while (!stream.queued.empty()) taken.push_back(std::move(stream.queued.pop_front().task));
  stream.hurry = false;
  settle(stream);
  return taken;
}

/// After a stream's unfinished tasks have become fewer.
template <class T>
void BatchQueue<T>::settle(Stream& stream) {
  const TimePoint now = clock_.now();
  if (stream.out_of_credit && stream.unfinished() < credit_of(stream, now))
    stream.regain_credit(now);
  stream.changed.notify_all();
  if (!stream.active(now)) wake_waiters();
}

/// After something that may have left the others more credit, or moved the moment when it will. The
/// rest of such moments come with time alone, see next_silence().
template <class T>
void BatchQueue<T>::wake_waiters() {
  if (credit_waiters_ == 0) return;
  for (auto& [id, stream] : streams_) stream.changed.notify_all();
}

template <class T>
int BatchQueue<T>::active_streams(TimePoint now) const {
  int active = 0;
  for (const auto& [id, stream] : streams_) active += stream.active(now) ? 1 : 0;
  return active;
}

/// When the next stream but `apart` stops to count by being silent, unless it is heard of before;
/// max() where none can.
template <class T>
TimePoint BatchQueue<T>::next_silence(const Stream& apart, TimePoint now) const {
  TimePoint next = TimePoint::max();
  for (const auto& [id, stream] : streams_) {
    const TimePoint silent_at = stream.arrivals.silent_at();
    if (&stream != &apart && stream.contributing && silent_at > now)
      next = std::min(next, silent_at);
  }
  return next;
}

template <class T>
int BatchQueue<T>::credit_of(const Stream& stream, TimePoint now) const {
  const int active = active_streams(now) + (stream.active(now) ? 0 : 1);
  return share_of_credit(all_credit(stream.options.live), active);
}

template <class T>
int BatchQueue<T>::all_credit(bool live) const {
  const int all = (limits_.workers + 1) * limits_.batch_size;
  return live ? std::min(all, limits_.live) : all;
}

}  // namespace torchinfer
