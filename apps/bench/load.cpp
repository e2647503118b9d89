// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/load.h"

#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace torchinfer::bench {
namespace {

/// What torchinference takes for streams that are not live.
constexpr Duration kBatchTimeoutOfFiles = std::chrono::milliseconds(40);
constexpr int kTopK = 5;

TimePoint now() { return steady_clock().now(); }

Duration processor_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return Duration(std::chrono::seconds(time.tv_sec)) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

/// What all feeders share. Ends early with the first failure.
class Run {
 public:
  explicit Run(const Load& load) : load_(load), begin_(now() + load.warm_up) {
    end_ = begin_ + load.time;
  }

  const Load& load() const { return load_; }
  TimePoint begin() const { return begin_; }
  TimePoint end() const { return end_; }

  /// False when it is over.
  bool sleep_until(TimePoint time) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, std::min(time, end_), [&] { return !failure_.ok(); });
    return failure_.ok() && now() < end_;
  }
  bool over() { return !sleep_until(TimePoint()); }

  void fail(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = status;
    changed_.notify_all();
  }
  Status failure() {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  const Load load_;
  const TimePoint begin_;
  TimePoint end_;
  std::mutex mutex_;  // guards failure_
  std::condition_variable changed_;
  Status failure_;
};

/// One stream, on its own thread.
class Feeder {
 public:
  Feeder(Run& run, Session& session, const Inputs& inputs, std::size_t number, std::size_t streams)
      : run_(run), session_(session), inputs_(inputs), number_(number), streams_(streams) {}

  void operator()() {
    if (run_.load().frame_rate > 0.0)
      bring_by_the_clock();
    else
      bring_by_credit();
    session_.drain();
    reap();
  }

  Histogram latency;
  std::uint64_t skipped = 0;

 private:
  struct Frame {
    std::shared_ptr<FrameResult> result;
    TimePoint arrived;
  };

  void bring_by_credit() {
    while (!run_.over()) {
      if (!session_.wait_credit()) return run_.fail(session_.engine_status());
      if (!submit(now())) return;
    }
  }

  void bring_by_the_clock() {
    const Duration period(static_cast<Duration::rep>(1e9 / run_.load().frame_rate));
    // Cameras are not in step.
    auto next = now() + period * number_ / streams_;
    while (run_.sleep_until(next)) {
      if (!session_.has_credit())
        count_skipped(1);
      else if (!submit(now()))
        return;
      next += period;
      // Frames that came while this one was being prepared.
      for (; next + period < now(); next += period) count_skipped(1);
    }
  }

  void count_skipped(std::uint64_t frames) {
    if (now() >= run_.begin()) skipped += frames;
  }

  bool submit(TimePoint arrived) {
    auto result = inputs_.submit(session_, submitted_++ + number_);
    if (!result) {
      run_.fail(result.status());
      return false;
    }
    frames_.push_back({*std::move(result), arrived});
    reap();
    return true;
  }

  /// Reads what is complete, in order.
  void reap() {
    while (!frames_.empty() && frames_.front().result->complete()) {
      const auto& [result, arrived] = frames_.front();
      const auto& item = result->items.front();
      const auto done = item.timing.done;
      if (!item.status.ok())
        run_.fail(item.status);
      else if (done >= run_.begin() && done < run_.end())
        latency.add(done - arrived);
      frames_.pop_front();
    }
  }

  Run& run_;
  Session& session_;
  const Inputs& inputs_;
  const std::size_t number_, streams_;
  std::size_t submitted_ = 0;
  std::deque<Frame> frames_;
};

struct Reading {
  Duration processor;
  EngineStatistics engine;
};

Reading read(const Session& session) { return {processor_time(), session.engine_statistics()}; }

}  // namespace

SessionSettings settings_of(const Load& load) {
  SessionSettings settings;
  settings.live = load.frame_rate > 0.0;
  settings.batch_timeout = settings.live ? Duration(0) : kBatchTimeoutOfFiles;
  settings.top_k = kTopK;
  return settings;
}

Result<Outcome> run_load(std::span<const std::unique_ptr<Session>> sessions, const Inputs& inputs,
                         const Load& load) {
  for (const auto& session : sessions) session->configure(settings_of(load));
  Run run(load);
  std::vector<Feeder> feeders;
  feeders.reserve(sessions.size());
  for (std::size_t i = 0; i < sessions.size(); ++i)
    feeders.emplace_back(run, *sessions[i], inputs, i, sessions.size());
  std::vector<std::jthread> threads;
  threads.reserve(feeders.size());
  for (auto& feeder : feeders) threads.emplace_back(std::ref(feeder));

  Outcome outcome;
  if (run.sleep_until(run.begin())) {
    const auto begin = read(*sessions.front());
    const auto begun = now();
    run.sleep_until(run.end());
    const auto time = seconds(now() - begun);
    const auto end = read(*sessions.front());
    outcome.cores = seconds(end.processor - begin.processor) / time;
    const auto batches = static_cast<double>(end.engine.batches - begin.engine.batches);
    if (batches > 0.0)
      outcome.mean_batch = static_cast<double>(end.engine.items - begin.engine.items) / batches;
  }
  threads.clear();
  if (auto status = run.failure(); !status.ok()) return status;

  for (const auto& feeder : feeders) {
    outcome.latency.add(feeder.latency);
    outcome.skipped += feeder.skipped;
  }
  for (const auto& session : sessions) outcome.preprocess.add(session->statistics().preprocess);
  outcome.frames = outcome.latency.count();
  outcome.rate = static_cast<double>(outcome.frames) / seconds(load.time);
  return outcome;
}

}  // namespace torchinfer::bench
