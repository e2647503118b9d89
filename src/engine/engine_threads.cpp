// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/engine_threads.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/guard.h"
#include "engine/start_thread.h"

namespace torchinfer {
namespace {

using namespace std::chrono_literals;

// An exit must not hang with a forward that does.
constexpr auto kExitPatience = 30s;

// Between the first look that sees a forward and the one that finds it hung.
constexpr int kLooks = 4;
// No forward of a model that a stream could use takes as long, and a machine that is so overloaded
// that one does has frames enough to lose.
constexpr Duration kLeastPatience = 30s;
constexpr int kPatientTimes = 100;

// Whose thread this is. Asked when the process ends, when every lock may be held for good.
thread_local const EngineThreads* of_this_thread = nullptr;

Duration patience_of(const ModelFacts& facts) {
  if (facts.patience > Duration{0}) return facts.patience;
  Duration slowest{0};
  for (const auto& [size, time] : facts.batch_times) slowest = std::max(slowest, time);
  return std::max(kLeastPatience, kPatientTimes * slowest);
}

Status hung_after(Duration patience) {
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  const std::string time = milliseconds % 1000 == 0 ? std::to_string(milliseconds / 1000) + " s"
                                                    : std::to_string(milliseconds) + " ms";
  return Status(Code::kHung,
                "The model did not come back from a forward within " + time +
                    ", and nothing can stop it. Restart the process to use the model again; other "
                    "models go on");
}

}  // namespace

EngineThreads::EngineThreads(int workers, Clock& clock)
    : clock_(clock), workers_(static_cast<std::size_t>(workers)) {}

Status EngineThreads::start(BackEnd& back_end, const ModelFile& file, const LoadOptions& options,
                            const std::string& name) {
  const auto wait_for = [this](auto&& reached) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reached() || !progress_.failure.ok(); });
    return progress_.failure;
  };
  Status status = guarded(Code::kInternal, "Starting a worker", [&] {
    // The arguments are used until `loaded` alone, and so outlive their use.
    start_worker(0, name, [&] { return load(back_end, file, options); });
    Status started = wait_for([this] { return progress_.loaded; });
    if (!started.ok()) return started;
    for (std::size_t i = 1; i < workers_.size(); ++i) start_worker(i, name);
    started = wait_for([this] { return progress_.lanes == static_cast<int>(workers_.size()); });
    if (!started.ok()) return started;
    const Duration patience = patience_of(model_->facts());
    spawn(name + "-watch", nullptr,
          [this, patience, hung = hung_after(patience)] { watch(patience, hung); });
    return started;
  });
  if (!status.ok()) stop(status, End::kEngine);
  return status;
}

/// `prepare` is the first thing that the worker does.
void EngineThreads::start_worker(std::size_t index, const std::string& name,
                                 std::function<Status()> prepare) {
  {
    const std::lock_guard lock(mutex_);
    ++progress_.running;
    ++progress_.users;
  }
  const Worker& worker = workers_[index];
  try {
    spawn(name + "-w" + std::to_string(index), &worker,
          [this, index, &worker, prepare = std::move(prepare)] {
            const Status prepared = prepare ? prepare() : Status();
            retire(worker, prepared.ok() ? run_lane(index) : prepared);
          });
  } catch (...) {
    const std::lock_guard lock(mutex_);
    --progress_.running;
    --progress_.users;
    throw;
  }
}

void EngineThreads::spawn(const std::string& name, const Worker* worker,
                          std::function<void()> body) {
  const std::lock_guard joining(join_mutex_);
  threads_.reserve(threads_.size() + 1);
  threads_.push_back({start_thread(name,
                                   [self = shared_from_this(), body = std::move(body)] {
                                     of_this_thread = self.get();
                                     body();
                                   }),
                      worker});
}

/// On the first worker.
Status EngineThreads::load(BackEnd& back_end, const ModelFile& file, const LoadOptions& options) {
  Status status = guarded(Code::kInternal, "Loading the model", [&] {
    auto model = back_end.load(file, options);
    if (!model.ok()) return model.status();
    model_ = std::move(model).value();
    const ModelFacts& facts = model_->facts();
    state_.emplace(facts.batch_size, static_cast<int>(workers_.size()), facts.batch_times, clock_);
    return Status();
  });
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  progress_.loaded = true;
  changed_.notify_all();
  return status;
}

