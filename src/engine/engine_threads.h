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
#include "model/model_file.h"

namespace torchinfer {

/// An engine's workers, what they share, and their lives from load to join. Held by the engine and
/// by each worker; joins in stop() and never in a destructor, since a worker may be the last to let
/// go. Thread-safe after start().
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
  /// Refuses work with `why`, cancels what is queued and waits for the workers; when the process ends
  /// half a minute at most. Idempotent. On one of the workers (the model called exit()) it waits
  /// for nobody.
  void stop(const Status& why, End end);

  /// Not null once start() has succeeded.
  EngineState& state() { return *state_; }
  Model& model() { return *model_; }

 private:
  /// What the workers and their owner tell each other.
  struct Progress {
    bool loaded = false;
    int lanes = 0;
    Status failure;   // of the load or of a lane
    int running = 0;  // threads
    int users = 0;    // threads that may still use the model
    bool stopping = false;
    bool keep_model = false;
  };

  void spawn(const std::string& name, std::function<void()> body);
  Status load(BackEnd& back_end, const ModelFile& file, const LoadOptions& options);
  Status run_lane(int index);
  void retire(const Status& outcome);
  bool on_worker();

  const int workers_;
  Clock& clock_;
  // Written by the first worker before `loaded` is, and not changed while others may look.
  std::shared_ptr<Model> model_;
  std::optional<EngineState> state_;
  std::vector<WorkerPulse> pulses_;  // one for each worker

  std::mutex mutex_;  // guards progress_
  std::condition_variable changed_;
  Progress progress_;

  std::mutex join_mutex_;  // guards threads_; mutex_ may be taken under it
  std::vector<std::thread> threads_;
};

}  // namespace torchinfer
