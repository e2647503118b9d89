// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever a label file holds, it is refused with a text or gives one label for each of its lines.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/labels.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto labels = torchinfer::parse_labels(text, "fuzz");
  if (!labels) {
    if (labels.status().message().empty()) std::abort();
    return 0;
  }
  const auto newlines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const std::size_t lines = newlines + (text.ends_with('\n') ? 0 : 1);
  if (labels->size() != lines) std::abort();
  for (const auto& label : *labels) {
    if (label.empty() || label.find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
