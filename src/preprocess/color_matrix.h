// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

#include "core/export.h"
#include "core/image_view.h"

namespace torchinfer {

/// Luma or R'G'B' samples as stored (0..255) to 0..255: gain * (sample - black).
struct Expansion {
  double gain = 1.0;
  int black = 0;
};

TORCHINFER_API Expansion expansion_of(ColorRange range);

/// Y'CbCr samples as stored (0..255) to R'G'B' (0..255 where they do not overshoot):
/// luma.gain * (Y - luma.black) + u[c] * (U - 128) + v[c] * (V - 128). u[0] and v[2] are 0.
struct YuvToRgb {
  Expansion luma;
  std::array<double, 3> u{};
  std::array<double, 3> v{};
};

/// `color.matrix` is not kRgb.
TORCHINFER_API YuvToRgb make_yuv_to_rgb(const Colorimetry& color);

}  // namespace torchinfer
