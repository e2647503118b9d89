// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/probe.h"

#include <array>
#include <string>
#include <utility>

#include "torch/program.h"
#include "torch/self_test.h"

namespace torchinfer {
namespace {

/// What image models take, commonest first.
constexpr std::array kSizes{224, 299, 256, 32, 28, 64, 128, 384, 512, 640};
constexpr std::array kBatches{2, 3};
constexpr int kLargestSide = 4096;
/// Of the largest value of an output: libtorch's kernels for other batch sizes round otherwise.
constexpr double kTolerance = 1e-3;

bool fits(std::int64_t side) { return side >= 1 && side <= kLargestSide; }

/// From the shape that a trace was made with.
std::optional<InputSpec> spec_of(const std::vector<std::int64_t>& shape) {
  if (shape.size() != 4) return std::nullopt;
  const auto make = [&](Layout layout, std::int64_t channels, std::int64_t height,
                        std::int64_t width) -> std::optional<InputSpec> {
    if ((channels != 1 && channels != 3) || !fits(height) || !fits(width)) return std::nullopt;
    return InputSpec{DType::kFloat32, layout, static_cast<int>(channels), static_cast<int>(height),
                     static_cast<int>(width)};
  };
  if (auto spec = make(Layout::kNchw, shape[1], shape[2], shape[3])) return spec;
  return make(Layout::kNhwc, shape[3], shape[1], shape[2]);
}

std::vector<InputSpec> candidates(const InputHints& hints) {
  if (hints.said) return {*hints.said};
  if (const auto traced = spec_of(hints.traced)) return {*traced};
  std::vector<int> channels{3, 1};
  if (hints.channels) channels = {*hints.channels};
  std::vector<InputSpec> specs;
  for (const int size : kSizes)
    for (const int channel : channels)
      specs.push_back({DType::kFloat32, Layout::kNchw, channel, size, size});
  return specs;
}

}  // namespace

Result<ProbeReport> probe_model(const torch::jit::Module& module, const InputHints& hints) {
  const auto program = as_loaded(module);
  std::optional<Status> problem;
  for (const auto& spec : candidates(hints)) {
    auto test = SelfTest::start(program, spec);
    if (!test) {
      if (!problem) problem = test.status();
      continue;
    }
    ProbeReport report;
    report.input = spec;
    report.outputs = test->outputs();
    report.repeatable = test->repeatable();
    for (const int batch : kBatches) {
      const auto comparison = test->compare(program, batch);
      if (!comparison)
        report.batch_problem = comparison.status().message();
      else if (test->repeatable() && comparison->difference > kTolerance)
        report.batch_problem =
            "the rows of a batch of " + std::to_string(batch) + " are not those of batches of one";
      if (!report.batch_problem.empty()) break;
      report.largest_batch = batch;
    }
    auto other = spec;
    other.height += 32;
    other.width += 64;
    report.other_sizes = SelfTest::start(program, other).ok();
    return report;
  }
  return *problem;
}

}  // namespace torchinfer
