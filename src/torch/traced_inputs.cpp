// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/traced_inputs.h"

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/serialization/unpickler.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "torch/errors.h"

namespace torchinfer {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 20;

/// Hands a text to libtorch's unpickler in pieces of the size that it wants.
class Reader {
 public:
  explicit Reader(std::string text) : text_(std::move(text)) {}
  std::size_t operator()(char* out, std::size_t size) {
    size = std::min(size, text_.size() - at_);
    std::memcpy(out, text_.data() + at_, size);
    at_ += size;
    return size;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<std::int64_t> traced_input_shape(const Archive& archive) {
  std::vector<std::int64_t> shape;
  const auto status = guarded(Code::kCorruptModel, "the traced inputs", [&]() -> Status {
    const auto text = archive.text("traced_inputs.pkl", kLargest);
    if (!text) return text.status();
    // No classes are known, and storages stay empty: nobody asks for their numbers.
    torch::jit::Unpickler unpickler(
        Reader(*text), nullptr, nullptr, [](const std::string&) { return at::DataPtr(); },
        at::kCPU);
    const auto inputs = unpickler.parse_ivalue().toGenericDict().at("forward").toList();
    if (inputs.size() == 0 || !inputs.get(0).isTensor()) return {};
    shape = inputs.get(0).toTensor().sizes().vec();
    return {};
  });
  return status.ok() ? shape : std::vector<std::int64_t>();
}

}  // namespace torchinfer
