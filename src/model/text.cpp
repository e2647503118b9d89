// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/text.h"

#include <glib.h>

#include <charconv>
#include <cmath>
#include <system_error>

namespace torchinfer {
namespace {

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split_list(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

std::optional<double> parse_double(std::string_view text) {
  const auto value = parse_number<double>(text);
  // from_chars() reads "nan" and "inf".
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return parse_number<std::int64_t>(text);
}

std::string quoted(std::string_view text, std::size_t most_bytes) {
  if (text.empty()) return "\"\"";  // may have no address
  const bool cut = text.size() > most_bytes;
  if (cut) text = text.substr(0, most_bytes);
  gchar* valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
  std::string result = "\"";
  for (const char* at = valid; *at != '\0'; ++at) {
    const auto byte = static_cast<unsigned char>(*at);
    result += byte < 0x20 || byte == 0x7F ? '?' : *at;
  }
  g_free(valid);
  return result + (cut ? "...\"" : "\"");
}

std::string quoted_path(std::string_view path) { return quoted(path, 4096); }

std::string join_choices(const std::vector<std::string_view>& choices) {
  std::string result;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) result += i + 1 == choices.size() ? " or " : ", ";
    result += choices[i];
  }
  return result;
}

}  // namespace torchinfer
