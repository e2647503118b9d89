// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/export.h"
#include "core/status.h"

namespace torchinfer {

/// One label a line, class 0 first, UTF-8; a final newline and CR before a newline are dropped,
/// nothing else is. `source` names the text in errors. kBadLabels: an empty text, an empty line, or
/// bytes that are not UTF-8.
TORCHINFER_API Result<std::vector<std::string>> parse_labels(std::string_view text,
                                                             std::string_view source);

/// The same from a file of at most 16 MiB. kNotFound, kUnreadable, kTooLarge, kBadLabels.
TORCHINFER_API Result<std::vector<std::string>> read_labels(const std::string& path);

}  // namespace torchinfer
