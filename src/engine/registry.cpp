// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/registry.h"

#include <optional>
#include <sstream>
#include <utility>

#include "engine/engine_threads.h"
#include "engine/guard.h"

namespace torchinfer {
namespace {

const char* name_of(Precision precision) {
  switch (precision) {
    case Precision::kAuto: return "auto";
    case Precision::kFp32: return "fp32";
    case Precision::kBf16: return "bf16";
    case Precision::kFp16: return "fp16";
  }
  return "unknown";
}

std::string text_of(const InputSpec& input) {
  const auto number = [](int value) { return std::to_string(value); };
  return std::string(to_string(input.dtype)) +
         (input.layout == Layout::kNchw ? " nchw " : " nhwc ") + number(input.channels) + "x" +
         number(input.height) + "x" + number(input.width);
}

/// The part of the key that a user chooses or a model info says, by the names users know.
std::vector<std::pair<std::string, std::string>> settings_of(const EngineOptions& options) {
  const LoadOptions& load = options.load;
  return {{"engine-name", "\"" + options.name + "\""},
          {"input", text_of(load.input)},
          {"device", to_string(load.device)},
          {"precision", name_of(load.precision)},
          {"batch-size", load.batch_size == 0 ? "auto" : std::to_string(load.batch_size)},
          {"workers", std::to_string(load.workers)},
          {"threads", std::to_string(load.threads)},
          {"quantized-engine", load.quantized_engine.empty() ? "none" : load.quantized_engine}};
}

std::string key_of(const EngineOptions& options, const Clock& clock) {
  std::ostringstream key;
  key << options.model_sha256 << '|' << static_cast<const void*>(&clock);
  for (const auto& [name, value] : settings_of(options)) key << '|' << name << '=' << value;
  return key.str();
}

}  // namespace

Registry& Registry::process() {
  // Never destroyed: sessions may be opened and closed while static destructors run.
  static auto* registry = new Registry;
  return *registry;
}

Result<FoundEngine> Registry::open(BackEnd& back_end, ModelFile file, const EngineOptions& options,
                                   Clock& clock) {
  const std::string key = key_of(options, clock);
  FoundEngine found;
  std::shared_ptr<Engine> failed;  // let go without the lock, which may stop it
  std::shared_ptr<EngineThreads> threads;
  std::shared_future<Outcome> loading;
  std::optional<std::promise<Outcome>> mine;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [](const auto& entry) { return entry.second.unused(); });
    Entry& entry = entries_[key];
    threads = entry.threads.lock();
    if (threads && threads->state().status().code() == Code::kHung)
      return threads->state().status();
    if (entry.loading.valid()) {
      loading = entry.loading;
    } else if (found.engine = entry.engine.lock();
               !found.engine || !found.engine->state().status().ok()) {
      failed = std::move(found.engine);
      mine.emplace();
      entry.loading = mine->get_future().share();
    }
  }
  found.existed = !mine;
  // Whoever waits for another's load needs no copy of the file meanwhile.
  if (!mine) file.bytes.reset();
  if (mine || loading.valid()) {
    Outcome outcome =
        mine ? load(key, back_end, std::move(file), options, clock, *mine) : loading.get();
    if (!outcome.ok()) return outcome.status();
    found.engine = std::move(outcome).value();
  }
  found.similar = similar_to(*found.engine);
  return found;
}

Registry::Outcome Registry::load(const std::string& key, BackEnd& back_end, ModelFile file,
                                 const EngineOptions& options, Clock& clock,
                                 std::promise<Outcome>& promise) {
  Outcome outcome = guarded(Code::kInternal, "Starting an engine", [&] {
    return Engine::start(back_end, std::move(file), options, clock);
  });
  {
    // Others find the engine here, or may try anew, before those who wait hear of it.
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[key];
    if (outcome.ok()) {
      entry.engine = *outcome;
      entry.threads = (*outcome)->threads();
    }
    entry.loading = {};
  }
  promise.set_value(outcome);
  return outcome;
}

std::vector<std::string> Registry::similar_to(const Engine& engine) {
  std::vector<std::shared_ptr<Engine>> others;  // let go without the lock
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, entry] : entries_) {
      auto other = entry.engine.lock();
      if (other && other.get() != &engine &&
          other->options().model_sha256 == engine.options().model_sha256)
        others.push_back(std::move(other));
    }
  }
  std::vector<std::string> similar;
  const auto ours = settings_of(engine.options());
  for (const auto& other : others) {
    std::string why;
    const auto theirs = settings_of(other->options());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      if (theirs[i].second == ours[i].second) continue;
      why += (why.empty() ? "" : ", ") + ours[i].first + " is " + theirs[i].second + " there and " +
             ours[i].second + " here";
    }
    if (!why.empty())
      similar.push_back("Engine " + std::to_string(other->id()) +
                        " runs the same model and is not shared: " + why);
  }
  return similar;
}

}  // namespace torchinfer
