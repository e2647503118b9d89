// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/status.h"
#include "engine/inspection.h"

namespace torchinfer {

/// A qualified name as people know it, without what TorchScript adds to tell types apart:
/// "torchvision.models.resnet.BasicBlock".
std::string plain_type_name(const std::string& qualified_name);

/// "forward(x: Tensor) -> Tensor".
std::string schema_text(const torch::jit::Function& method);

/// What a walk over a module's attributes finds.
struct ModelTree {
  std::vector<PartFacts> parts;  ///< depth first
  std::map<std::string, std::int64_t> dtypes;
  std::size_t packed = 0;  ///< attributes that hold weights in a form of a quantised engine
};

/// Fails with kUnsupported for a tree of more than 100,000 modules or one that holds itself.
Result<ModelTree> walk_tree(const torch::jit::Module& module);

/// The module at a dotted path. kInvalidArgument names what there is instead.
Result<torch::jit::Module> find_part(const torch::jit::Module& module, const std::string& path);

}  // namespace torchinfer
