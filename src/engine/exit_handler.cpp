// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/exit_handler.h"

#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <vector>

namespace torchinfer {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 30s;

const Status& process_ends() {
  static const auto* status = new Status(Code::kCancelled, "the process is ending");
  return *status;
}

struct Exit {
  const pid_t process = getpid();
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::vector<std::weak_ptr<EngineThreads>> alive;
  std::vector<std::shared_ptr<EngineThreads>> stopped;  // kept for streams that still run
  int openings = 0;
  bool ending = false;
};

Exit& the_exit() {
  // Never destroyed, since it is used while static destructors run.
  static auto* all = new Exit;
  return *all;
}

/// A child that was forked has the handlers and none of the threads.
bool in_another_process() { return the_exit().process != getpid(); }

void await_openings() {
  // A model that calls exit() while it is loaded would wait for itself.
  if (in_another_process() || EngineThreads::on_a_thread()) return;
  Exit& exit = the_exit();
  std::unique_lock lock(exit.mutex);
  exit.ending = true;
  exit.changed.wait_for(lock, kPatience, [&] { return exit.openings == 0; });
}

void before_destructors() {
  if (in_another_process()) return;
  Exit& exit = the_exit();
  std::vector<std::shared_ptr<EngineThreads>> running;
  {
    const std::lock_guard lock(exit.mutex);
    exit.ending = true;
    for (const auto& engine : exit.alive)
      if (auto threads = engine.lock()) running.push_back(std::move(threads));
    exit.alive.clear();
    exit.stopped.insert(exit.stopped.end(), running.begin(), running.end());
  }
  for (const auto& threads : running) threads->stop(process_ends(), EngineThreads::End::kProcess);
  await_openings();
}

/// Lives on the thread that loads the library. When that is main()'s, it goes when the process ends
/// there, before everything static, and with pthread_exit() there, which is as good as an end.
struct FirstToGo {
  bool armed = false;
  ~FirstToGo() {
    if (armed) await_openings();
  }
};
thread_local FirstToGo first_to_go;

[[gnu::constructor]] void arm() { first_to_go.armed = getpid() == gettid(); }

}  // namespace

Opening::Opening() {
  const std::lock_guard lock(the_exit().mutex);
  if (the_exit().ending) status_ = process_ends();
  ++the_exit().openings;
}

Opening::~Opening() {
  const std::lock_guard lock(the_exit().mutex);
  --the_exit().openings;
  the_exit().changed.notify_all();
}

Status stop_at_exit(const std::shared_ptr<EngineThreads>& threads) {
  const std::lock_guard lock(the_exit().mutex);
  if (the_exit().ending) return process_ends();
  // Anew for each engine: another model's operators may have brought destructors of their own.
  if (std::atexit(before_destructors) != 0)
    return Status(Code::kInternal, "no room for another exit handler");
  std::erase_if(the_exit().alive, [](const auto& engine) { return engine.expired(); });
  the_exit().alive.push_back(threads);
  return {};
}

}  // namespace torchinfer
