// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "core/status.h"
#include "engine/engine_threads.h"

namespace torchinfer {

// An exit while a thread is inside libtorch crashes when libtorch's static destructors run beneath
// it. So an exit waits, half a minute at most each, until those who open a model are done, and
// until the engines' workers are. Handlers and destructors run in the reverse order of their
// registration, and libtorch registers destructors while it is opened, in its first load and in the
// first runs of some operators: a handler registered after all that stops the engines. During that,
// none can be the last; but whoever opens is waited for before any of them, where it is the thread
// that loaded this library, main()'s as a rule, that ends the process: thread-local objects go
// first.

/// Held by whoever opens the back-end, inspects or loads, and until the engine is one that stops at
/// exit, or is gone. Thread-safe.
class Opening {
 public:
  Opening();
  ~Opening();
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  /// kCancelled: the process ends already, and nothing may be begun.
  const Status& status() const { return status_; }

 private:
  Status status_;
};

/// From now on an exit stops this engine. kCancelled when the process ends already. Thread-safe.
Status stop_at_exit(const std::shared_ptr<EngineThreads>& threads);

}  // namespace torchinfer
