// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever numbers a model gives, they are refused with a text or become scores in 0..1, best
// first. The first three bytes choose type, activation and top-k; the rest is the tensor.
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "decode/decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace torchinfer;
  if (size < 4) return 0;
  auto info = std::make_shared<ModelInfo>();
  info->decode.activation = static_cast<Activation>(data[1] % 3);
  DecodePlan plan{info, data[2], 0.0F};
  TensorView output;
  output.dtype = static_cast<DType>(data[0] % 9);
  output.dims.push_back(static_cast<std::int64_t>((size - 3) / size_of(output.dtype)));
  output.host = reinterpret_cast<const std::byte*>(data + 3);
  std::vector<Class> classes;
  const Status status = decode_classification(plan, {&output, 1}, classes);
  if (!status.ok()) {
    if (status.message().empty() || !classes.empty()) std::abort();
    return 0;
  }
  float last = 1.0F;
  for (const auto& item : classes) {
    if (!(item.score >= 0.0F && item.score <= last)) std::abort();
    if (item.index < 0 || item.index >= output.dims[0]) std::abort();
    last = item.score;
  }
  return 0;
}
