// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "preprocess/filters.h"

namespace torchinfer {
namespace {

constexpr double kOne = 1 << kWeightBits;

/// The weight of each source sample in one output.
std::vector<std::int32_t> spread(const AxisFilter& filter, int output, int size) {
  std::vector<std::int32_t> weights(static_cast<std::size_t>(size));
  const std::size_t o = static_cast<std::size_t>(output);
  for (int k = 0; k < filter.taps; ++k) {
    weights.at(static_cast<std::size_t>(filter.begin + filter.first[o] + k)) +=
        filter.weights[o * static_cast<std::size_t>(filter.taps) + static_cast<std::size_t>(k)];
  }
  return weights;
}

void expect_spread(const AxisFilter& filter, int output, const std::vector<double>& expected) {
  std::vector<std::int32_t> fixed;
  for (const double weight : expected) {
    fixed.push_back(static_cast<std::int32_t>(std::lround(weight * kOne)));
  }
  EXPECT_EQ(spread(filter, output, static_cast<int>(expected.size())), fixed)
      << "output " << output;
}

TEST(Filters, ShrinkWithATriangleAsWideAsTheOutputPixel) {
  // By hand: scale 2, centres at 1 and 3, support 2.
  const AxisFilter filter = make_axis_filter({0, 4}, 2, {0, 2}, Interpolation::kBilinear);
  expect_spread(filter, 0, {3 / 7.0, 3 / 7.0, 1 / 7.0, 0});
  expect_spread(filter, 1, {0, 1 / 7.0, 3 / 7.0, 3 / 7.0});
}

TEST(Filters, GrowBetweenTheTwoNearestSamples) {
  // By hand: centres at 0.25, 0.75, 1.25, 1.75; what hangs over an end is cut off.
  const AxisFilter filter = make_axis_filter({0, 2}, 4, {0, 4}, Interpolation::kBilinear);
  expect_spread(filter, 0, {1, 0});
  expect_spread(filter, 1, {0.75, 0.25});
  expect_spread(filter, 2, {0.25, 0.75});
  expect_spread(filter, 3, {0, 1});
}

TEST(Filters, BicubicUsesKeysCubicOfOneHalf) {
  // By hand: the cubic is 0.8671875 at 0.25 and -0.0703125 at 1.25; normalised.
  const AxisFilter filter = make_axis_filter({0, 2}, 4, {0, 4}, Interpolation::kBicubic);
  expect_spread(filter, 0, {0.8671875 / 0.796875, -0.0703125 / 0.796875});
}

TEST(Filters, KeepSamplesAsTheyAreAtTheSameSize) {
  for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
    const AxisFilter filter = make_axis_filter({0, 3}, 3, {0, 3}, interpolation);
    expect_spread(filter, 0, {1, 0, 0});
    expect_spread(filter, 1, {0, 1, 0});
    expect_spread(filter, 2, {0, 0, 1});
  }
}

TEST(Filters, SumToOneAndStayWithinTheSourceForAnySize) {
  for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
    for (const Span source : {Span{0, 1}, Span{0, 2}, Span{3, 1}, Span{5, 8}, Span{8, 31},
                              Span{1, 200}, Span{0, 1920}}) {
      for (const int resized : {1, 2, 7, 32, 224, 455}) {
        const AxisFilter filter = make_axis_filter(source, resized, {0, resized}, interpolation);
        ASSERT_EQ(filter.first.size(), static_cast<std::size_t>(resized));
        ASSERT_EQ(filter.weights.size(),
                  filter.first.size() * static_cast<std::size_t>(filter.taps));
        EXPECT_GE(filter.begin, source.begin);
        EXPECT_LE(filter.begin + filter.length, source.begin + source.size);
        EXPECT_TRUE(std::is_sorted(filter.first.begin(), filter.first.end()));
        for (std::size_t o = 0; o < filter.first.size(); ++o) {
          ASSERT_GE(filter.first[o], 0);
          ASSERT_LE(filter.first[o] + filter.taps, filter.length);
          const auto row = filter.weights.begin() + static_cast<std::ptrdiff_t>(o) * filter.taps;
          ASSERT_NEAR(std::accumulate(row, row + filter.taps, 0.0), kOne, filter.taps);
        }
      }
    }
  }
}

TEST(Filters, ReadNoMoreThanTheCropNeeds) {
  // 1920 columns to 455, of which 116..340 are kept: centres from 491.6 to 1432.6, and one support
  // of 4.22 around them.
  const AxisFilter filter = make_axis_filter({0, 1920}, 455, {116, 224}, Interpolation::kBilinear);
  EXPECT_EQ(filter.begin, 487);
  EXPECT_EQ(filter.begin + filter.length, 1437);
}

TEST(Filters, OfACropAreTheOnesOfTheWhole) {
  const AxisFilter whole = make_axis_filter({0, 100}, 37, {0, 37}, Interpolation::kBicubic);
  const AxisFilter crop = make_axis_filter({0, 100}, 37, {11, 9}, Interpolation::kBicubic);
  for (int o = 0; o < 9; ++o) EXPECT_EQ(spread(crop, o, 100), spread(whole, 11 + o, 100));
}

}  // namespace
}  // namespace torchinfer
