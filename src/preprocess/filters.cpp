// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/filters.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace torchinfer {
namespace {

/// Weights of all outputs while they are made, in one block: a plan for each object of each frame
/// must not cost hundreds of allocations.
class Bank {
 public:
  Bank(int outputs, int capacity)
      : capacity_(capacity),
        rows_(static_cast<std::size_t>(outputs)),
        weights_(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(capacity)) {}

  struct Row {
    int first = 0;  ///< source sample of the first weight
    int count = 0;
  };
  int outputs() const { return static_cast<int>(rows_.size()); }
  Row& row(int output) { return rows_[static_cast<std::size_t>(output)]; }
  /// `capacity` weights, zero until written.
  double* weights(int output) {
    return weights_.data() + static_cast<std::ptrdiff_t>(output) * capacity_;
  }

  void trim_zeros(int output) {
    Row& row = this->row(output);
    double* const begin = weights(output);
    while (row.count > 1 && begin[row.count - 1] == 0.0) --row.count;
    int leading = 0;
    while (leading + 1 < row.count && begin[leading] == 0.0) ++leading;
    std::copy(begin + leading, begin + row.count, begin);
    row.first += leading;
    row.count -= leading;
  }

  /// The same weights with the same number of taps for each output.
  AxisFilter pack() {
    AxisFilter filter;
    int begin = rows_.front().first;
    int end = begin;
    for (const Row& row : rows_) {
      filter.taps = std::max(filter.taps, row.count);
      begin = std::min(begin, row.first);
      end = std::max(end, row.first + row.count);
    }
    filter.begin = begin;
    filter.length = end - begin;
    filter.first.reserve(rows_.size());
    filter.weights.assign(rows_.size() * static_cast<std::size_t>(filter.taps), 0.0F);
    float* target = filter.weights.data();
    for (int output = 0; output < outputs(); ++output) {
      const Row& row = this->row(output);
      const int first = std::min(row.first - begin, filter.length - filter.taps);
      filter.first.push_back(first);
      const double* const source = weights(output);
      std::transform(source, source + row.count, target + (row.first - begin - first),
                     [](double weight) { return static_cast<float>(weight); });
      target += filter.taps;
    }
    return filter;
  }

 private:
  std::ptrdiff_t capacity_;
  std::vector<Row> rows_;
  std::vector<double> weights_;
};

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

double cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * kA;
  return 0.0;
}

Bank luma_bank(Span source, int resized, Span crop, Interpolation interpolation) {
  const bool bilinear = interpolation == Interpolation::kBilinear;
  const double scale = static_cast<double>(source.size) / resized;
  const double stretch = std::max(scale, 1.0);
  const double support = (bilinear ? 1.0 : 2.0) * stretch;

  Bank bank(crop.size, std::min(source.size, 2 * static_cast<int>(std::ceil(support)) + 1));
  for (int output = 0; output < crop.size; ++output) {
    const double center = (crop.begin + output + 0.5) * scale;
    // Truncated towards zero as in Pillow: this decides which samples take part.
    const int low = std::max(0, static_cast<int>(center - support + 0.5));
    const int high = std::min(source.size, static_cast<int>(center + support + 0.5));
    double* const weights = bank.weights(output);
    double sum = 0.0;
    for (int sample = low; sample < high; ++sample) {
      const double x = (sample - center + 0.5) / stretch;
      const double weight = bilinear ? triangle(x) : cubic(x);
      weights[sample - low] = weight;
      sum += weight;
    }
    std::for_each(weights, weights + (high - low), [sum](double& weight) { weight /= sum; });
    bank.row(output) = {source.begin + low, high - low};
    bank.trim_zeros(output);
  }
  return bank;
}

Bank chroma_bank(Span source, Bank& luma, bool cosited) {
  const int low = source.begin / 2;
  const int high = (source.begin + source.size - 1) / 2;
  // In units of chroma samples, luma sample i sits at i / 2 - shift.
  const double shift = cosited ? 0.0 : 0.25;
  const auto position = [shift](int sample) { return sample / 2.0 - shift; };

  int most = 0;
  for (int output = 0; output < luma.outputs(); ++output) {
    most = std::max(most, luma.row(output).count);
  }
  Bank bank(luma.outputs(), most / 2 + 3);
  for (int output = 0; output < luma.outputs(); ++output) {
    const Bank::Row from = luma.row(output);
    const int last = from.first + from.count - 1;
    Bank::Row& to = bank.row(output);
    to.first = std::clamp(static_cast<int>(std::floor(position(from.first))), low, high);
    to.count =
        std::clamp(static_cast<int>(std::floor(position(last))) + 1, low, high) - to.first + 1;
    double* const weights = bank.weights(output);
    for (int k = 0; k < from.count; ++k) {
      const double floor = std::floor(position(from.first + k));
      const double fraction = position(from.first + k) - floor;
      const double weight = luma.weights(output)[k];
      const int left = std::clamp(static_cast<int>(floor), low, high);
      const int right = std::clamp(static_cast<int>(floor) + 1, low, high);
      weights[left - to.first] += weight * (1.0 - fraction);
      weights[right - to.first] += weight * fraction;
    }
    bank.trim_zeros(output);
  }
  return bank;
}

}  // namespace

AxisFilters make_axis_filters(Span source, int resized, Span crop, Interpolation interpolation,
                              ChromaAxis chroma) {
  Bank luma = luma_bank(source, resized, crop, interpolation);
  AxisFilters filters;
  filters.luma = luma.pack();
  if (chroma != ChromaAxis::kNone) {
    filters.chroma = chroma_bank(source, luma, chroma == ChromaAxis::kCosited).pack();
  }
  return filters;
}

}  // namespace torchinfer
