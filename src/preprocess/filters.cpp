// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/filters.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace torchinfer {
namespace {

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

double cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * kA;
  return 0.0;
}

std::int32_t to_weight(double value) {
  constexpr double kOne = 1 << kWeightBits;
  return static_cast<std::int32_t>(value * kOne + (value < 0.0 ? -0.5 : 0.5));
}

/// Which samples one output reads.
struct Reach {
  int first = 0;
  int count = 0;
};

/// Pillow's arithmetic step by step, since its results are wanted to the last bit.
class Kernel {
 public:
  Kernel(int source, int resized, Interpolation interpolation)
      : source_(source),
        function_(interpolation == Interpolation::kBilinear ? triangle : cubic),
        scale_(static_cast<double>(source) / resized),
        inverse_stretch_(1.0 / std::max(scale_, 1.0)),
        support_((interpolation == Interpolation::kBilinear ? 1.0 : 2.0) * std::max(scale_, 1.0)) {}

  Reach reach(int output) const {
    // Truncated towards zero, which decides which samples take part.
    const int low = std::max(0, static_cast<int>(center(output) - support_ + 0.5));
    const int high = std::min(source_, static_cast<int>(center(output) + support_ + 0.5));
    return {low, high - low};
  }

  void weights(int output, const Reach& reach, std::vector<double>& weights) const {
    weights.clear();
    double sum = 0.0;
    for (int k = 0; k < reach.count; ++k) {
      weights.push_back(function_((k + reach.first - center(output) + 0.5) * inverse_stretch_));
      sum += weights.back();
    }
    for (double& weight : weights) weight /= sum;
  }

 private:
  double center(int output) const { return (output + 0.5) * scale_; }

  int source_;
  double (*function_)(double);
  double scale_;
  double inverse_stretch_;
  double support_;
};

}  // namespace

AxisFilter make_axis_filter(Span source, int resized, Span crop, Interpolation interpolation) {
  const Kernel kernel(source.size, resized, interpolation);
  const auto reach = [&](int output) { return kernel.reach(crop.begin + output); };

  AxisFilter filter;
  const int begin = reach(0).first;
  const Reach last = reach(crop.size - 1);
  filter.begin = source.begin + begin;
  filter.length = last.first + last.count - begin;
  for (int output = 0; output < crop.size; ++output) {
    filter.taps = std::max(filter.taps, reach(output).count);
  }

  const std::size_t taps = static_cast<std::size_t>(filter.taps);
  filter.first.reserve(static_cast<std::size_t>(crop.size));
  filter.weights.assign(static_cast<std::size_t>(crop.size) * taps, 0);
  std::vector<double> exact;
  exact.reserve(taps);
  auto row = filter.weights.begin();
  for (int output = 0; output < crop.size; ++output, row += filter.taps) {
    const Reach own = reach(output);
    const int first = std::min(own.first - begin, filter.length - filter.taps);
    filter.first.push_back(first);
    kernel.weights(crop.begin + output, own, exact);
    std::transform(exact.begin(), exact.end(), row + (own.first - begin - first), to_weight);
  }
  return filter;
}

}  // namespace torchinfer
