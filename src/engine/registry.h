// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/export.h"
#include "core/status.h"
#include "engine/back_end.h"
#include "engine/engine.h"
#include "model/model_file.h"

namespace torchinfer {

/// An engine, and how it was come by.
struct FoundEngine {
  std::shared_ptr<Engine> engine;
  bool existed = false;
  std::vector<std::string> similar;  ///< as EngineInfo::similar
};

/// The process's engines by key: model SHA-256, input, device, precision, batch-size, workers,
/// threads, quantised engine, engine-name (and the clock, which differs in tests alone). Holds weak
/// references: an engine lives as long as its sessions, and longer where a worker has hung.
/// Thread-safe.
class TORCHINFER_API Registry {
 public:
  /// Lives until the process ends.
  static Registry& process();

  /// Finds the engine or starts it. Who asks for the same while it loads waits for that one load. A
  /// failure goes to all who wait and is then forgotten, and an engine that has failed is not given
  /// out again. `file` is used only where the engine has to be started. Fails as Engine::start(),
  /// and with kHung, as the engine itself did, while a forward of an engine with this key hangs.
  Result<FoundEngine> open(BackEnd& back_end, ModelFile file, const EngineOptions& options,
                           Clock& clock);

 private:
  using Outcome = Result<std::shared_ptr<Engine>>;
  struct Entry {
    std::weak_ptr<Engine> engine;
    std::weak_ptr<EngineThreads> threads;  // of the last engine
    std::shared_future<Outcome> loading;   // valid while somebody loads
    bool unused() const { return threads.expired() && !loading.valid(); }
  };

  Outcome load(const std::string& key, BackEnd& back_end, ModelFile file,
               const EngineOptions& options, Clock& clock, std::promise<Outcome>& promise);
  std::vector<std::string> similar_to(const Engine& engine);

  std::mutex mutex_;  // guards entries_; not held while an engine starts, stops or is waited for
  std::map<std::string, Entry> entries_;
};

}  // namespace torchinfer
