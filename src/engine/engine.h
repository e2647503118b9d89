// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include "core/clock.h"
#include "core/export.h"
#include "engine/back_end.h"
#include "engine/engine_state.h"
#include "model/model_file.h"

namespace torchinfer {

class EngineThreads;

/// What an engine is made of; with the clock, all that decides whether two are the same.
struct EngineOptions {
  std::string name;  ///< the user's, may be empty
  std::string model_sha256;
  LoadOptions load;  ///< workers and threads are resolved, the rest is as wanted
};

/// A loaded model with its workers. Shared by sessions; the last one to go stops and joins the
/// workers, on its own thread, and waits for at most one running batch of each, and for none that
/// hangs (engine_threads.h). All calls into the
/// back-end but Model::stage() are made on the workers: the first one loads and self-tests, each
/// makes its own lane, the last one to leave destroys the model. Thread-safe.
class TORCHINFER_API Engine {
 public:
  /// Blocks until the model is loaded and every worker has its lane. What BackEnd::load() and
  /// Model::make_lane() fail with; kInternal when there can be no more threads. `back_end` and
  /// `clock` outlive the engine.
  static Result<std::shared_ptr<Engine>> start(BackEnd& back_end, ModelFile file,
                                               EngineOptions options, Clock& clock);
  /// Never on a worker.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  std::uint64_t id() const { return id_; }  ///< counts the process's engines from 1
  const EngineOptions& options() const { return options_; }
  const std::string& model_path() const { return model_path_; }
  Model& model() const;
  EngineState& state() const;
  /// They outlive the engine where a worker has hung.
  std::weak_ptr<EngineThreads> threads() const { return threads_; }

  /// Upper bound of a task's way through the engine, the batch timeout apart.
  Duration worst_case() const;

 private:
  Engine(EngineOptions options, std::string model_path);

  const std::uint64_t id_;
  const EngineOptions options_;
  const std::string model_path_;
  std::shared_ptr<EngineThreads> threads_;
};

}  // namespace torchinfer
