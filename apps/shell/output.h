// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/status.h"

namespace torchinfer::shell {

/// kInvalidArgument where `output` is one of the files that are read, by whatever name: it would be
/// lost. Empty names stand for no file.
inline Status check_output(const std::string& output, const std::vector<std::string>& inputs) {
  std::error_code ignored;
  for (const auto& input : inputs)
    if (std::filesystem::equivalent(output, input, ignored))
      return {Code::kInvalidArgument,
              output + " is read and would be lost; give the output another name"};
  return {};
}

/// For a terminal: texts from files cannot steer it. Control characters but line feeds and tabs
/// become question marks.
inline std::string printable(std::string_view text) {
  const auto steers = [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return (code < 0x20 && c != '\n' && c != '\t') || code == 0x7F;
  };
  std::string shown(text);
  std::ranges::replace_if(shown, steers, '?');
  // U+0080 to U+009F do the same, in UTF-8 two bytes.
  for (std::size_t at = 0; at + 1 < shown.size(); ++at)
    if (shown[at] == '\xC2' && static_cast<unsigned char>(shown[at + 1]) < 0xA0)
      shown.replace(at, 2, "?");
  return shown;
}

}  // namespace torchinfer::shell
