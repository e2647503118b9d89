// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/color_matrix.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "preprocess/format_layout.h"

namespace torchinfer {
namespace {

/// One output channel in 0..255: offset + weights * samples.
struct Row {
  std::array<double, 3> weights{};
  double offset = 0.0;
};

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

/// What turns a stored luma or R'G'B' sample into 0..255.
struct Expansion {
  double gain = 1.0;
  double offset = 0.0;
};

Expansion luma_expansion(ColorRange range) {
  if (range == ColorRange::kFull) return {};
  return {255.0 / 219.0, -16.0 * 255.0 / 219.0};
}

std::array<Row, 3> rgb_from_yuv(const Colorimetry& color) {
  const auto [red, blue] = luma_shares(color.matrix);
  const double green = 1.0 - red - blue;
  const Expansion luma = luma_expansion(color.range);
  const double chroma = color.range == ColorRange::kFull ? 1.0 : 255.0 / 224.0;
  const double v_to_red = 2.0 * (1.0 - red) * chroma;
  const double u_to_blue = 2.0 * (1.0 - blue) * chroma;

  std::array<Row, 3> rows;
  rows[0].weights = {luma.gain, 0.0, v_to_red};
  rows[1].weights = {luma.gain, -u_to_blue * blue / green, -v_to_red * red / green};
  rows[2].weights = {luma.gain, u_to_blue, 0.0};
  for (Row& row : rows) row.offset = luma.offset - 128.0 * (row.weights[1] + row.weights[2]);
  return rows;
}

std::array<Row, 3> rgb_from_rgb(ColorRange range) {
  const Expansion expansion = luma_expansion(range);
  std::array<Row, 3> rows;
  for (std::size_t c = 0; c < 3; ++c) {
    rows[c].weights[c] = expansion.gain;
    rows[c].offset = expansion.offset;
  }
  return rows;
}

Row luma_from_y(ColorRange range) {
  const Expansion expansion = luma_expansion(range);
  return {{expansion.gain, 0.0, 0.0}, expansion.offset};
}

Row luma_from_rgb(ColorRange range) {
  const Expansion expansion = luma_expansion(range);
  return {{0.299 * expansion.gain, 0.587 * expansion.gain, 0.114 * expansion.gain},
          expansion.offset};
}

}  // namespace

ColorTransform make_color_transform(const ImageFormat& format, const PreprocessParams& params) {
  const ColorFamily family = layout_of(format.format).family;
  const ColorRange range = format.color.range;
  ColorTransform transform;
  transform.channels = params.input.channels;

  std::array<Row, 3> rows;
  if (params.color == ColorOrder::kGray) {
    transform.inputs = family == ColorFamily::kRgb ? 3 : 1;
    rows[0] = family == ColorFamily::kRgb ? luma_from_rgb(range) : luma_from_y(range);
  } else if (family == ColorFamily::kGray) {
    transform.inputs = 1;
    rows.fill(luma_from_y(range));
  } else {
    transform.inputs = 3;
    rows = family == ColorFamily::kRgb ? rgb_from_rgb(range) : rgb_from_yuv(format.color);
    if (params.color == ColorOrder::kBgr) std::swap(rows[0], rows[2]);
  }

  for (std::size_t c = 0; c < static_cast<std::size_t>(transform.channels); ++c) {
    const ValueRange& values = params.ranges[c];
    const double gain = (values.max - values.min) / 255.0;
    for (std::size_t i = 0; i < 3; ++i) {
      transform.weights[c][i] = static_cast<float>(rows[c].weights[i] * gain);
    }
    transform.offset[c] = static_cast<float>(rows[c].offset * gain + values.min);
    transform.low[c] = static_cast<float>(std::min(values.min, values.max));
    transform.high[c] = static_cast<float>(std::max(values.min, values.max));
  }
  return transform;
}

}  // namespace torchinfer
