// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace torchinfer {

/// What a model's output means.
enum class ModelTask : std::uint8_t { kClassification };

/// What turns the output's numbers into scores in 0..1.
enum class Activation : std::uint8_t {
  kSoftmax,  ///< exp(x - max) / sum: one class a frame
  kSigmoid,  ///< 1 / (1 + exp(-x)): several classes may apply
  kNone,     ///< the model has applied its own
};

struct DecodeParams {
  ModelTask task = ModelTask::kClassification;
  Activation activation = Activation::kSoftmax;
  bool operator==(const DecodeParams&) const = default;
};

}  // namespace torchinfer
