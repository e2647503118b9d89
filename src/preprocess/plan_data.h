// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/image_view.h"
#include "model/preprocess_params.h"
#include "preprocess/color_matrix.h"
#include "preprocess/filters.h"
#include "preprocess/format_layout.h"
#include "preprocess/geometry.h"
#include "preprocess/plan.h"
#include "preprocess/sample_codes.h"

namespace torchinfer {

/// What becomes of a source pixel before it is resized.
enum class PixelStep : std::uint8_t {
  kNone,       ///< its bytes are the channels
  kExpand,     ///< bytes of limited range are stretched to 0..255
  kYuvToRgb,   ///< chroma interpolated to this pixel, then the matrix
  kRgbToLuma,  ///< stretched where the range is limited, then weighed
};

/// What every device's kernels work from; see Note [Fidelity] for what they must compute. For each
/// pixel of geometry.content: `x` filters, over rows of pixels that have gone through `step`, to
/// bytes; `y` filters those to bytes; `codes` makes them the model's values.
class PreprocessPlan {
 public:
  ImageFormat format;
  PreprocessParams params;
  Geometry geometry;
  PixelStep step = PixelStep::kNone;
  int channels = 0;            ///< that are resized: 1 or 3 (R, G, B)
  YuvToRgb matrix;             ///< kYuvToRgb only
  Expansion expansion;         ///< kExpand and kRgbToLuma only
  AxisFilter x;                ///< outputs = geometry.content.width, over columns of the frame
  AxisFilter y;                ///< outputs = geometry.content.height, over rows of the frame
  std::array<int, 3> order{};  ///< which resized channel each of the model's comes from
  std::array<SampleCodes, 3> codes{};  ///< per channel of the model

  const FormatLayout& layout() const { return layout_of(format.format); }
  /// Whether this plane matters: a model of one channel does not see chroma.
  bool reads_plane(int plane) const {
    return plane == 0 || (plane < layout().planes && step == PixelStep::kYuvToRgb);
  }
};

}  // namespace torchinfer
