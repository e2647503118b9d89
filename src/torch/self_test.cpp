// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/self_test.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "model/text.h"
#include "torch/errors.h"

namespace torchinfer {
namespace {

/// A larger batch repeats them: enough to see rows mixed up, without a forward of the slow form for
/// each of 64.
constexpr int kDistinctRows = 8;
/// Two runs of one model that differ by more than this are no rounding.
constexpr double kRepeatTolerance = 1e-4;
/// Outputs that are zero but for rounding are compared with this instead of themselves.
constexpr double kSmallest = 1e-6;

constexpr int kMostRuns = 15;
constexpr Duration kEnoughTime = std::chrono::milliseconds(300);

std::vector<std::int64_t> shape_of(const InputSpec& input, std::int64_t batch) {
  if (input.layout == Layout::kNhwc) return {batch, input.height, input.width, input.channels};
  return {batch, input.channels, input.height, input.width};
}

/// Largest difference and largest magnitude of what it has seen.
struct Extent {
  double difference = 0.0, magnitude = 0.0;

  void add(double value, double expected) {
    if (std::isfinite(expected)) magnitude = std::max(magnitude, std::abs(expected));
    if (value == expected || (std::isnan(value) && std::isnan(expected))) return;
    const auto distance = std::abs(value - expected);
    difference = std::max(
        difference, std::isfinite(distance) ? distance : std::numeric_limits<double>::infinity());
  }
  double relative() const { return difference / std::max(magnitude, kSmallest); }
};

void add_row(Extent& extent, const at::Tensor& row, const at::Tensor& expected) {
  const auto a = row.to(at::kDouble).contiguous(), b = expected.to(at::kDouble).contiguous();
  const auto* values = a.const_data_ptr<double>();
  const auto* wanted = b.const_data_ptr<double>();
  for (std::int64_t i = 0; i < a.numel(); ++i) extent.add(values[i], wanted[i]);
}

std::vector<OutputFacts> facts_of(const Outputs& outputs) {
  std::vector<OutputFacts> facts;
  for (const auto& output : outputs)
    facts.push_back({output.name,
                     *to_dtype(output.tensor.scalar_type()),
                     {output.tensor.sizes().begin() + 1, output.tensor.sizes().end()}});
  return facts;
}

}  // namespace

at::Tensor batch_tensor(const InputSpec& input, std::byte* data, std::int64_t batch) {
  return at::from_blob(data, shape_of(input, batch), to_scalar_type(input.dtype));
}

at::Tensor noise_batch(const InputSpec& input, std::int64_t items) {
  // A generator of our own: the process's is the application's. Bytes span all that they can;
  // -2..2 is about what images span after the usual normalisation. What a stream's is, its session
  // knows and the engine does not.
  std::minstd_rand random(1);  // NOLINT(cert-msc51-cpp): the same in each process on purpose
  const bool bytes = input.dtype == DType::kUint8;
  std::uniform_real_distribution<float> value(bytes ? 0.0F : -2.0F, bytes ? 255.99F : 2.0F);
  auto noise = at::empty(shape_of(input, items), at::kFloat);
  std::ranges::generate_n(noise.mutable_data_ptr<float>(), noise.numel(),
                          [&] { return value(random); });
  return noise.to(to_scalar_type(input.dtype));
}

SelfTest::SelfTest(Program loaded, const InputSpec& input)
    : loaded_(std::move(loaded)), input_(input), noise_(noise_batch(input, kDistinctRows)) {
  references_.reserve(kDistinctRows);
}

Result<SelfTest> SelfTest::start(Program loaded, const InputSpec& input) {
  using R = Result<SelfTest>;
  return guarded(Code::kInternal, "the self-test failed", [&]() -> R {
    SelfTest test(std::move(loaded), input);
    auto first = test.loaded_.run(test.rows(1));
    if (!first) return first.status();
    test.outputs_ = facts_of(*first);
    test.references_.push_back(std::move(*first));
    const auto again = test.compare(test.loaded_, 1);
    if (!again) return again.status();
    test.repeatable_ = again->difference <= kRepeatTolerance;
    return test;
  });
}

at::Tensor SelfTest::rows(int batch) {
  // A fresh copy each time, since a model may write to its input.
  const auto repeats = (batch + kDistinctRows - 1) / kDistinctRows;
  return noise_.repeat({repeats, 1, 1, 1}).narrow(0, 0, batch).clone();
}

Result<const Outputs*> SelfTest::reference(int row) {
  while (static_cast<int>(references_.size()) <= row) {
    auto made = loaded_.run(noise_.narrow(0, static_cast<int>(references_.size()), 1).clone());
    if (!made) return made.status();
    references_.push_back(std::move(*made));
  }
  return &references_[static_cast<std::size_t>(row)];
}

Result<SelfTest::Comparison> SelfTest::compare(const Program& program, int batch) {
  using R = Result<Comparison>;
  return guarded(Code::kForwardFailed, "the self-test failed", [&]() -> R {
    Comparison comparison;
    const auto input = rows(batch);
    const auto version = input._version();
    const auto start = steady_clock().now();
    const auto outputs = program.run(input);
    comparison.time = steady_clock().now() - start;
    if (!outputs) return outputs.status();
    // The version tells of writes that leave noise as it is, such as a clamp to a wider range.
    if (input._version() != version || !at::equal(input, rows(batch))) writes_input_ = true;
    std::vector<Extent> extents(outputs_.size());
    for (int row = 0; row < batch; ++row) {
      const auto expected = reference(row % kDistinctRows);
      if (!expected) return expected.status();
      if (outputs->size() != (*expected)->size())
        return Status(Code::kBadOutput, "the number of the model's outputs varies");
      for (std::size_t i = 0; i < outputs->size(); ++i) {
        const auto item = (*outputs)[i].tensor.narrow(0, row, 1);
        const auto& wanted = (**expected)[i].tensor;
        if (item.sizes() != wanted.sizes())
          return Status(Code::kBadOutput, "the shape of the model's output " +
                                              torchinfer::quoted((*outputs)[i].name) + " varies");
        if (repeatable_) add_row(extents[i], item, wanted);
      }
    }
    for (const auto& extent : extents)
      comparison.difference = std::max(comparison.difference, extent.relative());
    return comparison;
  });
}

Duration SelfTest::time(const Program& program, int batch, Duration first) {
  // A slow model shall not take for ever to load.
  if (first >= kEnoughTime) return first;
  auto& clock = steady_clock();
  std::vector<Duration> times;
  Duration spent{0};
  while (static_cast<int>(times.size()) < kMostRuns && spent < kEnoughTime) {
    auto input = rows(batch);
    const auto start = clock.now();
    const auto outputs = program.run(std::move(input));
    times.push_back(clock.now() - start);
    spent += times.back();
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>((times.size() - 1) / 2);
  std::ranges::nth_element(times, middle);
  return *middle;
}

}  // namespace torchinfer
