// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "engine/back_end.h"
#include "engine/block_pool.h"
#include "torch/program.h"
#include "torch/runtime.h"

namespace torchinfer {

/// What a loaded model is made of; shared by the model and its lanes. Immutable.
struct LoadedModel {
  ModelFacts facts;
  InputSpec input;
  Program program;
  int threads = 1;            ///< of each lane
  bool writes_input = false;  ///< the model changes the tensor that it is given
  std::shared_ptr<const QuantizedEngine> quantized_engine;
};

std::shared_ptr<Model> make_torch_model(LoadedModel loaded);

}  // namespace torchinfer
