// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace torchinfer {

/// A method's graph, with what its values are where that is known without running it. Of one
/// thread. Throws what libtorch throws.
class GraphView {
 public:
  /// `inlined`: a copy into which all that it calls has been put; else the method's own graph,
  /// which must not be changed.
  GraphView(torch::jit::Module module, const std::string& method, bool inlined);

  torch::jit::Graph& graph() const { return *graph_; }
  /// Calls `look` for every node, those of inner blocks too, in order.
  void for_each(const std::function<void(const torch::jit::Node&)>& look) const;

  /// Of a constant, or of an attribute that a chain of attributes of the module leads to.
  std::optional<c10::IValue> value_of(const torch::jit::Value* value) const;
  std::optional<bool> bool_of(const torch::jit::Value* value) const;
  /// Of a list of numbers, that are known or not.
  std::vector<std::optional<std::int64_t>> ints_of(const torch::jit::Value* value) const;
  /// The dotted name of such an attribute or module; empty: it is none.
  std::string path_of(const torch::jit::Value* value) const;

 private:
  torch::jit::Module module_;
  std::shared_ptr<torch::jit::Graph> graph_;
};

/// Whether a node is a convolution of images, of whatever kind.
bool is_convolution(const torch::jit::Node& node);

/// The graph function of a method, of which `module` has one of that name.
torch::jit::GraphFunction& graph_function(const torch::jit::Module& module,
                                          const std::string& method);

}  // namespace torchinfer
