// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "core/export.h"
#include "core/status.h"
#include "engine/back_end.h"

namespace torchinfer {

/// Opens the back-end module `libtorchinfer-torch.so` once a process and keeps it resident. Looks
/// in the folder that the environment variable GST_TORCH_MODULE_PATH names, else beside
/// libtorchinfer.so. Before that it scans the loaded objects for a libtorch that is not the
/// module's own: two in one process crash. The application's signal handlers are as before
/// afterwards. Thread-safe; the object lives until the process ends, a failure is tried again at
/// the next call. kModuleMissing (names the path and both build ids), kForeignLibtorch (names both
/// paths).
TORCHINFER_API Result<BackEnd*> open_back_end();

/// The file that open_back_end() opens, whether it is there or not. kModuleMissing where that
/// cannot be told.
TORCHINFER_API Result<std::string> back_end_path();

/// This library's build id, which a module must have too.
TORCHINFER_API std::string core_build_id();

}  // namespace torchinfer
