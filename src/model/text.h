// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/export.h"

namespace torchinfer {

// Small helpers for texts that come from files. Independent of the locale, thread-safe, never throw
// but std::bad_alloc.

/// `text` without spaces and tabs at its ends.
std::string_view trimmed(std::string_view text);

/// Splits at each `separator` and trims the parts. One separator at the very end is allowed, as in
/// GLib's lists. An empty text has no parts.
std::vector<std::string_view> split_list(std::string_view text, char separator);

/// The whole of `text` as a decimal number; nothing for NaN, infinity or what does not fit.
std::optional<double> parse_double(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);

/// `text` in quotes, for an error message: valid UTF-8, without control characters, cut after
/// `most_bytes`.
TORCHINFER_API std::string quoted(std::string_view text, std::size_t most_bytes = 80);

/// A path in quotes; paths are cut later, since their end is what tells them apart.
TORCHINFER_API std::string quoted_path(std::string_view path);

/// "a, b or c".
std::string join_choices(const std::vector<std::string_view>& choices);

}  // namespace torchinfer
