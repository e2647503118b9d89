// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>
#include <string>

#include "core/input_spec.h"
#include "core/status.h"
#include "model/model_file.h"
#include "torch/fold_pads.h"
#include "torch/outputs.h"

namespace torchinfer {

class Archive;
struct FoldedProgram;

/// A module in the form in which it runs. Cheap to copy; run() is thread-safe as far as the model
/// keeps no state between calls.
class Program {
 public:
  /// Forward of a batch: `input` has the batch first. Under InferenceMode, whatever the calling
  /// thread has. The model may write to `input`. kForwardFailed, kBadOutput, kOutOfMemory.
  Result<Outputs> run(at::Tensor input) const;

  const torch::jit::Module& module() const { return module_; }

 private:
  friend Program as_loaded(torch::jit::Module module);
  friend Program frozen(const Program& loaded);
  friend FoldedProgram with_pads_folded(const Program& program);
  friend Program optimized_for_inference(const Program& loaded);
  friend Program in_bfloat16(const torch::jit::Module& module, const InputSpec& input);

  explicit Program(torch::jit::Module module) : module_(std::move(module)) {}

  torch::jit::Module module_;
  bool bfloat16_ = false;       ///< float32 goes in and comes out, bfloat16 is computed
  bool channels_last_ = false;  ///< memory format of the input
};

/// Reads the module on the CPU, as it was saved. kCorruptModel, kUnsupported (an operator that this
/// libtorch has not), kOutOfMemory.
Result<torch::jit::Module> read_module(const Archive& archive, const std::string& path);

/// Dropout and batch norm as in use, not as in training.
void set_evaluation_mode(const torch::jit::Module& module);

/// read_module() in evaluation mode.
Result<torch::jit::Module> load_module(const Archive& archive, const std::string& path);

Program as_loaded(torch::jit::Module module);

// Each pass works on a copy of the code and shares the weights that it leaves as they are. They
// throw what libtorch throws.

/// Attributes become constants, batch norms are folded into convolutions, dropout goes.
Program frozen(const Program& loaded);

struct FoldedProgram {
  Program program;
  FoldedPads pads;
};

/// frozen(), and explicit zero pads become part of the convolutions behind them. The other passes
/// may follow.
FoldedProgram with_pads_folded(const Program& program);

/// frozen(), and convolutions and their neighbours run on oneDNN with weights laid out once.
Program optimized_for_inference(const Program& loaded);

/// Parameters and buffers of floating-point numbers converted to bfloat16, parameters of four
/// dimensions also to channels-last, then frozen. Integers stay as they are. Changes `module`,
/// which must be a load of its own.
Program in_bfloat16(const torch::jit::Module& module, const InputSpec& input);

}  // namespace torchinfer
