// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/export.h"

namespace torchinfer {

/// What a shared library says of itself and of what it is linked with. Strings are as in the file,
/// with $ORIGIN unexpanded.
struct ElfFile {
  std::string soname;
  std::vector<std::string> needed;
  std::string search_path;  ///< DT_RUNPATH, else DT_RPATH; folders separated by colons
};

/// Reads the dynamic section of a library of this machine's kind; nothing where the file cannot be
/// read or makes no sense. Thread-safe.
TORCHINFER_API std::optional<ElfFile> read_elf_file(const std::string& path);

}  // namespace torchinfer
