// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/engine_threads.h"

#include <algorithm>
#include <utility>

#include "engine/guard.h"
#include "engine/start_thread.h"

namespace torchinfer {
namespace {

// A forward that takes longer hangs for all we know, and an exit must not hang with it.
constexpr std::chrono::seconds kPatience{30};

}  // namespace

EngineThreads::EngineThreads(int workers, Clock& clock)
    : workers_(workers), clock_(clock), pulses_(static_cast<std::size_t>(workers)) {}

Status EngineThreads::start(BackEnd& back_end, const ModelFile& file, const LoadOptions& options,
                            const std::string& name) {
  const auto wait_for = [this](auto&& reached) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reached() || !progress_.failure.ok(); });
    return progress_.failure;
  };
  Status status = guarded(Code::kInternal, "Starting a worker", [&] {
    // The arguments are used until `loaded` alone, and so outlive their use.
    spawn(name + "-w0", [this, &back_end, &file, &options] {
      Status loaded = load(back_end, file, options);
      retire(loaded.ok() ? run_lane(0) : loaded);
    });
    Status loaded = wait_for([this] { return progress_.loaded; });
    if (!loaded.ok()) return loaded;
    for (int i = 1; i < workers_; ++i)
      spawn(name + "-w" + std::to_string(i), [this, i] { retire(run_lane(i)); });
    return wait_for([this] { return progress_.lanes == workers_; });
  });
  if (!status.ok()) stop(status, End::kEngine);
  return status;
}

void EngineThreads::spawn(const std::string& name, std::function<void()> body) {
  const std::lock_guard joining(join_mutex_);
  threads_.reserve(threads_.size() + 1);
  {
    const std::lock_guard lock(mutex_);
    ++progress_.running;
    ++progress_.users;
  }
  try {
    threads_.push_back(
        start_thread(name, [self = shared_from_this(), body = std::move(body)] { body(); }));
  } catch (...) {
    const std::lock_guard lock(mutex_);
    --progress_.running;
    --progress_.users;
    throw;
  }
}

/// On the first worker.
Status EngineThreads::load(BackEnd& back_end, const ModelFile& file, const LoadOptions& options) {
  Status status = guarded(Code::kInternal, "Loading the model", [&] {
    auto model = back_end.load(file, options);
    if (!model.ok()) return model.status();
    model_ = std::move(model).value();
    state_.emplace(model_->facts().batch_size, workers_, clock_);
    return Status();
  });
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  progress_.loaded = true;
  changed_.notify_all();
  return status;
}

/// A worker's working life. Returns when the queue is closed, or why there is no lane.
Status EngineThreads::run_lane(int index) {
  auto lane =
      guarded(Code::kInternal, "Preparing a worker", [this] { return model_->make_lane(); });
  if (!lane.ok()) return lane.status();
  {
    const std::lock_guard lock(mutex_);
    ++progress_.lanes;
    changed_.notify_all();
  }
  const Status status = guarded(Code::kInternal, "A worker", [&] {
    BatchRunner runner(**lane, model_->facts(), *state_, pulses_[static_cast<std::size_t>(index)],
                       index);
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
void EngineThreads::retire(const Status& outcome) {
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
  lock.lock();
  --progress_.running;
  changed_.notify_all();
}

bool EngineThreads::on_worker() {
  const std::lock_guard joining(join_mutex_);
  return std::ranges::any_of(threads_, [](const std::thread& thread) {
    return thread.get_id() == std::this_thread::get_id();
  });
}

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
  if (end == End::kProcess) {
    if (on_worker()) return;
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return progress_.running == 0; })) return;
  }
  const std::lock_guard joining(join_mutex_);
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace torchinfer
