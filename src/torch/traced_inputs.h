// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "torch/archive.h"

namespace torchinfer {

/// The shape of the tensor with which forward() was traced: torch.jit.trace() notes it in the
/// archive, without the numbers. Empty: the model was scripted, or nothing of the kind can be read.
std::vector<std::int64_t> traced_input_shape(const Archive& archive);

}  // namespace torchinfer
