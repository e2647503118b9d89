// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

#include "core/export.h"
#include "core/image_view.h"

namespace torchinfer {

/// Y'CbCr samples as stored (0..255) to R'G'B' (0..255 where they do not overshoot):
/// offset[c] + luma * Y + u[c] * U + v[c] * V.
struct YuvToRgb {
  double luma = 1.0;
  std::array<double, 3> u{};
  std::array<double, 3> v{};
  std::array<double, 3> offset{};
};

/// `color.matrix` is not kRgb.
TORCHINFER_API YuvToRgb make_yuv_to_rgb(const Colorimetry& color);

/// Luma or R'G'B' as stored to 0..255: offset + gain * sample.
struct Expansion {
  double gain = 1.0;
  double offset = 0.0;
};

TORCHINFER_API Expansion expansion_of(ColorRange range);

}  // namespace torchinfer
