// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/signal_handlers.h"

namespace torchinfer {
namespace {

bool same(const struct sigaction& a, const struct sigaction& b) {
  // Which member counts depends on SA_SIGINFO; both name the same function in either case.
  const bool same_function = (a.sa_flags & SA_SIGINFO) != 0 ? a.sa_sigaction == b.sa_sigaction
                                                            : a.sa_handler == b.sa_handler;
  if (a.sa_flags != b.sa_flags || !same_function) return false;
  // Not byte by byte: the C library fills in only what the kernel knows.
  for (int signal = 1; signal < NSIG; ++signal)
    if (sigismember(&a.sa_mask, signal) != sigismember(&b.sa_mask, signal)) return false;
  return true;
}

}  // namespace

SignalHandlersKept::SignalHandlersKept() {
  for (int signal = 1; signal < NSIG; ++signal) {
    Kept& kept = kept_[static_cast<std::size_t>(signal)];
    kept.known = sigaction(signal, nullptr, &kept.action) == 0;
  }
}

SignalHandlersKept::~SignalHandlersKept() {
  for (int signal = 1; signal < NSIG; ++signal) {
    const Kept& kept = kept_[static_cast<std::size_t>(signal)];
    struct sigaction now{};
    if (kept.known && sigaction(signal, nullptr, &now) == 0 && !same(kept.action, now))
      sigaction(signal, &kept.action, nullptr);
  }
}

}  // namespace torchinfer
