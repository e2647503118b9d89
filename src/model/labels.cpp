// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/labels.h"

#include <glib.h>

#include <algorithm>
#include <cstdint>

#include "model/file_bytes.h"
#include "model/text.h"

namespace torchinfer {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 20;
constexpr std::size_t kMostLabels = 1'000'000;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Status bad(std::string_view source, const std::string& problem) {
  return Status(Code::kBadLabels, "The labels " + quoted_path(source) + " " + problem);
}

std::size_t line_of(std::string_view text, std::size_t offset) {
  std::size_t line = 1;
  for (const char byte : text.substr(0, offset)) line += byte == '\n' ? 1 : 0;
  return line;
}

}  // namespace

Result<std::vector<std::string>> parse_labels(std::string_view text, std::string_view source) {
  if (text.size() > kMostBytes) {
    return Status(Code::kTooLarge, "The labels " + quoted_path(source) + " have " +
                                       std::to_string(text.size()) + " bytes; more than " +
                                       std::to_string(kMostBytes) + " are not taken");
  }
  const char* valid_end = nullptr;
  if (!g_utf8_validate_len(text.data(), text.size(), &valid_end)) {
    const auto offset = static_cast<std::size_t>(valid_end - text.data());
    return bad(source, "are not UTF-8 in line " + std::to_string(line_of(text, offset)) +
                           "; convert them, for instance with iconv");
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty()) return bad(source, "are empty; write one class name a line, class 0 first");

  std::vector<std::string> labels;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto label = text.substr(at, end - at);
    at = end + 1;
    if (label.ends_with('\r')) label.remove_suffix(1);
    if (trimmed(label).empty()) {
      return bad(source, "have an empty line " + std::to_string(labels.size() + 1) +
                             "; each line names the class of its number, so name it or remove "
                             "the line");
    }
    if (labels.size() == kMostLabels) {
      return bad(source, "have more than " + std::to_string(kMostLabels) + " lines");
    }
    labels.emplace_back(label);
  }
  return labels;
}

Result<std::vector<std::string>> read_labels(const std::string& path) {
  const auto bytes = read_file(path, kMostBytes, "label file");
  if (!bytes) return bytes.status();
  return parse_labels(as_text(*bytes), path);
}

}  // namespace torchinfer
