// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/key_file_reader.h"

#include <glib.h>

#include <algorithm>

#include "model/text.h"

namespace torchinfer {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::vector<std::string> take_list(gchar** list) {
  std::vector<std::string> result;
  for (gchar** at = list; at != nullptr && *at != nullptr; ++at) result.emplace_back(*at);
  g_strfreev(list);
  return result;
}

std::string take_message(GError* error) {
  std::string message = error != nullptr ? error->message : "";
  g_clear_error(&error);
  return message;
}

std::string place(std::string_view section, std::string_view key) {
  std::string result = "[" + std::string(section) + "]";
  if (!key.empty()) result += " " + std::string(key);
  // Section titles come from the file.
  const std::string cut = quoted(result, 120);
  return cut.substr(1, cut.size() - 2);
}

}  // namespace

KeyFileReader::KeyFileReader(std::string_view text, std::string_view source)
    : name_("The model info " + quoted_path(source)), file_(g_key_file_new(), g_key_file_unref) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (!g_utf8_validate_len(text.data(), text.size(), nullptr)) {
    fail(Code::kBadModelInfo, "is not UTF-8 text; it must be a key file");
    return;
  }
  if (text.empty()) {
    fail(Code::kBadModelInfo, "is empty; docs/models.md shows one");
    return;
  }
  GError* error = nullptr;
  if (!g_key_file_load_from_data(file_.get(), text.data(), text.size(), G_KEY_FILE_NONE, &error)) {
    const std::string why = quoted(take_message(error), 300);
    fail(Code::kBadModelInfo, "is no key file: " + why.substr(1, why.size() - 2) +
                                  "; docs/models.md shows one, and labels go to label-file");
    return;
  }
  sections_ = take_list(g_key_file_get_groups(file_.get(), nullptr));
}

bool KeyFileReader::has_section(std::string_view section) const {
  return std::find(sections_.begin(), sections_.end(), section) != sections_.end();
}

bool KeyFileReader::has_key(const std::string& section, const std::string& key) const {
  return g_key_file_has_key(file_.get(), section.c_str(), key.c_str(), nullptr) != FALSE;
}

std::vector<std::string> KeyFileReader::keys(const std::string& section) const {
  return take_list(g_key_file_get_keys(file_.get(), section.c_str(), nullptr, nullptr));
}

std::optional<std::string> KeyFileReader::find(const std::string& section, const std::string& key) {
  if (!has_key(section, key)) return std::nullopt;
  GError* error = nullptr;
  gchar* raw = g_key_file_get_string(file_.get(), section.c_str(), key.c_str(), &error);
  if (raw == nullptr) {
    fail(Code::kBadModelInfo, section, key, "cannot be read: " + take_message(error));
    return std::nullopt;
  }
  g_clear_error(&error);
  std::string value(trimmed(raw));
  g_free(raw);
  if (value.empty()) {
    fail(Code::kBadModelInfo, section, key, "is empty; give it a value or remove the line");
    return std::nullopt;
  }
  if (value.starts_with("PLACEHOLDER")) {
    fail(Code::kBadModelInfo, section, key,
         "still holds " + quoted(value) + "; replace it by the model's own value");
    return std::nullopt;
  }
  return value;
}

std::optional<std::string> KeyFileReader::need(const std::string& section, const std::string& key,
                                               std::string_view expected) {
  if (!has_key(section, key)) {
    miss(section, key, expected);
    return std::nullopt;
  }
  return find(section, key);
}

void KeyFileReader::fail(Code code, std::string_view section, std::string_view key,
                         const std::string& problem) {
  if (!failed()) failure_ = Status(code, name_ + ", " + place(section, key) + ": " + problem);
}

void KeyFileReader::fail(Code code, const std::string& problem) {
  if (!failed()) failure_ = Status(code, name_ + " " + problem);
}

void KeyFileReader::miss(std::string_view section, std::string_view key,
                         std::string_view expected) {
  missing_.push_back(place(section, key) + " (" + std::string(expected) + ")");
}

Status KeyFileReader::status() const {
  if (failed() || missing_.empty()) return failure_;
  std::string list;
  for (const auto& item : missing_) list += (list.empty() ? "" : ", ") + item;
  return Status(Code::kBadModelInfo, name_ + " lacks " + list);
}

std::string KeyFileReader::joined(const std::vector<std::string_view>& names) {
  return join_choices(names);
}

void KeyFileReader::unknown(const std::string& section, const std::string& key,
                            const std::string& text, const std::string& names) {
  fail(Code::kBadModelInfo, section, key, quoted(text) + " is unknown; use " + names);
}

}  // namespace torchinfer
