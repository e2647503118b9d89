// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/listing.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/serialization/python_print.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include "model/text.h"
#include "torch/graph_view.h"
#include "torch/model_tree.h"

namespace torchinfer {
namespace {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;

/// Reads a method back as the Python that it was, or could have been.
std::string code_of(const torch::jit::Module& module, const std::string& method, bool inlined) {
  auto& function = graph_function(module, method);
  std::vector<c10::IValue> constants;
  torch::jit::PrintDepsTable types;
  torch::jit::PythonPrint printer(constants, types);
  if (inlined) {
    const GraphView view(module, method, true);
    torch::jit::GraphFunction copy(function.qualname(), view.graph().copy(), nullptr);
    copy.setSchema(function.getSchema());
    printer.printMethod(copy);
  } else {
    printer.printMethod(function);
  }
  return printer.str();
}

std::string in_dot(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '"' || c == '\\') safe += '\\';
    safe += c;
  }
  return "\"" + safe + "\"";
}

/// A drawing for graphviz: operators and what flows between them. Attributes and constants are not
/// drawn; the module whose weights an operator uses stands below its name.
class Drawing {
 public:
  explicit Drawing(const GraphView& view) : view_(view) {}

  std::string draw(const std::string& title) {
    text_ << "digraph " << in_dot(title) << " {\n"
          << "  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n";
    const auto inputs = view_.graph().inputs();
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      add("shape=ellipse, label=" + in_dot(inputs[i]->debugName()), "  ");
      from_[inputs[i]] = last_;
    }
    draw(*view_.graph().block(), "  ");
    add("shape=ellipse, label=\"output\"", "  ");
    for (const auto* output : view_.graph().outputs()) connect(output);
    return text_.str() + edges_.str() + "}\n";
  }

 private:
  void draw(const Block& block, const std::string& indent) {
    for (const auto* node : block.nodes()) draw(*node, indent);
  }

  void draw(const Node& node, const std::string& indent) {
    const auto kind = node.kind();
    if (kind == c10::prim::Constant || kind == c10::prim::GetAttr) return;
    if (kind == c10::prim::ListConstruct &&
        std::ranges::none_of(node.inputs(), [this](auto* input) { return from_.contains(input); }))
      return;  // of constants: strides and the like
    add("label=" + in_dot(label_of(node)), indent);
    for (const auto* input : node.inputs()) connect(input);
    const auto place = last_;
    for (const auto* block : node.blocks()) {
      text_ << indent << "subgraph cluster_" << ++clusters_ << " {\n";
      for (const auto* input : block->inputs()) from_[input] = place;
      draw(*block, indent + "  ");
      text_ << indent << "}\n";
      for (const auto* output : block->outputs())
        if (const auto found = from_.find(output); found != from_.end() && found->second != place)
          edges_ << "  n" << found->second << " -> n" << place << " [style=dashed];\n";
    }
    for (const auto* output : node.outputs()) from_[output] = place;
  }

  std::string label_of(const Node& node) const {
    std::string label = node.kind().toQualString();
    if (label.starts_with("aten::") || label.starts_with("prim::")) label.erase(0, 6);
    if (node.kind() == c10::prim::CallMethod) {
      label = node.s(c10::attr::name);
      if (const auto type = node.input(0)->type()->cast<c10::ClassType>(); type && type->name())
        label = plain_type_name(type->name()->qualifiedName()) + "." + label;
    }
    for (const auto* input : node.inputs()) {
      auto path = view_.path_of(input);
      if (path.empty()) continue;
      // Of layer1.0.conv1.weight, the module.
      if (node.kind() != c10::prim::CallMethod) path.erase(std::min(path.rfind('.'), path.size()));
      if (!path.empty()) return label + "\n" + path;
    }
    return label;
  }

  void add(const std::string& attributes, const std::string& indent) {
    text_ << indent << 'n' << ++last_ << " [" << with_escaped_lines(attributes) << "];\n";
  }

  static std::string with_escaped_lines(std::string text) {
    for (auto at = text.find('\n'); at != text.npos; at = text.find('\n', at))
      text.replace(at, 1, "\\n");
    return text;
  }

  void connect(const Value* value) {
    if (const auto found = from_.find(value); found != from_.end())
      edges_ << "  n" << found->second << " -> n" << last_ << ";\n";
  }

  const GraphView& view_;
  std::ostringstream text_;
  std::ostringstream edges_;  ///< written last: inside a cluster they would draw their ends into it
  std::map<const Value*, int> from_;  ///< the drawn node that a value comes from
  int last_ = 0;
  int clusters_ = 0;
};

}  // namespace

Result<std::string> list_method(const torch::jit::Module& model, const ListingRequest& request) {
  const auto part = find_part(model, request.module);
  if (!part) return part.status();
  if (!part->find_method(request.method)) {
    std::string there;
    for (const auto& method : part->get_methods())
      there += (there.empty() ? "; it has " : ", ") + method.name();
    return Status(Code::kInvalidArgument,
                  (request.module.empty() ? "the model"
                                          : "its module " + torchinfer::quoted(request.module)) +
                      " has no method " + torchinfer::quoted(request.method) + there);
  }
  switch (request.form) {
    case ListingRequest::Form::kGraph:
      return GraphView(*part, request.method, request.inlined).graph().toString(false);
    case ListingRequest::Form::kCode: return code_of(*part, request.method, request.inlined);
    case ListingRequest::Form::kDot: break;
  }
  const GraphView view(*part, request.method, request.inlined);
  return Drawing(view).draw(request.module.empty() ? request.method
                                                   : request.module + "." + request.method);
}

}  // namespace torchinfer
