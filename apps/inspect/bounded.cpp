// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspect/bounded.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

namespace torchinfer::inspect {
namespace {

void limit_memory([[maybe_unused]] std::uint64_t bytes) {
// Their shadow memory alone is larger than any limit.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_DATA, &limit);
#endif
}

/// Copies what was caught to standard error.
void pass_on(int caught) {
  std::array<char, 4096> part{};
  lseek(caught, 0, SEEK_SET);
  for (;;) {
    const auto size = read(caught, part.data(), part.size());
    if (size <= 0) return;
    if (write(STDERR_FILENO, part.data(), static_cast<std::size_t>(size)) < 0) return;
  }
}

/// Waits for a child; false when `seconds` have passed before.
bool wait_for(pid_t child, int seconds, const sigset_t& child_ends, int& status) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto end = now.tv_sec + seconds;
  for (;;) {
    if (waitpid(child, &status, WNOHANG) == child) return true;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec >= end) return false;
    const timespec second{1, 0};
    sigtimedwait(&child_ends, nullptr, &second);
  }
}

}  // namespace

Ending run_bounded(const Bounds& bounds, const std::function<int()>& work) {
  sigset_t child_ends, before;
  sigemptyset(&child_ends);
  sigaddset(&child_ends, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &child_ends, &before);
  const int caught = memfd_create("stderr", MFD_CLOEXEC);
  const auto parent = getpid();
  const auto child = fork();
  if (child < 0)
    return {1, std::string("no process can be started: ") + std::generic_category().message(errno)};
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (caught >= 0) dup2(caught, STDERR_FILENO);
    // A crash is told in a line; its memory image would fill the disk.
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    limit_memory(bounds.memory_bytes);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): this process has one thread
    exit(work());
  }
  Ending ending;
  int status = 0;
  if (!wait_for(child, bounds.seconds, child_ends, status)) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    ending.problem = "not done after " + std::to_string(bounds.seconds) + " s (--time-limit)";
  } else if (WIFEXITED(status)) {
    ending.exit_status = WEXITSTATUS(status);
    if (caught >= 0) pass_on(caught);
  } else {
    const char* signal = sigdescr_np(WTERMSIG(status));  // null for those without a name
    ending.problem = std::string("libtorch crashed on it: ") +
                     (signal != nullptr ? std::string(signal) : std::to_string(WTERMSIG(status)));
  }
  if (caught >= 0) close(caught);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return ending;
}

}  // namespace torchinfer::inspect
