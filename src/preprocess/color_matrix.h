// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

#include "core/export.h"
#include "core/image_view.h"
#include "model/preprocess_params.h"

namespace torchinfer {

/// An affine map from a source pixel's `inputs` samples (Y or Y,U,V or R,G,B; 0..255 as stored) to
/// the model's `channels` values, in the model's channel order and value ranges:
/// clamp(offset[c] + sum over i of weights[c][i] * sample[i], low[c], high[c]).
struct ColorTransform {
  int inputs = 0;    ///< 1 or 3
  int channels = 0;  ///< 1 or 3
  std::array<std::array<float, 3>, 3> weights{};
  std::array<float, 3> offset{};
  std::array<float, 3> low{};   ///< what black of that channel becomes, or white where
  std::array<float, 3> high{};  ///< the value range is upside down
};

/// Note: [Colour]
/// Samples are expanded to 0..255 by the frame's range, turned into R'G'B' by its matrix, clamped
/// to 0..255 and mapped by the model's value ranges; the steps are folded, the clamp comes last.
/// A model of one channel gets luma: Y of Y'CbCr and gray frames, and of R'G'B' frames
/// (299 R + 587 G + 114 B) / 1000, which is Pillow's and torchvision's "L". A model of three
/// channels gets Y three times from a gray frame.
/// Frames of R'G'B' and gray formats are not asked for their matrix.
TORCHINFER_API ColorTransform make_color_transform(const ImageFormat& format,
                                                   const PreprocessParams& params);

}  // namespace torchinfer
