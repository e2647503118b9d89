// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/back_end.h"
#include "engine/batch_runner.h"
#include "engine/engine_state.h"
#include "engine/worker_pulse.h"
#include "model/model_file.h"

namespace torchinfer {

/// An engine's workers and their watchdog, what they share, and their lives from load to join. Held
/// by the engine and by each thread; joins in stop() and never in a destructor, since a worker may
/// be the last to let go. Thread-safe; state() and model() after start().
///
/// The watchdog looks at every worker a few times in the model's patience (ModelFacts::patience).
/// A forward that it sees at all of these looks has hung, and no C++ code can end it: the watchdog
/// fails the engine with kHung, ends the batch on the worker's behalf, and leaves the worker to its
/// forward. Nobody waits for that thread any longer; it keeps what it may still touch alive, the
/// model and this object included, and cleans up should it ever come back. Looks are counted and
/// not time, so that a stopped process or a machine that slept looks like one long look.
class EngineThreads : public std::enable_shared_from_this<EngineThreads> {
 public:
  EngineThreads(int workers, Clock& clock);

  /// Loads on the first worker, then gives each its lane. On failure all threads are gone again.
  Status start(BackEnd& back_end, const ModelFile& file, const LoadOptions& options,
               const std::string& name);

  enum class End {
    kEngine,   ///< the engine goes: the last worker destroys the model
    kProcess,  ///< the process ends: streams may still use the model, and it stays
  };
  /// Refuses work with `why`, cancels what is queued and waits for the threads, those that have
  /// hung apart; when the process ends half a minute at most. Idempotent. On one of the threads
  /// (the model called exit()) it waits for nobody.
  void stop(const Status& why, End end);

  /// Whether the calling thread is one of any engine's.
  static bool on_a_thread();

  /// Not null once start() has succeeded.
  EngineState& state() { return *state_; }
  Model& model() { return *model_; }

 private:
  struct Worker {
    WorkerPulse pulse;
    BatchRunner* runner = nullptr;  // valid while a forward runs or is given up
    // What the watchdog has seen.
    std::uint64_t forward = 0;
    int looks = 0;  // at it, after the first
  };
  struct Thread {
    std::thread thread;
    const Worker* worker;  // null: the watchdog
  };

  /// What the threads and their owner tell each other.
  struct Progress {
    bool loaded = false;
    int lanes = 0;
    Status failure;   // of the load or of a lane
    int running = 0;  // workers, those apart that have hung
    int users = 0;    // workers that may still use the model
    bool stopping = false;
    bool keep_model = false;
  };

  void start_worker(std::size_t index, const std::string& name,
                    std::function<Status()> prepare = {});
  void spawn(const std::string& name, const Worker* worker, std::function<void()> body);
  Status load(BackEnd& back_end, const ModelFile& file, const LoadOptions& options);
  Status run_lane(std::size_t index);
  void retire(const Worker& worker, const Status& outcome);
  void watch(Duration patience, const Status& hung);
  void look_at(Worker& worker, const Status& hung);
  void give_up(Worker& worker, std::uint64_t forward, const Status& hung);

  Clock& clock_;
  // Written by the first worker before `loaded` is, and not changed while others may look.
  std::shared_ptr<Model> model_;
  std::optional<EngineState> state_;
  std::vector<Worker> workers_;

  std::mutex mutex_;  // guards progress_
  std::condition_variable changed_;
  Progress progress_;

  std::mutex join_mutex_;  // guards threads_; mutex_ may be taken under it; nothing waits under it
  std::vector<Thread> threads_;
};

}  // namespace torchinfer
