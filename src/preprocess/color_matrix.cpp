// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/color_matrix.h"

#include <utility>

namespace torchinfer {
namespace {

/// The shares of red and blue in luma, from ITU-R BT.601-7, BT.709-6, BT.2020-2, SMPTE 240M and the
/// FCC's Title 47, 73.682.
std::pair<double, double> luma_shares(ColorMatrix matrix) {
  switch (matrix) {
    case ColorMatrix::kFcc: return {0.30, 0.11};
    case ColorMatrix::kBt709: return {0.2126, 0.0722};
    case ColorMatrix::kSmpte240m: return {0.212, 0.087};
    case ColorMatrix::kBt2020: return {0.2627, 0.0593};
    case ColorMatrix::kRgb:
    case ColorMatrix::kBt601: break;
  }
  return {0.299, 0.114};
}

}  // namespace

Expansion expansion_of(ColorRange range) {
  if (range == ColorRange::kFull) return {};
  return {255.0 / 219.0, 16};
}

YuvToRgb make_yuv_to_rgb(const Colorimetry& color) {
  const auto [red, blue] = luma_shares(color.matrix);
  const double green = 1.0 - red - blue;
  const double chroma = color.range == ColorRange::kFull ? 1.0 : 255.0 / 224.0;
  const double v_to_red = 2.0 * (1.0 - red) * chroma;
  const double u_to_blue = 2.0 * (1.0 - blue) * chroma;

  YuvToRgb matrix;
  matrix.luma = expansion_of(color.range);
  matrix.u = {0.0, -u_to_blue * blue / green, u_to_blue};
  matrix.v = {v_to_red, -v_to_red * red / green, 0.0};
  return matrix;
}

}  // namespace torchinfer
