// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>

namespace torchinfer::test {

/// The text of a model info, put together key by key. Starts as a complete one, so that a test
/// says only what differs in its case.
class InfoText {
 public:
  InfoText() {
    set("modelinfo", "version", "1.0");
    set("input_0", "dir", "input");
    set("input_0", "type", "float32");
    set("input_0", "dims", "-1,3,224,192");
    set("input_0", "ranges", "-2,2.5");
    set("torchinference", "task", "classification");
    set("torchinference", "resize", "short-side");
    set("torchinference", "resize-size", "256");
    set("torchinference", "interpolation", "bicubic");
    set("torchinference", "color-order", "rgb");
    set("torchinference", "activation", "softmax");
  }

  InfoText& set(const std::string& section, const std::string& key, const std::string& value) {
    sections_[section][key] = value;
    return *this;
  }
  InfoText& drop(const std::string& section, const std::string& key) {
    sections_[section].erase(key);
    return *this;
  }
  InfoText& drop(const std::string& section) {
    sections_.erase(section);
    return *this;
  }

  std::string text() const {
    std::string result;
    for (const auto& [section, keys] : sections_) {
      result += "[" + section + "]\n";
      for (const auto& [key, value] : keys) result += key + "=" + value + "\n";
    }
    return result;
  }

 private:
  std::map<std::string, std::map<std::string, std::string>> sections_;
};

}  // namespace torchinfer::test
