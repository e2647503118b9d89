// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/torch_model.h"

#include <algorithm>
#include <cstring>

#include "torch/errors.h"
#include "torch/self_test.h"

namespace torchinfer {
namespace {

/// A worker's seat: the batch buffer and the thread count are its own, the module is shared.
class TorchLane final : public Lane {
 public:
  static Result<std::unique_ptr<Lane>> make(std::shared_ptr<const LoadedModel> model) {
    using R = Result<std::unique_ptr<Lane>>;
    return guarded(Code::kInternal, "a worker could not be set up", [&]() -> R {
      set_lane_threads(model->threads);
      std::unique_ptr<TorchLane> lane(new TorchLane(std::move(model)));
      if (lane->needs_buffer(lane->model_->facts.batch_size)) {
        auto buffer = lane->pool_->take();
        if (!buffer) return buffer.status();
        lane->buffer_ = std::move(*buffer);
      }
      return std::unique_ptr<Lane>(std::move(lane));
    });
  }

  Status run(std::span<Task> tasks, std::span<std::vector<TensorView>> outputs) override {
    return guarded(Code::kForwardFailed, "the model failed",
                   [&]() -> Status { return run_batch(tasks, outputs); });
  }

 private:
  explicit TorchLane(std::shared_ptr<const LoadedModel> model)
      : model_(std::move(model)),
        pool_(BlockPool::create(model_->input.bytes() *
                                static_cast<std::size_t>(model_->facts.batch_size))) {}

  /// A batch of one runs on the task's own block, unless the model would write to it: a task that
  /// fails is run again.
  bool needs_buffer(int batch) const { return batch > 1 || model_->writes_input; }

  Status run_batch(std::span<Task> tasks, std::span<std::vector<TensorView>> outputs) {
    const auto batch = static_cast<int>(tasks.size());
    if (batch < 1 || batch > model_->facts.batch_size || outputs.size() != tasks.size())
      return {Code::kInternal, "a batch of " + std::to_string(batch) + " tasks for a model of " +
                                   std::to_string(model_->facts.batch_size)};
    if (std::ranges::any_of(tasks, [](const Task& task) { return !task.block; }))
      return {Code::kInternal, "a task came to its forward without being staged"};

    auto* data = tasks.front().block.data();
    if (needs_buffer(batch)) {
      data = buffer_.data();
      const auto bytes = model_->input.bytes();
      for (std::size_t i = 0; i < tasks.size(); ++i)
        std::memcpy(data + i * bytes, tasks[i].block.data(), bytes);
    }
    auto result = model_->program.run(batch_tensor(model_->input, data, batch));
    if (!result) return result.status();
    const auto& expected = model_->facts.outputs;
    if (!std::ranges::equal(*result, expected, {}, &Output::name, &OutputFacts::name))
      return {Code::kBadOutput, "the model returned " + std::to_string(result->size()) +
                                    " outputs; in the self-test it was " +
                                    std::to_string(expected.size()) + ", or their names differ"};
    fill_rows(std::move(*result), outputs);
    return {};
  }

  std::shared_ptr<const LoadedModel> model_;
  std::shared_ptr<BlockPool> pool_;
  Block buffer_;
};

class TorchModel final : public Model {
 public:
  explicit TorchModel(LoadedModel loaded)
      : loaded_(std::make_shared<const LoadedModel>(std::move(loaded))),
        pool_(BlockPool::create(loaded_->input.bytes())) {}

  const ModelFacts& facts() const override { return loaded_->facts; }

  Status stage(Task& task) override {
    return guarded(Code::kInternal, "a frame could not be prepared", [&]() -> Status {
      if (!task.pre) return {Code::kInvalidArgument, "a task has no plan for its preprocessing"};
      auto block = pool_->take();
      if (!block) return block.status();
      if (auto status = preprocess_on_cpu(*task.pre, task.image, block->data()); !status.ok())
        return status;
      task.block = std::move(*block);
      task.image = {};
      return {};
    });
  }

  Result<std::unique_ptr<Lane>> make_lane() override { return TorchLane::make(loaded_); }

 private:
  std::shared_ptr<const LoadedModel> loaded_;
  std::shared_ptr<BlockPool> pool_;
};

}  // namespace

std::shared_ptr<Model> make_torch_model(LoadedModel loaded) {
  return std::make_shared<TorchModel>(std::move(loaded));
}

}  // namespace torchinfer
