// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "core/status.h"
#include "engine/inspection.h"

namespace torchinfer {

/// What is known of a model's input before it runs; the strongest that is there counts.
struct InputHints {
  std::optional<InputSpec> said;     ///< by the model info
  std::vector<std::int64_t> traced;  ///< the shape of traced_input_shape()
  std::optional<int> channels;       ///< of the first convolution
};

/// See Inspection::probe().
Result<ProbeReport> probe_model(const torch::jit::Module& module, const InputHints& hints);

}  // namespace torchinfer
