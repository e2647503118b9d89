// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>

#include "core/image_view.h"

namespace torchinfer {

enum class ColorFamily : std::uint8_t { kYuv, kRgb, kGray };

/// Where one sample of a pixel lies: in which plane, and how many bytes into that plane's pixel.
struct SamplePlace {
  std::uint8_t plane = 0;
  std::uint8_t offset = 0;
};

/// How a pixel format lies in memory. In formats of more than one plane, all but the first are
/// chroma of half resolution both ways, rounded up.
struct FormatLayout {
  ColorFamily family = ColorFamily::kYuv;
  std::uint8_t planes = 1;
  std::array<std::uint8_t, 3> pixel_bytes{};  ///< of each plane, from one pixel to the next
  std::array<SamplePlace, 3> samples{};       ///< Y,U,V or R,G,B; the first alone for kGray
};

const FormatLayout& layout_of(PixelFormat format);

}  // namespace torchinfer
