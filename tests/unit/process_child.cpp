// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be seen once a process only, for process_test.cpp: "process_child SCENARIO [ARGUMENT]"
// prints what came of it. The module is looked for where GST_TORCH_MODULE_PATH says.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

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

/// Whether others see what the module defines, and whether it goes when all its handles are closed.
int scope() {
  const auto opened = open_back_end();
  print(opened);
  std::cout << (dlsym(RTLD_DEFAULT, "torchinfer_module") == nullptr ? "hidden" : "seen") << '\n';
  const std::string path = *back_end_path();
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
  for (int handles = 2; handles > 0; --handles) dlclose(handle);  // this one and the library's
  const bool stays = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD) != nullptr;
  std::cout << (stays ? "resident" : "gone") << '\n';
  if (stays) print(opened);
  return 0;
}

/// Ends a child that hangs.
void expect_end() { alarm(20); }

SessionRequest request_for(const char* model) {
  SessionRequest request;
  request.model_file = model;
  request.batch_size = 2;
  request.workers = 2;
  request.threads = 1;
  return request;
}

/// Opens a session that is never closed; null, and says why, where it cannot.
Session* open(const char* model) {
  auto opened = Session::open(request_for(model), {});
  print(opened.status());
  return opened.ok() ? std::move(opened).value().release() : nullptr;
}

/// Leaves main() while workers are busy and a stream goes on submitting.
int busy(const char* model) {
  static Session* session = nullptr;
  static std::atomic<int> submitted{0};
  static std::atomic<bool> refused{false};
  // Registered before the engine's handlers, so it runs after them.
  std::atexit([] {
    while (!refused) std::this_thread::sleep_for(1ms);
    const auto counts = session->statistics();
    const auto done = counts.finished + counts.failed + counts.cancelled;
    std::cout << counts.submitted - done << " lost" << std::endl;
  });
  session = open(model);
  if (session == nullptr) _Exit(1);
  std::thread([] {
    const auto image = grey_frame(1);
    while (session->wait_credit() && session->submit(image, {}, nullptr).ok()) ++submitted;
    refused = true;
  }).detach();
  while (submitted < 6) std::this_thread::sleep_for(1ms);
  std::cout << "leaving" << std::endl;
  return 0;
}

/// Leaves main() while another thread opens a model, so many milliseconds after it has begun, or
/// after the fake back-end has begun to load where they are negative.
int opening(const char* model, int milliseconds) {
  expect_end();
  std::thread([model] { (void)open(model); }).detach();
  while (milliseconds < 0 && fake_control().loads() == 0) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(std::chrono::milliseconds(std::abs(milliseconds)));
  std::cout << "leaving" << std::endl;
  return 0;
}

/// Leaves main() while a forward hangs: "at-once", or when the watchdog has "told" of it, or while
/// another thread is "closing" the session and so waits for the worker.
int hung(const char* model, const std::string& when) {
  expect_end();
  Session* session = open(model);
  if (session == nullptr) return 1;
  const auto waker = std::make_shared<TestWaker>();
  const auto frame = session->submit(grey_frame(1), {}, waker);
  if (!fake_control().await_at_gate("g", 1)) return 1;
  if (when == "told") {
    if (!waker->await(**frame)) return 1;
    print((*frame)->items[0].status);
  }
  if (when == "closing") {
    std::thread([session] { delete session; }).detach();
    std::this_thread::sleep_for(20ms);  // to begin to wait in
  }
  std::cout << "leaving" << std::endl;
  return 0;
}

/// Which signals the engine's threads would take: a SIGTERM to the process, with the main thread
/// blocking it, stays pending.
int signals(const char* model) {
  if (open(model) == nullptr) return 1;
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
  if (scenario == "scope") return scope();
  if (scenario == "busy") return busy(argument);
  if (scenario == "opening") return opening(argument, std::atoi(arguments[3]));
  if (scenario == "hung") return hung(argument, arguments[3]);
  if (scenario == "signals") return signals(argument);
  print(open_back_end());
  return 0;
}

}  // namespace
}  // namespace torchinfer::test

#ifdef __SANITIZE_ADDRESS__
// A process that ends in the middle of something leaves it where it is.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int count, char** arguments) { return torchinfer::test::run(count, arguments); }
