// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"

typedef struct _GKeyFile GKeyFile;  // NOLINT(bugprone-reserved-identifier): GLib's own name

namespace torchinfer {

/// Reads a key file (GLib's format) for a parser that runs straight through: what goes wrong is
/// kept here and asked for at the end. Keeps the first thing that is wrong and all that is absent,
/// so that a user hears of every missing key at once. Of one thread at a time.
class KeyFileReader {
 public:
  /// `source` names the text in errors. A text that is no key file is the first thing wrong.
  KeyFileReader(std::string_view text, std::string_view source);

  const std::vector<std::string>& sections() const { return sections_; }
  bool has_section(std::string_view section) const;
  bool has_key(const std::string& section, const std::string& key) const;
  std::vector<std::string> keys(const std::string& section) const;

  /// The value, trimmed; nothing when the key is absent. An empty value and one that starts with
  /// PLACEHOLDER (what GStreamer's generator leaves for a person to fill in) are wrong.
  std::optional<std::string> find(const std::string& section, const std::string& key);

  /// The same, for a key that is needed: notes its absence with what is `expected` there.
  std::optional<std::string> need(const std::string& section, const std::string& key,
                                  std::string_view expected);

  /// A value that must be one of `choices`.
  template <class T>
  using Choices = std::vector<std::pair<std::string_view, T>>;
  template <class T>
  std::optional<T> find_choice(const std::string& section, const std::string& key,
                               const Choices<T>& choices) {
    const auto text = find(section, key);
    return text ? choose(section, key, *text, choices) : std::nullopt;
  }
  template <class T>
  std::optional<T> need_choice(const std::string& section, const std::string& key,
                               const Choices<T>& choices) {
    const auto text = need(section, key, names_of(choices));
    return text ? choose(section, key, *text, choices) : std::nullopt;
  }

  /// Notes what is wrong with a key; `problem` reads on after "[section] key".
  void fail(Code code, std::string_view section, std::string_view key, const std::string& problem);
  /// Notes that a key is absent.
  void miss(std::string_view section, std::string_view key, std::string_view expected);
  /// Notes what is wrong with the file as a whole; reads on after its name.
  void fail(Code code, const std::string& problem);

  /// Whether a key or value was wrong so far (absent ones do not count).
  bool failed() const { return !failure_.ok(); }
  /// What is wrong, else what is absent (kBadModelInfo), else Ok.
  Status status() const;

 private:
  template <class T>
  static std::string names_of(const Choices<T>& choices);
  template <class T>
  std::optional<T> choose(const std::string& section, const std::string& key,
                          const std::string& text, const Choices<T>& choices);
  static std::string joined(const std::vector<std::string_view>& names);
  void unknown(const std::string& section, const std::string& key, const std::string& text,
               const std::string& names);

  std::string name_;
  std::unique_ptr<GKeyFile, void (*)(GKeyFile*)> file_;
  std::vector<std::string> sections_;
  Status failure_;
  std::vector<std::string> missing_;
};

template <class T>
std::string KeyFileReader::names_of(const Choices<T>& choices) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : choices) names.push_back(name);
  return joined(names);
}

template <class T>
std::optional<T> KeyFileReader::choose(const std::string& section, const std::string& key,
                                       const std::string& text, const Choices<T>& choices) {
  for (const auto& [name, value] : choices) {
    if (name == text) return value;
  }
  unknown(section, key, text, names_of(choices));
  return std::nullopt;
}

}  // namespace torchinfer
