// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace torchinfer {

/// The path of a libtorch in this process that is not the one the module at `module_path` would
/// bind to, or empty. Two libtorchs in one process crash, in either order; the dynamic linker binds
/// a library that is loaded already where its soname is the one wanted, and loads another
/// otherwise. To be asked before the module is opened. Thread-safe.
std::string find_foreign_libtorch(const std::string& module_path);

}  // namespace torchinfer
