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
#include <chrono>
#include <cstring>
#include <system_error>

namespace torchinfer::inspect {
namespace {

/// More than the graph of any model takes; memory files count towards no other limit.
constexpr rlim_t kMostOutput = rlim_t{256} << 20;

std::string error_text() { return std::generic_category().message(errno); }

/// Takes what a process writes, so that the process need not wait until somebody reads it.
class Catch {
 public:
  explicit Catch(int target) : target_(target), file_(memfd_create("caught", MFD_CLOEXEC)) {}
  ~Catch() {
    if (file_ >= 0) close(file_);
  }
  Catch(const Catch&) = delete;
  Catch& operator=(const Catch&) = delete;

  /// Not where it would be one of the standard streams, which were closed then.
  bool is_open() const { return file_ > STDERR_FILENO; }
  /// In the process that is to be caught.
  void begin() const { dup2(file_, target_); }

  /// Writes it to where it was meant for; false with errno where that fails.
  bool pass_on() const {
    std::array<char, 65536> part{};
    lseek(file_, 0, SEEK_SET);
    for (;;) {
      const auto size = read(file_, part.data(), part.size());
      if (size <= 0) return size == 0;
      for (ssize_t done = 0; done < size;) {
        const auto more = write(target_, part.data() + done, static_cast<std::size_t>(size - done));
        if (more < 0) return false;
        done += more;
      }
    }
  }

 private:
  const int target_, file_;
};

void limit_memory([[maybe_unused]] std::uint64_t bytes) {
// Their shadow memory alone is larger than any limit.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_DATA, &limit);
#endif
}

/// Waits for a child; false when `limit` has passed before.
bool wait_for(pid_t child, std::chrono::seconds limit, const sigset_t& child_ends, int& status) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + limit;
  for (;;) {
    if (waitpid(child, &status, WNOHANG) == child) return true;
    const auto left = std::chrono::nanoseconds(end - Clock::now()).count();
    if (left <= 0) return false;
    constexpr std::int64_t second = 1'000'000'000;
    const timespec time{left / second, left % second};
    sigtimedwait(&child_ends, nullptr, &time);
  }
}

}  // namespace

Ending run_bounded(const Bounds& bounds, const std::function<int()>& work) {
  // Where a parent has had it ignored, who ended is gone without a word.
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &usual, nullptr);
  sigset_t child_ends, before;
  sigemptyset(&child_ends);
  sigaddset(&child_ends, SIGCHLD);
  const Catch output(STDOUT_FILENO), errors(STDERR_FILENO);
  if (!output.is_open() || !errors.is_open())
    return {1, "standard output or error is closed, or there is no memory for what is written"};
  pthread_sigmask(SIG_BLOCK, &child_ends, &before);
  const auto parent = getpid();
  const auto child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    output.begin();
    errors.begin();
    // A crash is told in a line; its memory image would fill the disk.
    const rlimit none{0, 0}, most{kMostOutput, kMostOutput};
    setrlimit(RLIMIT_CORE, &none);
    sigaction(SIGXFSZ, &usual, nullptr);
    setrlimit(RLIMIT_FSIZE, &most);
    limit_memory(bounds.memory_bytes);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): this process has one thread
    exit(work());
  }
  Ending ending;
  int status = 0;
  if (child < 0) {
    ending.problem = "no process can be started: " + error_text();
  } else if (!wait_for(child, std::chrono::seconds(bounds.seconds), child_ends, status)) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    ending.problem = "not done after " + std::to_string(bounds.seconds) + " s (--time-limit)";
  } else if (WIFEXITED(status)) {
    ending.exit_status = WEXITSTATUS(status);
    errors.pass_on();
    if (!output.pass_on()) ending = {1, "what was found cannot be written: " + error_text()};
  } else if (WTERMSIG(status) == SIGXFSZ) {
    ending.problem = "it prints more than " + std::to_string(kMostOutput >> 20) + " MiB";
  } else {
    const char* signal = sigdescr_np(WTERMSIG(status));  // null for those without a name
    ending.problem = std::string("libtorch crashed on it: ") +
                     (signal != nullptr ? std::string(signal) : std::to_string(WTERMSIG(status)));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return ending;
}

}  // namespace torchinfer::inspect
