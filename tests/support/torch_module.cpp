// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/torch_module.h"

#include <random>
#include <stdexcept>

#include "engine/module.h"
#include "test_models.h"

namespace torchinfer::test {
namespace {

template <class T>
T value_or_throw(Result<T> result) {
  if (!result)
    throw std::runtime_error(std::string(to_string(result.status().code())) + ": " +
                             result.status().message() + "\n" + result.status().detail());
  return std::move(result).value();
}

std::size_t plane_size(const InputSpec& input) {
  return static_cast<std::size_t>(input.height) * static_cast<std::size_t>(input.width);
}

}  // namespace

BackEnd& torch_back_end() { return *value_or_throw(open_back_end()); }

ModelFile model_file(const std::string& name) {
  return value_or_throw(read_model_file(std::string(TEST_MODELS_DIR) + "/" + name + ".pt", {}, {}));
}

ModelFile model_file_of(std::string bytes) {
  ModelFile file;
  file.path = "made-up.pt";
  const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
  file.bytes = std::make_shared<const Bytes>(data, data + bytes.size());
  return file;
}

std::string bytes_of(const ModelFile& file) {
  return {reinterpret_cast<const char*>(file.bytes->data()), file.bytes->size()};
}

LoadOptions load_options(int batch_size) {
  LoadOptions options;
  options.input = {DType::kFloat32, Layout::kNchw, 3, 32, 32};
  options.batch_size = batch_size;
  return options;
}

Result<std::shared_ptr<Model>> load(const std::string& name, const LoadOptions& options) {
  return torch_back_end().load(model_file(name), options);
}

Task staged_task(const InputSpec& input, const std::function<void(std::byte*)>& fill) {
  Task task;
  task.block = value_or_throw(BlockPool::create(input.bytes())->take());
  fill(task.block.data());
  return task;
}

Task plain_image(const InputSpec& input, std::span<const float> channels) {
  return staged_task(input, [&](std::byte* data) {
    auto* numbers = reinterpret_cast<float*>(data);
    for (const float channel : channels) numbers = std::fill_n(numbers, plane_size(input), channel);
  });
}

Task noise_image(const InputSpec& input, unsigned seed) {
  return staged_task(input, [&](std::byte* data) {
    std::minstd_rand random(seed + 1);
    std::uniform_real_distribution<float> value(-1.0F, 1.0F);
    auto* numbers = reinterpret_cast<float*>(data);
    const auto count = plane_size(input) * static_cast<std::size_t>(input.channels);
    for (std::size_t i = 0; i < count; ++i) numbers[i] = value(random);
  });
}

Rows run(Lane& lane, std::span<Task> tasks) {
  Rows rows(tasks.size());
  const auto status = lane.run(tasks, rows);
  if (!status.ok()) throw std::runtime_error(status.message());
  return rows;
}

}  // namespace torchinfer::test
