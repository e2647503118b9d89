// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/export.h"
#include "core/status.h"

namespace torchinfer {

/// One label a line, class 0 first, UTF-8; a byte-order mark, a final newline and CR before a
/// newline are dropped, nothing else is. `source` names the text in errors. Thread-safe.
/// kBadLabels: an empty text, a blank line, bytes that are not UTF-8 (or NUL), more than a million
/// lines. kTooLarge: more than 16 MiB.
TORCHINFER_API Result<std::vector<std::string>> parse_labels(std::string_view text,
                                                             std::string_view source);

/// The same from a regular file. Also kNotFound, kUnreadable, kOutOfMemory.
TORCHINFER_API Result<std::vector<std::string>> read_labels(const std::string& path);

}  // namespace torchinfer
