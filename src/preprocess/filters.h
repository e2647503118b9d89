// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "core/export.h"
#include "model/preprocess_params.h"

namespace torchinfer {

/// One axis of a separable filter: output o is the sum over k < taps of weights[o * taps + k] times
/// source sample begin + first[o] + k. Each output's weights sum to 1. Outputs that need fewer
/// samples carry zero weights, so that all have the same number of taps and none reads outside
/// begin..begin + length.
struct AxisFilter {
  int begin = 0;   ///< first sample of the source that any output reads
  int length = 0;  ///< samples from `begin` on that are read in all
  int taps = 0;
  std::vector<std::int32_t> first;
  std::vector<float> weights;
};

/// A run of samples along one axis: begin..begin + size.
struct Span {
  int begin = 0;
  int size = 0;
};

/// Where chroma samples of half resolution sit along one axis.
enum class ChromaAxis : std::uint8_t {
  kNone,     ///< there are none
  kCosited,  ///< sample j on luma sample 2j
  kBetween,  ///< sample j half way between luma samples 2j and 2j + 1
};

/// The filters of one axis: `luma` for planes of full resolution, `chroma` for planes of half; the
/// latter is empty for ChromaAxis::kNone.
struct AxisFilters {
  AxisFilter luma;
  AxisFilter chroma;
};

/// Filters that resize the samples `source` to `resized` samples and keep `crop` of those; all
/// sizes at least 1, `crop` within 0..resized.
///
/// Note: [Filters]
/// Luma taps are those of Pillow's resize, hence of torchvision with antialias=True: a triangle, or
/// a cubic with a = -0.5, as wide as one output pixel when shrinking, cut off at the ends of
/// `source` and normalised.
/// Chroma of half resolution is thought of as interpolated linearly to full resolution first, and
/// then filtered as luma is; both steps are folded into one filter. Outside the samples that cover
/// `source`, the nearest one of them is repeated.
TORCHINFER_API AxisFilters make_axis_filters(Span source, int resized, Span crop,
                                             Interpolation interpolation, ChromaAxis chroma);

}  // namespace torchinfer
