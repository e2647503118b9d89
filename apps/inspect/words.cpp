// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspect/words.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace torchinfer::inspect {

std::string grouped(std::int64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array units{"bytes", "kB", "MB", "GB", "TB"};
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  for (; value >= 999.95 && unit + 1 < units.size(); ++unit) value /= 1000.0;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, units[unit]);
  return text.data();
}

std::string input_text(const InputSpec& input) {
  const auto sides = std::to_string(input.height) + "x" + std::to_string(input.width);
  const auto channels = std::to_string(input.channels);
  return std::string(to_string(input.dtype)) + (input.layout == Layout::kNhwc
                                                    ? ", NHWC, " + sides + "x" + channels
                                                    : ", NCHW, " + channels + "x" + sides);
}

std::string preprocess_text(const PreprocessParams& params) {
  std::string text;
  switch (params.resize) {
    case ResizePolicy::kShortSide:
      text = "short side " + std::to_string(params.resize_size) + ", centre crop";
      break;
    case ResizePolicy::kSquash: text = "squashed"; break;
    case ResizePolicy::kLetterbox:
      text = "letterbox, filled with " + std::to_string(params.pad_value);
      break;
  }
  text += params.interpolation == Interpolation::kBicubic ? ", bicubic" : ", bilinear";
  constexpr std::array orders{", rgb", ", bgr", ", gray"};
  text += orders[static_cast<std::size_t>(params.color)];
  double least = params.ranges[0].min, most = params.ranges[0].max;
  for (int i = 1; i < params.input.channels; ++i) {
    least = std::min(least, params.ranges[static_cast<std::size_t>(i)].min);
    most = std::max(most, params.ranges[static_cast<std::size_t>(i)].max);
  }
  std::array<char, 64> range{};
  std::snprintf(range.data(), range.size(), ", values %.3f to %.3f", least, most);
  return text + range.data();
}

std::string output_text(const std::string& name, DType dtype,
                        const std::vector<std::int64_t>& dims) {
  auto text = name + " " + std::string(to_string(dtype)) + " ";
  for (std::size_t i = 0; i < dims.size(); ++i)
    text += (i == 0 ? "" : "x") + (dims[i] < 0 ? "?" : std::to_string(dims[i]));
  return text + (dims.empty() ? "one number" : "");
}

std::string_view activation_name(Activation activation) {
  constexpr std::array<std::string_view, 3> names{"softmax", "sigmoid", "no activation"};
  return names[static_cast<std::size_t>(activation)];
}

}  // namespace torchinfer::inspect
