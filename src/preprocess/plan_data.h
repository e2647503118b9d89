// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

#include "core/image_view.h"
#include "model/preprocess_params.h"
#include "preprocess/color_matrix.h"
#include "preprocess/filters.h"
#include "preprocess/format_layout.h"
#include "preprocess/geometry.h"
#include "preprocess/plan.h"

namespace torchinfer {

/// What every device's kernels work from. An input pixel is made in this order: filter each plane
/// down (`y`), then across (`x`), straight to the size of geometry.content; then `color`. Nothing
/// else of the frame is computed, and no R'G'B' image of the frame's size ever exists.
class PreprocessPlan {
 public:
  ImageFormat format;
  PreprocessParams params;
  Geometry geometry;
  AxisFilters x;  ///< outputs = geometry.content.width; positions in columns of the frame's planes
  AxisFilters y;  ///< outputs = geometry.content.height; positions in rows of the frame's planes
  ColorTransform color;
  std::array<float, 3> pad{};  ///< what fills the model's input around geometry.content

  const FormatLayout& layout() const { return layout_of(format.format); }
  /// Whether any kernel reads this plane: a model of one channel does not read chroma.
  bool reads_plane(int plane) const {
    for (int i = 0; i < color.inputs; ++i) {
      if (layout().samples[static_cast<std::size_t>(i)].plane == plane) return true;
    }
    return false;
  }
  const AxisFilter& across(int plane) const { return plane == 0 ? x.luma : x.chroma; }
  const AxisFilter& down(int plane) const { return plane == 0 ? y.luma : y.chroma; }
};

}  // namespace torchinfer
