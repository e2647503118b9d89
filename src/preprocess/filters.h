// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "core/export.h"
#include "model/preprocess_params.h"

namespace torchinfer {

/// Weights are integers that stand for multiples of 2^-22, as in Pillow.
inline constexpr int kWeightBits = 22;

/// One axis of a separable filter: output o is the sum over k < taps of weights[o * taps + k] times
/// source sample begin + first[o] + k. Outputs that need fewer samples carry zero weights, so that
/// all have the same number of taps and none reads outside begin..begin + length. `first` never
/// falls from one output to the next.
struct AxisFilter {
  int begin = 0;   ///< first sample of the source that any output reads
  int length = 0;  ///< samples from `begin` on that are read in all
  int taps = 0;
  std::vector<std::int32_t> first;
  std::vector<std::int32_t> weights;
};

/// A run of samples along one axis: begin..begin + size.
struct Span {
  int begin = 0;
  int size = 0;
};

/// The filter that resizes the samples `source` to `resized` samples and keeps `crop` of those; all
/// sizes at least 1, `crop` within 0..resized.
///
/// Note: [Filters]
/// Weights are those of Pillow's resize, hence of torchvision's: a triangle, or a cubic with
/// a = -0.5, as wide as one output pixel when shrinking, cut off at the ends of `source`,
/// normalised, and rounded to kWeightBits. Sums are rounded to bytes, halves up, after each axis.
TORCHINFER_API AxisFilter make_axis_filter(Span source, int resized, Span crop,
                                           Interpolation interpolation);

}  // namespace torchinfer
