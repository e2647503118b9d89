// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "core/export.h"

namespace torchinfer {

/// A thread with a name (cut to 15 characters) that takes none of the process's asynchronous
/// signals, so that an application's handlers run on its own threads. Throws std::system_error
/// when there can be no more threads.
TORCHINFER_API std::thread start_thread(const std::string& name, std::function<void()> body);

}  // namespace torchinfer
