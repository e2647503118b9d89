// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <signal.h>

#include <array>

namespace torchinfer {

/// Remembers the process's signal handlers and puts back those that have changed when it goes.
/// Debian's libtorch takes SIGSEGV, SIGBUS, SIGFPE and SIGILL over while it is opened (through
/// UCX), and with them an application's crash reports.
class SignalHandlersKept {
 public:
  SignalHandlersKept();
  ~SignalHandlersKept();
  SignalHandlersKept(const SignalHandlersKept&) = delete;
  SignalHandlersKept& operator=(const SignalHandlersKept&) = delete;

 private:
  struct Kept {
    bool known = false;  // the C library keeps some signals to itself
    struct sigaction action{};
  };
  std::array<Kept, NSIG> kept_;
};

}  // namespace torchinfer
