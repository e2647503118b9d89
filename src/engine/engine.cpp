// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/engine.h"

#include <atomic>
#include <utility>

#include "engine/engine_threads.h"
#include "engine/exit_handler.h"

namespace torchinfer {
namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

Engine::Engine(EngineOptions options, std::string model_path)
    : id_(next_id()), options_(std::move(options)), model_path_(std::move(model_path)) {}

// `file` is taken, so that its bytes go when the load is over.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
Result<std::shared_ptr<Engine>> Engine::start(BackEnd& back_end, ModelFile file,
                                              EngineOptions options, Clock& clock) {
  const Opening opening;  // until the engine is one that stops at exit, or is gone
  if (!opening.status().ok()) return opening.status();
  std::shared_ptr<Engine> engine(new Engine(std::move(options), file.path));
  const LoadOptions& load = engine->options_.load;
  auto threads = std::make_shared<EngineThreads>(load.workers, clock);
  Status status = threads->start(back_end, file, load, "ti-" + std::to_string(engine->id_));
  if (!status.ok()) return status;
  engine->threads_ = std::move(threads);
  status = stop_at_exit(engine->threads_);
  if (!status.ok()) return status;
  return engine;
}

Engine::~Engine() {
  if (threads_)
    threads_->stop(Status(Code::kCancelled, "the engine is closed"), EngineThreads::End::kEngine);
}

Model& Engine::model() const { return threads_->model(); }

EngineState& Engine::state() const { return threads_->state(); }

Duration Engine::worst_case() const { return state().worst_case(); }

}  // namespace torchinfer
