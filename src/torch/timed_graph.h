// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"

namespace torchinfer {

/// A module's forward() with a clock before and behind each operator. libtorch's own profiler does
/// not see what optimize_for_inference() makes of convolutions. Of one thread; two never run at
/// once, since the clocks hang on a hook of the process.
class TimedGraph {
 public:
  /// One node of the graph. Time is the sum over all runs.
  struct Part {
    std::string op;      ///< "aten::relu_"
    std::string module;  ///< whose code it stands in; empty: the model's own, or not known
    int parent = -1;     ///< the loop or condition in which it stands
    std::int64_t calls = 0;
    Duration total{0};  ///< with what stands in it
    Duration inner{0};  ///< of that, what stands in it
  };

  explicit TimedGraph(const torch::jit::Module& module);

  /// Throws what libtorch throws.
  void run(const at::Tensor& input);

  /// Forgets what runs took so far.
  void reset();

  const std::vector<Part>& parts() const { return parts_; }
  /// All the time that runs took.
  Duration time() const { return time_; }

 private:
  class Clocks;

  torch::jit::Module module_;
  std::vector<Part> parts_;
  std::unique_ptr<torch::jit::GraphFunction> function_;
  Duration time_{0};
};

}  // namespace torchinfer
