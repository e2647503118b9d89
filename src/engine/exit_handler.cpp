// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/exit_handler.h"

#include <array>
#include <cstdlib>
#include <mutex>
#include <vector>

namespace torchinfer {
namespace {

const Status& process_ends() {
  static const auto* status = new Status(Code::kCancelled, "the process is ending");
  return *status;
}

struct Engines {
  std::mutex mutex;  // guards what follows
  std::vector<std::weak_ptr<EngineThreads>> alive;
  std::vector<std::shared_ptr<EngineThreads>> stopped;  // kept for streams that still run
  std::array<bool, 3> registered{};                     // by kind of device
  bool ending = false;
};

Engines& engines() {
  // Never destroyed, since it is used while static destructors run.
  static auto* all = new Engines;
  return *all;
}

void stop_all() {
  std::vector<std::shared_ptr<EngineThreads>> running;
  {
    const std::lock_guard lock(engines().mutex);
    engines().ending = true;
    for (const auto& engine : engines().alive)
      if (auto threads = engine.lock()) running.push_back(std::move(threads));
    engines().alive.clear();
    engines().stopped.insert(engines().stopped.end(), running.begin(), running.end());
  }
  for (const auto& threads : running) threads->stop(process_ends(), EngineThreads::End::kProcess);
}

}  // namespace

Status stop_at_exit(const std::shared_ptr<EngineThreads>& threads, DeviceId::Kind device) {
  const std::lock_guard lock(engines().mutex);
  if (engines().ending) return process_ends();
  bool& registered = engines().registered.at(static_cast<std::size_t>(device));
  if (!registered && std::atexit(stop_all) != 0)
    return Status(Code::kInternal, "no room for another exit handler");
  registered = true;
  std::erase_if(engines().alive, [](const auto& engine) { return engine.expired(); });
  engines().alive.push_back(threads);
  return {};
}

}  // namespace torchinfer
