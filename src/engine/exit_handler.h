// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "core/device_id.h"
#include "engine/engine_threads.h"

namespace torchinfer {

/// Sees that no worker is inside the back-end when the process's static destructors run: libtorch
/// crashes when its own run beneath a forward. To be called after the engine's first forward (its
/// self-test): handlers run in reverse order, and libtorch registers its destructors in its first
/// forward on a device, so a handler from before would run after them. kCancelled when the process
/// ends already. Thread-safe.
Status stop_at_exit(const std::shared_ptr<EngineThreads>& threads, DeviceId::Kind device);

}  // namespace torchinfer
