// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/tensor_view.h"

namespace torchinfer {

enum class Layout : std::uint8_t { kNchw, kNhwc };

/// The tensor a model takes for one item (the batch dimension is left out). channels is 1 or 3;
/// height and width in pixels, >= 1; dtype is float32, float16, bfloat16 or uint8.
struct InputSpec {
  DType dtype = DType::kFloat32;
  Layout layout = Layout::kNchw;
  int channels = 3;
  int height = 0;
  int width = 0;

  /// Bytes of one item.
  std::size_t bytes() const {
    return size_of(dtype) * static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(width);
  }
  bool operator==(const InputSpec&) const = default;
};

}  // namespace torchinfer
