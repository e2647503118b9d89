// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/start_thread.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace torchinfer {
namespace {

/// Blocks asynchronous signals in this thread, and so in those it starts, while it lives. Faults
/// must reach their thread, and SIGPROF is a profiler's.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF})
      sigdelset(&blocked, fault);
    pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

std::thread start_thread(const std::string& name, std::function<void()> body) {
  constexpr std::size_t kLongest = 15;  // the kernel's limit; a longer name would be refused
  const BlockedSignals blocked;
  return std::thread([name = name.substr(0, kLongest), body = std::move(body)] {
    pthread_setname_np(pthread_self(), name.c_str());
    body();
  });
}

}  // namespace torchinfer
