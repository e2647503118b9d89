// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/outputs.h"

#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include <utility>

#include "model/text.h"

namespace torchinfer {
namespace {

std::string shape_of(const at::Tensor& tensor) {
  std::string text = "[";
  for (const auto size : tensor.sizes())
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

Status bad(const std::string& name, const std::string& what) {
  return {Code::kBadOutput, "the model's output " + torchinfer::quoted(name) + " " + what};
}

std::string position(std::size_t index) { return "output_" + std::to_string(index); }

/// Takes the tensors out of `value`, without touching them.
class Collector {
 public:
  Status collect(c10::IValue&& value) {
    const auto type = value.tagKind();
    if (value.isTensor()) return add(position(0), std::move(value));
    if (value.isTuple()) return collect_tuple(value);
    if (value.isTensorList() || value.isList()) {
      std::size_t index = 0;
      for (const c10::IValue& element : value.toListRef())
        if (auto status = add(position(index++), c10::IValue(element)); !status.ok()) return status;
      return {};
    }
    if (value.isGenericDict()) {
      for (const auto& entry : value.toGenericDict()) {
        if (!entry.key().isString())
          return {Code::kBadOutput, "the model returns a dict whose keys are " +
                                        entry.key().tagKind() +
                                        ", not strings; return tensors by "
                                        "name, or a tuple"};
        if (auto status = add(entry.key().toStringRef(), c10::IValue(entry.value())); !status.ok())
          return status;
      }
      return {};
    }
    return {Code::kBadOutput, "the model returns a value of type " + type +
                                  "; it must be a tensor, a tuple or list of tensors, or a dict "
                                  "from names to tensors"};
  }
  Outputs take() { return std::move(outputs_); }

 private:
  Status collect_tuple(const c10::IValue& value) {
    const auto& tuple = value.toTupleRef();
    const auto type = tuple.type();
    const auto& schema = type->schema();
    for (std::size_t i = 0; i < tuple.elements().size(); ++i) {
      // Models with auxiliary heads (torchvision's GoogLeNet) return None for those not in use.
      if (tuple.elements()[i].isNone()) continue;
      const auto name = schema ? schema->arguments().at(i).name() : position(i);
      if (auto status = add(name, c10::IValue(tuple.elements()[i])); !status.ok()) return status;
    }
    return {};
  }

  Status add(std::string name, c10::IValue&& value) {
    if (!value.isTensor())
      return bad(name, "is a " + value.tagKind() +
                           ", not a tensor; nested results must be "
                           "flattened by a module around the model");
    outputs_.push_back({std::move(name), std::move(value).toTensor()});
    return {};
  }

  Outputs outputs_;
};

/// Host memory, strided, contiguous, of a type that can be handed on, and nobody else's.
Status make_plain(Output& output) {
  auto& tensor = output.tensor;
  if (!tensor.defined()) return bad(output.name, "is an undefined tensor");
  if (tensor.is_quantized()) tensor = tensor.dequantize();
  if (tensor.layout() != at::kStrided) tensor = tensor.to_dense();
  if (tensor.scalar_type() == at::kBool) tensor = tensor.to(at::kByte);
  if (!to_dtype(tensor.scalar_type()))
    return bad(output.name, std::string("has elements of type ") +
                                c10::toString(tensor.scalar_type()) +
                                ", which cannot be handed on; convert it in the model");
  if (tensor.device() != at::kCPU) tensor = tensor.to(at::kCPU);
  tensor = tensor.contiguous();
  // The input's memory is used again for the next batch, and what the model keeps may change.
  if (tensor.use_count() > 1 || tensor.storage().use_count() > 1) tensor = tensor.clone();
  return {};
}

Status check_batch(const Output& output, std::int64_t batch) {
  const auto& tensor = output.tensor;
  if (tensor.dim() >= 1 && tensor.size(0) == batch) return {};
  const auto given =
      tensor.dim() == 0 ? std::string("is a single number") : "has the shape " + shape_of(tensor);
  return bad(output.name, given + " for a batch of " + std::to_string(batch) +
                              "; its first dimension must be the batch, one row for each image");
}

}  // namespace

std::optional<DType> to_dtype(at::ScalarType type) {
  switch (type) {
    case at::kByte: return DType::kUint8;
    case at::kChar: return DType::kInt8;
    case at::kShort: return DType::kInt16;
    case at::kInt: return DType::kInt32;
    case at::kLong: return DType::kInt64;
    case at::kHalf: return DType::kFloat16;
    case at::kBFloat16: return DType::kBfloat16;
    case at::kFloat: return DType::kFloat32;
    case at::kDouble: return DType::kFloat64;
    default: return std::nullopt;
  }
}

at::ScalarType to_scalar_type(DType dtype) {
  switch (dtype) {
    case DType::kUint8: return at::kByte;
    case DType::kInt8: return at::kChar;
    case DType::kInt16: return at::kShort;
    case DType::kInt32: return at::kInt;
    case DType::kInt64: return at::kLong;
    case DType::kFloat16: return at::kHalf;
    case DType::kBfloat16: return at::kBFloat16;
    case DType::kFloat32: return at::kFloat;
    case DType::kFloat64: return at::kDouble;
  }
  return at::kFloat;
}

Result<Outputs> read_outputs(c10::IValue&& value, std::int64_t batch) {
  Collector collector;
  if (auto status = collector.collect(std::move(value)); !status.ok()) return status;
  // From here on only the collected handles should hold the tensors; more holders mean aliases.
  value = c10::IValue();
  auto outputs = collector.take();
  if (outputs.empty()) return Status(Code::kBadOutput, "the model returns no tensor at all");
  for (auto& output : outputs) {
    if (auto status = make_plain(output); !status.ok()) return status;
    if (auto status = check_batch(output, batch); !status.ok()) return status;
  }
  return outputs;
}

void fill_rows(Outputs&& outputs, std::span<std::vector<TensorView>> rows) {
  const auto owner = std::make_shared<const Outputs>(std::move(outputs));
  for (auto& row : rows) row.resize(owner->size());
  for (std::size_t i = 0; i < owner->size(); ++i) {
    const auto& [name, tensor] = (*owner)[i];
    const auto* data = static_cast<const std::byte*>(tensor.const_data_ptr());
    const auto row_bytes = tensor.nbytes() / rows.size();
    for (auto& row : rows) {
      auto& view = row[i];
      view.name = name;
      view.dtype = *to_dtype(tensor.scalar_type());
      view.dims.assign(tensor.sizes().begin() + 1, tensor.sizes().end());
      view.host = data;
      view.owner = owner;
      data += row_bytes;
    }
  }
}

}  // namespace torchinfer
