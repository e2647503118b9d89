// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>

#include "core/export.h"
#include "core/tensor_view.h"
#include "model/preprocess_params.h"

namespace torchinfer {

/// What a model's input holds for each of the 256 values that a resized sample can have: the bits
/// of a float32, float16, bfloat16 or uint8, in the low end.
using SampleCodes = std::array<std::uint32_t, 256>;

/// Each value mapped by `range` in double precision and rounded once, to nearest, halves to even.
/// The value must fit the type.
TORCHINFER_API SampleCodes make_sample_codes(DType dtype, const ValueRange& range);

}  // namespace torchinfer
