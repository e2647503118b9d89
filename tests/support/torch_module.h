// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/input_spec.h"
#include "engine/back_end.h"

namespace torchinfer::test {

/// The real back-end module, opened as the engine opens it. Throws where that fails.
BackEnd& torch_back_end();

/// A generated model by its name in tests/models, and bytes that claim to be one.
ModelFile model_file(const std::string& name);
ModelFile model_file_of(std::string bytes);
std::string bytes_of(const ModelFile& file);

/// Float32 images of 3 x 32 x 32, NCHW, one thread, batch size 1.
LoadOptions load_options(int batch_size = 1);

Result<std::shared_ptr<Model>> load(const std::string& name,
                                    const LoadOptions& options = load_options());

/// A staged task whose block holds what `fill` writes.
Task staged_task(const InputSpec& input, const std::function<void(std::byte*)>& fill);

/// A float32 image with one value per channel.
Task plain_image(const InputSpec& input, std::span<const float> channels);
/// The same with reproducible noise, another one for each `seed`.
Task noise_image(const InputSpec& input, unsigned seed);

using Rows = std::vector<std::vector<TensorView>>;
/// One batch; throws where the lane fails.
Rows run(Lane& lane, std::span<Task> tasks);

template <class T>
std::vector<T> values(const TensorView& view) {
  std::size_t count = 1;
  for (const auto dim : view.dims) count *= static_cast<std::size_t>(dim);
  std::vector<T> numbers(count);
  std::memcpy(numbers.data(), view.host, count * sizeof(T));
  return numbers;
}

}  // namespace torchinfer::test
