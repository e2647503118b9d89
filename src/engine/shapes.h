// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor_view.h"

namespace torchinfer {

/// A tensor's type and shape as users read it: float32[1000].
inline std::string shape_text(DType dtype, const std::vector<std::int64_t>& dims) {
  std::string text;
  for (const auto dim : dims) text += (text.empty() ? "" : ",") + std::to_string(dim);
  return std::string(to_string(dtype)) + "[" + text + "]";
}

/// Whether a tensor has the shape it shall have, in which -1 is any size.
inline bool has_shape(const std::vector<std::int64_t>& dims,
                      const std::vector<std::int64_t>& wanted) {
  return std::equal(dims.begin(), dims.end(), wanted.begin(), wanted.end(),
                    [](std::int64_t dim, std::int64_t any) { return any == -1 || any == dim; });
}

}  // namespace torchinfer
