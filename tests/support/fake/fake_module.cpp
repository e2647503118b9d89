// SPDX-License-Identifier: LGPL-2.1-or-later
// What makes a back-end module of the fake back-end. As Debian's libtorch does through UCX, it
// takes over the handlers of faults while it is opened; as other libraries may, also in create().
#include <signal.h>

#include <cstdlib>

#include "build_id.h"
#include "support/fake/fake_back_end.h"
#include "support/fake/fake_state.h"

namespace torchinfer::test {
namespace {

void on_fault(int) { _Exit(99); }

void take_over(int signal) {
  struct sigaction action{};
  action.sa_handler = on_fault;
  sigaction(signal, &action, nullptr);
}

[[gnu::constructor]] void opened() {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) take_over(signal);
}

BackEnd* create(Status*) noexcept {
  take_over(SIGSEGV);
  take_over(SIGUSR2);
  static auto* back_end = new FakeBackEnd;
  return back_end;
}

}  // namespace
}  // namespace torchinfer::test

#ifdef FAKE_BUILD_ID
#undef TORCHINFER_BUILD_ID
#define TORCHINFER_BUILD_ID FAKE_BUILD_ID
#endif

extern "C" {
TORCHINFER_API extern const torchinfer::Module torchinfer_module;
const torchinfer::Module torchinfer_module = {TORCHINFER_BUILD_ID, torchinfer::test::create};

TORCHINFER_API torchinfer::test::FakeControl* fake_module_control() {
  return &torchinfer::test::FakeState::get();
}
}
