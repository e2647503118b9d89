// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/graph_scan.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>

#include "model/text.h"
#include "torch/forbidden.h"

namespace torchinfer {
namespace {

using torch::jit::AttributeKind;

/// What is looked for, over all graphs.
class Scan {
 public:
  void visit(const torch::jit::Block& block) {
    for (const auto* node : block.nodes()) {
      look_at(*node);
      for (const auto* inner : node->blocks()) visit(*inner);
      for (const auto name : node->attributeNames()) {
        if (node->kindOf(name) == AttributeKind::g) visit(*node->g(name)->block());
        if (node->kindOf(name) == AttributeKind::gs)
          for (const auto& graph : node->gs(name)) visit(*graph->block());
      }
    }
  }

  std::string forbidden;
  GraphFacts facts;

 private:
  void look_at(const torch::jit::Node& node) {
    const std::string name = node.kind().toQualString();
    if (is_forbidden_operator(name)) forbidden = name;
    for (const auto* output : node.outputs())
      if (const auto type = output->type()->cast<c10::NamedType>(); type && type->name())
        if (has_forbidden_class(type->name()->qualifiedName()))
          forbidden = type->name()->qualifiedName();
    if (node.kind() == c10::prim::Constant && node.hasAttribute(c10::attr::value) &&
        node.output()->type()->kind() == c10::TypeKind::DeviceObjType &&
        node.kindOf(c10::attr::value) == AttributeKind::s)
      add_device(node.s(c10::attr::value));
  }

  void add_device(const std::string& device) {
    auto& devices = facts.pinned_devices;
    if (device != "cpu" && std::ranges::find(devices, device) == devices.end())
      devices.push_back(device);
  }
};

Status check_signature(const torch::jit::Module& module, const std::string& path) {
  const auto method = module.find_method("forward");
  if (!method)
    return {Code::kUnsupported, "the model in " + quoted_path(path) +
                                    " has no method forward(); export it with one, or a module "
                                    "around it that has one"};
  // The first argument is the module itself.
  const auto& arguments = method->function().getSchema().arguments();
  const bool one_is_needed = arguments.size() >= 2 &&
                             std::all_of(arguments.begin() + 2, arguments.end(), [](const auto& a) {
                               return a.default_value().has_value();
                             });
  if (!one_is_needed)
    return {Code::kUnsupported, "forward() of the model in " + quoted_path(path) + " takes " +
                                    std::to_string(arguments.size() - 1) +
                                    " arguments; models of one image tensor are supported. Export "
                                    "a module around it that fills in the others"};
  const auto& type = arguments[1].type();
  if (!c10::TensorType::get()->isSubtypeOf(*type))
    return {Code::kUnsupported, "forward() of the model in " + quoted_path(path) + " takes a " +
                                    type->annotation_str() +
                                    "; models of one image tensor (batch first) are supported"};
  return {};
}

}  // namespace

Result<GraphFacts> scan_graph(const torch::jit::Module& module, const std::string& path) {
  Scan scan;
  for (const auto* function : module._ivalue()->compilation_unit()->get_functions())
    if (function->isGraphFunction())
      scan.visit(*torch::jit::toGraphFunction(*function).graph()->block());
  if (!scan.forbidden.empty())
    return Status(Code::kForbiddenOperator,
                  "the model in " + quoted_path(path) + " uses " + scan.forbidden +
                      ", which reads or writes files or the network; such models are refused");
  if (auto status = check_signature(module, path); !status.ok()) return status;
  return std::move(scan.facts);
}

}  // namespace torchinfer
