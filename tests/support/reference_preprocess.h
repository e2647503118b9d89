// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/image_view.h"
#include "model/preprocess_params.h"

namespace torchinfer::test {

/// Preprocessing as one would write it on a blackboard, in double precision and in separate steps:
/// every pixel of the region to R'G'B' (or luma), then resize, crop, pad, clamp. Shares no code
/// with src/preprocess. Values 0..255 before the value ranges, not rounded, in the order
/// [channel][row][column] whatever the input's layout.
std::vector<double> reference_preprocess(const ImageView& image,
                                         const std::optional<Region>& region,
                                         const PreprocessParams& params);

/// Reads a model input back as such values: any dtype and layout to [channel][row][column], value
/// ranges undone.
std::vector<double> decode_input(const PreprocessParams& params, const std::byte* input);

/// The largest difference to reference_preprocess() that an exact implementation in single
/// precision may show, in 0..255: rounding of the dtype, and a few thousandths for the arithmetic.
double tolerance_of(const PreprocessParams& params);

}  // namespace torchinfer::test
