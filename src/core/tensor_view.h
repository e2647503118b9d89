// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/export.h"

namespace torchinfer {

/// Element types of tensors; the names of to_string() are those of GStreamer's model info files.
enum class DType : std::uint8_t {
  kUint8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat16,
  kBfloat16,
  kFloat32,
  kFloat64
};

/// Size of one element in bytes.
TORCHINFER_API std::size_t size_of(DType dtype);
TORCHINFER_API std::string_view to_string(DType dtype);

/// One output of one item (no batch dimension), C-contiguous in host memory. `owner` keeps `host`
/// alive.
struct TensorView {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<std::int64_t> dims;
  const std::byte* host = nullptr;
  std::shared_ptr<const void> owner;
};

}  // namespace torchinfer
