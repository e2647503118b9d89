// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be seen once a process only, for process_test.cpp: "process_child SCENARIO [ARGUMENT]"
// prints what came of it. The module is looked for where GST_TORCH_MODULE_PATH says.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>

#include "engine/elf_file.h"
#include "engine/module.h"
#include "engine/session.h"
#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

using namespace std::chrono_literals;

void print(const Status& status) {
  std::cout << to_string(status.code()) << ' ' << status.message() << '\n';
}

void print(const Result<BackEnd*>& back_end) {
  if (back_end.ok())
    std::cout << "Ok " << (*back_end)->description() << '\n';
  else
    print(back_end.status());
}

void on_signal(int, siginfo_t*, void*) {}

bool same_set(const sigset_t& a, const sigset_t& b) {
  for (int signal = 1; signal < NSIG; ++signal)
    if (sigismember(&a, signal) != sigismember(&b, signal)) return false;
  return true;
}

bool same(const struct sigaction& a, const struct sigaction& b) {
  if (a.sa_sigaction != b.sa_sigaction) return false;
  // The rest says something for a function only, and the C library changes it as it likes.
  if (a.sa_handler == SIG_DFL || a.sa_handler == SIG_IGN) return true;
  return a.sa_flags == b.sa_flags && same_set(a.sa_mask, b.sa_mask);
}

/// Installs handlers of the application's own, opens, and looks whether they are still there.
int handlers() {
  constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGUSR1, SIGUSR2, SIGTERM};
  for (const int signal : kSignals) {
    struct sigaction action{};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaddset(&action.sa_mask, SIGCHLD);
    if (signal == SIGUSR2) {
      action.sa_handler = SIG_IGN;
      action.sa_flags = 0;
    }
    sigaction(signal, &action, nullptr);
  }
  struct sigaction before[NSIG]{};
  for (int i = 1; i < NSIG; ++i) sigaction(i, nullptr, &before[i]);
  print(open_back_end());
  int changed = 0;
  for (int i = 1; i < NSIG; ++i) {
    struct sigaction now{};
    sigaction(i, nullptr, &now);
    if (same(now, before[i])) continue;
    ++changed;
    std::cout << "changed: " << strsignal(i) << '\n';
  }
  std::cout << changed << " changed\n";
  return 0;
}

/// The libtorch that the module is linked with.
std::string own_libtorch() {
  const std::string folder = std::getenv("GST_TORCH_MODULE_PATH");
  const auto module = read_elf_file(folder + "/libtorchinfer-torch.so");
  for (const auto& name : module->needed)
    if (name.starts_with("libtorch_cpu.so"))
      return module->search_path.empty() || module->search_path.starts_with("$ORIGIN")
                 ? name
                 : module->search_path.substr(0, module->search_path.find(':')) + "/" + name;
  return {};
}

/// A library is in the process before the module is opened.
int after(const std::string& library) {
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    std::cout << dlerror() << '\n';
    return 1;
  }
  print(open_back_end());
  return 0;
}

/// A failure to open is not the last word.
int again(const char* folder) {
  print(open_back_end());
  setenv("GST_TORCH_MODULE_PATH", folder, 1);
  const auto second = open_back_end();
  print(second);
  unsetenv("GST_TORCH_MODULE_PATH");
  const auto third = open_back_end();
  std::cout << (third.ok() && *second == *third ? "the same" : "another") << '\n';
  return 0;
}

/// Leaves main() while workers are busy and a stream goes on submitting.
int busy(const char* model) {
  SessionRequest request;
  request.model_file = model;
  request.batch_size = 2;
  request.workers = 2;
  request.threads = 1;
  auto opened = Session::open(request, {});
  print(opened.status());
  if (!opened.ok()) return 1;
  static Session* session = std::move(opened).value().release();
  static std::atomic<int> submitted{0};
  std::thread([] {
    const auto image = grey_frame(1);
    while (session->wait_credit() && session->submit(image, {}, nullptr).ok()) ++submitted;
  }).detach();
  while (submitted < 6) std::this_thread::sleep_for(1ms);
  std::cout << "leaving" << std::endl;
  return 0;
}

/// Which signals the engine's threads would take: a SIGTERM to the process, with the main thread
/// blocking it, stays pending.
int signals(const char* model) {
  SessionRequest request;
  request.model_file = model;
  auto session = Session::open(request, {});
  print(session.status());
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, nullptr);
  kill(getpid(), SIGTERM);
  std::this_thread::sleep_for(50ms);  // to be killed in
  sigset_t pending;
  sigpending(&pending);
  std::cout << (sigismember(&pending, SIGTERM) == 1 ? "pending" : "taken") << '\n';
  return 0;
}

int run(int count, char** arguments) {
  const std::string scenario = count > 1 ? arguments[1] : "";
  const char* argument = count > 2 ? arguments[2] : "";
  if (scenario == "handlers") return handlers();
  if (scenario == "after") return after(argument == std::string("own") ? own_libtorch() : argument);
  if (scenario == "again") return again(argument);
  if (scenario == "busy") return busy(argument);
  if (scenario == "signals") return signals(argument);
  print(open_back_end());
  return 0;
}

}  // namespace
}  // namespace torchinfer::test

int main(int count, char** arguments) { return torchinfer::test::run(count, arguments); }
