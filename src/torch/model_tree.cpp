// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/model_tree.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "model/text.h"

namespace torchinfer {
namespace {

constexpr std::size_t kMostParts = 100'000;
constexpr std::size_t kDeepest = 128;

struct Stored {
  std::int64_t numbers = 0, bytes = 0;
};

/// Distinct tensors, so that shared ones count once.
using Tensors = std::set<at::Tensor, bool (*)(const at::Tensor&, const at::Tensor&)>;

bool by_identity(const at::Tensor& a, const at::Tensor& b) {
  return a.unsafeGetTensorImpl() < b.unsafeGetTensorImpl();
}

Stored sum(const Tensors& tensors) {
  Stored stored;
  for (const auto& tensor : tensors) {
    stored.numbers += tensor.numel();
    stored.bytes += tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
  }
  return stored;
}

std::string dtype_name(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat: return "float32";
    case at::kDouble: return "float64";
    case at::kHalf: return "float16";
    case at::kByte: return "uint8";
    case at::kChar: return "int8";
    case at::kShort: return "int16";
    case at::kInt: return "int32";
    case at::kLong: return "int64";
    default: {
      std::string name = c10::toString(tensor.scalar_type());
      std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      return name;
    }
  }
}

/// A layer's weights and bias that a quantised engine has packed, as libtorch gives them back.
void add_packed(const c10::IValue& layer, Tensors& parameters) {
  const auto type = layer.toObjectRef().type();
  if (!type->name()->qualifiedName().starts_with("__torch__.torch.classes.quantized.")) return;
  auto* unpack = type->findMethod("unpack");
  if (unpack == nullptr) return;
  const auto parts = (*unpack)({layer});
  if (!parts.isTuple()) return;
  for (const auto& part : parts.toTupleRef().elements())
    if (part.isTensor() && part.toTensor().defined()) parameters.insert(part.toTensor());
}

class Walk {
 public:
  Status visit(const torch::jit::Module& module, const std::string& path, Tensors& parameters,
               Tensors& buffers) {
    const auto* object = module._ivalue().get();
    if (tree.parts.size() >= kMostParts || above_.size() >= kDeepest ||
        std::ranges::find(above_, object) != above_.end())
      return {Code::kUnsupported, "the model's tree of modules has more than " +
                                      std::to_string(kMostParts) + " parts, is deeper than " +
                                      std::to_string(kDeepest) + ", or holds itself"};
    above_.push_back(object);
    const auto place = tree.parts.size();
    tree.parts.emplace_back();
    tree.parts[place].path = path;
    tree.parts[place].type = plain_type_name(module.type()->name()->qualifiedName());
    for (const auto& method : module.get_methods())
      tree.parts[place].methods.push_back({method.name(), schema_text(method.function())});
    if (auto status = visit_attributes(module, path, parameters, buffers); !status.ok())
      return status;
    const auto weights = sum(parameters), others = sum(buffers);
    auto& part = tree.parts[place];
    part.parameters = weights.numbers;
    part.parameter_bytes = weights.bytes;
    part.buffers = others.numbers;
    part.buffer_bytes = others.bytes;
    above_.pop_back();
    return {};
  }

  ModelTree tree;

 private:
  Status visit_attributes(const torch::jit::Module& module, const std::string& path,
                          Tensors& parameters, Tensors& buffers) {
    const auto& type = module.type();
    for (std::size_t i = 0; i < type->numAttributes(); ++i) {
      const auto value = module._ivalue()->getSlot(i);
      const auto name = type->getAttributeName(i);
      if (value.isTensor()) {
        if (value.toTensor().defined())
          (type->is_parameter(i) ? parameters : buffers).insert(value.toTensor());
      } else if (value.isModule()) {
        Tensors own_parameters(&by_identity), own_buffers(&by_identity);
        const auto status = visit(value.toModule(), path.empty() ? name : path + "." + name,
                                  own_parameters, own_buffers);
        if (!status.ok()) return status;
        parameters.merge(own_parameters);
        buffers.merge(own_buffers);
      } else if (value.isCustomClass()) {
        ++tree.packed;
        add_packed(value, parameters);
      }
    }
    return {};
  }

  std::vector<const c10::ivalue::Object*> above_;
};

std::string children_of(const torch::jit::Module& module) {
  std::vector<std::string> names;
  for (const auto& child : module.named_children()) names.push_back(child.name);
  if (names.empty()) return "it has none";
  std::string text = "it has ";
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 20); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  return text + (names.size() > 20 ? ", ..." : "");
}

}  // namespace

std::string plain_type_name(const std::string& qualified_name) {
  std::string plain;
  std::string_view rest = qualified_name;
  while (!rest.empty()) {
    const auto atom = rest.substr(0, rest.find('.'));
    rest.remove_prefix(std::min(rest.size(), atom.size() + 1));
    if (atom == "__torch__" || atom.starts_with("___torch_mangle_")) continue;
    if (!plain.empty()) plain += '.';
    plain += atom;
  }
  return plain;
}

std::string schema_text(const torch::jit::Function& method) {
  const auto& schema = method.getSchema();
  std::ostringstream text;
  text << method.name() << '(';
  // The first argument of a method is the module itself.
  for (std::size_t i = 1; i < schema.arguments().size(); ++i) {
    const auto& argument = schema.arguments()[i];
    text << (i == 1 ? "" : ", ") << argument.name() << ": " << argument.type()->annotation_str();
    if (argument.default_value()) text << " = " << *argument.default_value();
  }
  text << ") -> ";
  if (schema.returns().size() == 1)
    text << schema.returns().front().type()->annotation_str();
  else
    text << schema.returns().size() << " values";
  return text.str();
}

Result<ModelTree> walk_tree(const torch::jit::Module& module) {
  Walk walk;
  Tensors parameters(&by_identity), buffers(&by_identity);
  if (auto status = walk.visit(module, {}, parameters, buffers); !status.ok()) return status;
  for (const auto* tensors : {&parameters, &buffers})
    for (const auto& tensor : *tensors) walk.tree.dtypes[dtype_name(tensor)] += tensor.numel();
  return std::move(walk.tree);
}

Result<torch::jit::Module> find_part(const torch::jit::Module& module, const std::string& path) {
  auto part = module;
  std::string walked;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string name(rest.substr(0, rest.find('.')));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const auto slot = part.type()->findAttributeSlot(name);
    if (!slot || !part._ivalue()->getSlot(*slot).isModule())
      return Status(Code::kInvalidArgument,
                    (walked.empty() ? "the model" : "its module " + torchinfer::quoted(walked)) +
                        " has no module " + torchinfer::quoted(name) + "; " + children_of(part));
    walked += (walked.empty() ? "" : ".") + name;
    part = part._ivalue()->getSlot(*slot).toModule();
  }
  return part;
}

}  // namespace torchinfer
