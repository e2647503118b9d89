// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/program.h"

#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/serialization/import.h>

#include "model/text.h"
#include "torch/archive.h"
#include "torch/errors.h"

namespace torchinfer {
namespace {

torch::jit::Module freeze_module(const torch::jit::Module& module) {
  if (module.hasattr("training")) return torch::jit::freeze(module);
  return module;  // saved frozen
}

/// For passes that change code in place: freezing makes a copy, but not of what was saved frozen.
torch::jit::Module frozen_copy(const torch::jit::Module& module) {
  return module.hasattr("training") ? freeze_module(module) : module.clone();
}

/// Module::to() would convert indices and counters too.
void convert_to_bfloat16(const torch::jit::Module& module) {
  const auto convert = [](const at::Tensor& tensor) {
    if (tensor.is_floating_point()) tensor.set_data(tensor.to(at::kBFloat16));
  };
  for (const auto& parameter : module.parameters()) convert(parameter);
  for (const auto& buffer : module.buffers()) convert(buffer);
}

}  // namespace

Result<Outputs> Program::run(at::Tensor input) const {
  using R = Result<Outputs>;
  return guarded(Code::kForwardFailed, "the model failed", [&]() -> R {
    const c10::InferenceMode no_gradients;
    const auto batch = input.size(0);
    if (bfloat16_ && input.scalar_type() == at::kFloat) input = input.to(at::kBFloat16);
    if (channels_last_) input = input.contiguous(at::MemoryFormat::ChannelsLast);
    // forward() is not const, though it changes nothing but what the model itself changes.
    auto module = module_;
    auto outputs = read_outputs(module.forward({std::move(input)}), batch);
    if (outputs && bfloat16_)
      for (auto& output : *outputs)
        if (output.tensor.scalar_type() == at::kBFloat16)
          output.tensor = output.tensor.to(at::kFloat);
    return outputs;
  });
}

Result<torch::jit::Module> read_module(const Archive& archive, const std::string& path) {
  using R = Result<torch::jit::Module>;
  auto loaded = guarded(Code::kCorruptModel, quoted_path(path) + " cannot be loaded", [&]() -> R {
    const c10::InferenceMode no_gradients;
    return torch::jit::load(archive.adapter(), at::Device(at::kCPU));
  });
  if (!loaded && loaded.status().detail().find("Unknown builtin op") != std::string::npos)
    return Status(
        Code::kUnsupported,
        loaded.status().message() +
            " (an operator that this libtorch has not; it comes from an extension such as "
            "torchvision's, or from another version)",
        loaded.status().detail());
  return loaded;
}

void set_evaluation_mode(const torch::jit::Module& module) {
  // Module::eval() refuses modules that have been frozen before they were saved: they have no flag
  // to turn off.
  for (const auto& part : module.modules())
    if (const auto slot = part.type()->findAttributeSlot("training"))
      part._ivalue()->setSlot(*slot, false);
}

Result<torch::jit::Module> load_module(const Archive& archive, const std::string& path) {
  auto module = read_module(archive, path);
  if (module) set_evaluation_mode(*module);
  return module;
}

Program as_loaded(torch::jit::Module module) { return Program(std::move(module)); }

Program frozen(const Program& loaded) {
  const c10::InferenceMode no_gradients;
  return Program(freeze_module(loaded.module_));
}

FoldedProgram with_pads_folded(const Program& program) {
  const c10::InferenceMode no_gradients;
  FoldedProgram folded{program, {}};
  folded.program.module_ = frozen_copy(program.module_);
  folded.pads = fold_pads(folded.program.module_.get_method("forward").graph());
  return folded;
}

Program optimized_for_inference(const Program& loaded) {
  const c10::InferenceMode no_gradients;
  auto module = frozen_copy(loaded.module_);
  return Program(torch::jit::optimize_for_inference(module));
}

Program in_bfloat16(const torch::jit::Module& module, const InputSpec& input) {
  const c10::InferenceMode no_gradients;
  convert_to_bfloat16(module);
  for (auto parameter : module.parameters())
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  Program program(freeze_module(module));
  program.bfloat16_ = true;
  program.channels_last_ = input.layout == Layout::kNchw;
  return program;
}

}  // namespace torchinfer
