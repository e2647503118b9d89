// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/image_view.h"
#include "model/preprocess_params.h"

namespace torchinfer::test {

/// Preprocessing as one would write it on a blackboard, one step after the other: every pixel of
/// the region to R'G'B' or luma in double precision and rounded to a byte, then Pillow's resize
/// with its fixed-point weights, across and down, then crop and pad. Shares no code with
/// src/preprocess. Values 0..255, before the value ranges, in the order [channel][row][column]
/// whatever the input's layout.
std::vector<int> reference_preprocess(const ImageView& image, const std::optional<Region>& region,
                                      const PreprocessParams& params);

/// Reads a model input back as such values: any dtype and layout to [channel][row][column], value
/// ranges undone.
std::vector<double> decode_input(const PreprocessParams& params, const std::byte* input);

/// How far a value that decode_input() returns may be from the whole number it stands for: half a
/// unit in the last place of the dtype, expressed in 0..255.
double tolerance_of(const PreprocessParams& params);

}  // namespace torchinfer::test
