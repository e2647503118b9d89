// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/graph_view.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <string_view>
#include <utility>

namespace torchinfer {
namespace {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;

void visit(const Block& block, const std::function<void(const Node&)>& look) {
  for (const auto* node : block.nodes()) {
    look(*node);
    for (const auto* inner : node->blocks()) visit(*inner, look);
  }
}

}  // namespace

torch::jit::GraphFunction& graph_function(const torch::jit::Module& module,
                                          const std::string& method) {
  return torch::jit::toGraphFunction(module.get_method(method).function());
}

GraphView::GraphView(torch::jit::Module module, const std::string& method, bool inlined)
    : module_(std::move(module)), graph_(graph_function(module_, method).graph()) {
  if (!inlined) return;
  graph_ = graph_->copy();
  torch::jit::Inline(*graph_);
}

void GraphView::for_each(const std::function<void(const Node&)>& look) const {
  visit(*graph_->block(), look);
}

std::optional<c10::IValue> GraphView::value_of(const Value* value) const {
  const auto* node = value->node();
  if (value == graph_->inputs().at(0)) return c10::IValue(module_._ivalue());
  if (node->kind() == c10::prim::Constant) return torch::jit::toIValue(value);
  if (node->kind() != c10::prim::GetAttr) return std::nullopt;
  const auto owner = value_of(node->input());
  if (!owner || !owner->isObject()) return std::nullopt;
  const auto object = owner->toObject();
  const auto slot = object->type()->findAttributeSlot(node->s(c10::attr::name));
  if (!slot) return std::nullopt;
  return object->getSlot(*slot);
}

std::optional<bool> GraphView::bool_of(const Value* value) const {
  const auto known = value_of(value);
  if (!known || !known->isBool()) return std::nullopt;
  return known->toBool();
}

std::vector<std::optional<std::int64_t>> GraphView::ints_of(const Value* value) const {
  std::vector<std::optional<std::int64_t>> numbers;
  if (const auto known = value_of(value); known && known->isIntList()) {
    for (const auto number : known->toIntVector()) numbers.emplace_back(number);
  } else if (value->node()->kind() == c10::prim::ListConstruct) {
    for (const auto* element : value->node()->inputs()) {
      const auto number = value_of(element);
      numbers.push_back(number && number->isInt() ? std::optional(number->toInt()) : std::nullopt);
    }
  }
  return numbers;
}

std::string GraphView::path_of(const Value* value) const {
  const auto* node = value->node();
  if (node->kind() != c10::prim::GetAttr) return {};
  const auto above = path_of(node->input());
  return above.empty() ? node->s(c10::attr::name) : above + "." + node->s(c10::attr::name);
}

bool is_convolution(const Node& node) {
  const std::string_view name = node.kind().toQualString();
  return name == "aten::_convolution" || name == "aten::convolution" || name == "aten::conv2d" ||
         name == "aten::conv_transpose2d" || name.starts_with("quantized::conv2d");
}

}  // namespace torchinfer