/// A worker's working life. Returns when the queue is closed, or why there is no lane.
Status EngineThreads::run_lane(std::size_t index) {
  auto lane =
      guarded(Code::kInternal, "Preparing a worker", [this] { return model_->make_lane(); });
  if (!lane.ok()) return lane.status();
  {
    const std::lock_guard lock(mutex_);
    ++progress_.lanes;
    changed_.notify_all();
  }
  const Status status = guarded(Code::kInternal, "A worker", [&] {
    Worker& worker = workers_[index];
    BatchRunner runner(**lane, model_->facts(), *state_, worker.pulse, static_cast<int>(index));
    worker.runner = &runner;
    TaskQueue::Batch batch;
    while (state_->queue().next(batch) && runner.run(batch)) {
    }
    return Status();
  });
  if (!status.ok()) state_->fail(status);
  return {};
}

/// Waits for stop(), so that the model can be destroyed on a worker though a failure ended the work
/// earlier.
void EngineThreads::retire(const Worker& worker, const Status& outcome) {
  std::shared_ptr<Model> model;
  std::unique_lock lock(mutex_);
  if (!outcome.ok() && progress_.failure.ok()) {
    progress_.failure = outcome;
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return progress_.stopping; });
  if (--progress_.users == 0 && !progress_.keep_model) model = std::move(model_);
  lock.unlock();
  model.reset();
  if (worker.pulse.given_up()) return;  // and counted as gone
  lock.lock();
  --progress_.running;
  changed_.notify_all();
}

/// The watchdog's life: as long as there are workers to look at.
void EngineThreads::watch(Duration patience, const Status& hung) {
  std::unique_lock lock(mutex_);
  TimePoint next = clock_.now() + patience / kLooks;
  while (progress_.running > 0) {
    if (clock_.now() < next) {
      clock_.wait_until(lock, changed_, next);
      continue;
    }
    lock.unlock();
    for (Worker& worker : workers_) look_at(worker, hung);
    next = clock_.now() + patience / kLooks;
    lock.lock();
  }
}

void EngineThreads::look_at(Worker& worker, const Status& hung) {
  const std::uint64_t forward = worker.pulse.forward();
  if (forward == 0 || forward != worker.forward) {
    worker.forward = forward;
    worker.looks = 0;
  } else if (++worker.looks == kLooks) {
    give_up(worker, forward, hung);
  }
}

void EngineThreads::give_up(Worker& worker, std::uint64_t forward, const Status& hung) {
  if (!worker.pulse.give_up(forward)) return;  // it came back at the last moment
  worker.runner->give_up(hung);
  {
    const std::lock_guard lock(mutex_);
    --progress_.running;
    changed_.notify_all();
  }
  worker.pulse.settled();
}

bool EngineThreads::on_a_thread() { return of_this_thread != nullptr; }

void EngineThreads::stop(const Status& why, End end) {
  bool loaded = false;
  {
    const std::lock_guard lock(mutex_);
    progress_.stopping = true;
    progress_.keep_model = progress_.keep_model || end == End::kProcess;
    loaded = progress_.loaded;
    changed_.notify_all();
  }
  if (loaded) state_->close(why);
  if (of_this_thread == this) return;
  {
    std::unique_lock lock(mutex_);
    const auto none_left = [this] { return progress_.running == 0; };
    if (end == End::kEngine)
      changed_.wait(lock, none_left);
    else if (!changed_.wait_for(lock, kExitPatience, none_left))
      return;
  }
  // All that is left to the threads is to go, so nobody waits here; not even for join_mutex_,
  // though the engine's owner may be in here while the process ends.
  const std::lock_guard joining(join_mutex_);
  for (auto& [thread, worker] : threads_) {
    if (!thread.joinable()) continue;
    if (worker != nullptr && worker->pulse.given_up())
      thread.detach();
    else
      thread.join();
  }
}

}  // namespace torchinfer
