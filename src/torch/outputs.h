// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"
#include "core/tensor_view.h"

namespace torchinfer {

/// One output of a batch: C-contiguous, in host memory, its first dimension the batch.
struct Output {
  std::string name;
  at::Tensor tensor;
};
using Outputs = std::vector<Output>;

/// Our name of a libtorch element type; none for those that cannot be handed on.
std::optional<DType> to_dtype(at::ScalarType type);
at::ScalarType to_scalar_type(DType dtype);

/// Reads what forward() returned: a tensor, a tuple or list of tensors (entries that are None are
/// left out), or a dict of them by name. Names are the dict's keys, a named tuple's fields, or
/// output_0, output_1, ... by position. bool becomes uint8, quantised tensors float32, other
/// layouts strided. No tensor of the result shares memory with anything but `value`'s own other
/// tensors: where the model handed out its input or something it keeps, the result is a copy.
/// kBadOutput says which output is not as it should be. May throw what libtorch throws.
Result<Outputs> read_outputs(c10::IValue&& value, std::int64_t batch);

/// Makes rows[i] the i-th row of each output; the views share ownership of all of the batch's
/// tensors. What rows[i] held before is overwritten and its memory used again: in steady state one
/// allocation a batch.
void fill_rows(Outputs&& outputs, std::span<std::vector<TensorView>> rows);

}  // namespace torchinfer
