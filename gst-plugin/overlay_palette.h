// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>

// Colours of bars and boxes, 0xRRGGBB. `bar` lies under white text with a contrast of at least 4.5
// : 1; `line` is the same hue, light enough to be seen against a dark scene.
struct PaletteColor {
  std::uint32_t bar, line;
};

inline constexpr std::array<PaletteColor, 8> kPalette = {{
    {0x1769AA, 0x4FB3FF},  // blue
    {0x2E7D32, 0x66D96B},  // green
    {0xB85C00, 0xFFA640},  // orange
    {0x7B1FA2, 0xD58BF2},  // violet
    {0x00796B, 0x3FD9C7},  // teal
    {0xC62828, 0xFF7A70},  // red
    {0x6D4C41, 0xD3A894},  // brown
    {0xAD1457, 0xFF7FB4},  // pink
}};

/// The panel behind all text, 0xAARRGGBB.
inline constexpr std::uint32_t kPanelColor = 0xCC101418;
/// The seam on both sides of a box's line, 0xAARRGGBB.
inline constexpr std::uint32_t kSeamColor = 0x90000000;
