// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/format_layout.h"

#include <cstddef>

namespace torchinfer {
namespace {

constexpr FormatLayout rgb(std::uint8_t bytes, std::uint8_t r, std::uint8_t g, std::uint8_t b) {
  return {ColorFamily::kRgb, 1, {bytes}, {{{0, r}, {0, g}, {0, b}}}};
}

// In the order of PixelFormat.
constexpr std::array<FormatLayout, 13> kLayouts{{
    {ColorFamily::kYuv, 3, {1, 1, 1}, {{{0, 0}, {1, 0}, {2, 0}}}},  // I420
    {ColorFamily::kYuv, 3, {1, 1, 1}, {{{0, 0}, {2, 0}, {1, 0}}}},  // YV12
    {ColorFamily::kYuv, 2, {1, 2}, {{{0, 0}, {1, 0}, {1, 1}}}},     // NV12
    {ColorFamily::kYuv, 2, {1, 2}, {{{0, 0}, {1, 1}, {1, 0}}}},     // NV21
    rgb(3, 0, 1, 2),                                                // RGB
    rgb(3, 2, 1, 0),                                                // BGR
    rgb(4, 0, 1, 2),                                                // RGBA
    rgb(4, 2, 1, 0),                                                // BGRA
    rgb(4, 0, 1, 2),                                                // RGBx
    rgb(4, 2, 1, 0),                                                // BGRx
    rgb(4, 1, 2, 3),                                                // ARGB
    rgb(4, 3, 2, 1),                                                // ABGR
    {ColorFamily::kGray, 1, {1}, {{{0, 0}, {0, 0}, {0, 0}}}},       // GRAY8
}};
static_assert(kLayouts.size() == static_cast<std::size_t>(PixelFormat::kGray8) + 1);

}  // namespace

const FormatLayout& layout_of(PixelFormat format) {
  return kLayouts[static_cast<std::size_t>(format)];
}

}  // namespace torchinfer
