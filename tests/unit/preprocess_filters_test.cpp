// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "preprocess/filters.h"

namespace torchinfer {
namespace {

using testing::FloatNear;
using testing::Pointwise;

/// The weight of each source sample in one output.
std::vector<float> spread(const AxisFilter& filter, int output, int size) {
  std::vector<float> weights(static_cast<std::size_t>(size));
  const std::size_t o = static_cast<std::size_t>(output);
  for (int k = 0; k < filter.taps; ++k) {
    weights.at(static_cast<std::size_t>(filter.begin + filter.first[o] + k)) +=
        filter.weights[o * static_cast<std::size_t>(filter.taps) + static_cast<std::size_t>(k)];
  }
  return weights;
}

void expect_spread(const AxisFilter& filter, int output, const std::vector<float>& expected) {
  EXPECT_THAT(spread(filter, output, static_cast<int>(expected.size())),
              Pointwise(testing::FloatNear(1e-6F), expected))
      << "output " << output;
}

TEST(Filters, ShrinkWithATriangleAsWideAsTheOutputPixel) {
  // By hand: scale 2, centres at 1 and 3, support 2.
  const AxisFilter filter =
      make_axis_filters({0, 4}, 2, {0, 2}, Interpolation::kBilinear, ChromaAxis::kNone).luma;
  expect_spread(filter, 0, {3 / 7.F, 3 / 7.F, 1 / 7.F, 0});
  expect_spread(filter, 1, {0, 1 / 7.F, 3 / 7.F, 3 / 7.F});
}

TEST(Filters, GrowBetweenTheTwoNearestSamples) {
  // By hand: centres at 0.25, 0.75, 1.25, 1.75; what hangs over an end is cut off.
  const AxisFilter filter =
      make_axis_filters({0, 2}, 4, {0, 4}, Interpolation::kBilinear, ChromaAxis::kNone).luma;
  expect_spread(filter, 0, {1, 0});
  expect_spread(filter, 1, {0.75F, 0.25F});
  expect_spread(filter, 2, {0.25F, 0.75F});
  expect_spread(filter, 3, {0, 1});
}

TEST(Filters, BicubicUsesKeysCubicOfOneHalf) {
  // By hand: the cubic is 0.8671875 at 0.25 and -0.0703125 at 1.25; normalised.
  const AxisFilter filter =
      make_axis_filters({0, 2}, 4, {0, 4}, Interpolation::kBicubic, ChromaAxis::kNone).luma;
  expect_spread(filter, 0, {0.8671875F / 0.796875F, -0.0703125F / 0.796875F});
}

TEST(Filters, KeepSamplesAsTheyAreAtTheSameSize) {
  for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
    const AxisFilter filter =
        make_axis_filters({0, 5}, 5, {0, 5}, interpolation, ChromaAxis::kNone).luma;
    EXPECT_EQ(filter.taps, 1);
    EXPECT_THAT(filter.first, testing::ElementsAre(0, 1, 2, 3, 4));
    EXPECT_THAT(filter.weights, testing::Each(1.0F));
  }
}

TEST(Filters, InterpolateChromaFromWhereItSits) {
  const AxisFilter between =
      make_axis_filters({0, 4}, 4, {0, 4}, Interpolation::kBilinear, ChromaAxis::kBetween).chroma;
  expect_spread(between, 0, {1, 0});
  expect_spread(between, 1, {0.75F, 0.25F});
  expect_spread(between, 2, {0.25F, 0.75F});
  expect_spread(between, 3, {0, 1});
  const AxisFilter cosited =
      make_axis_filters({0, 4}, 4, {0, 4}, Interpolation::kBilinear, ChromaAxis::kCosited).chroma;
  expect_spread(cosited, 0, {1, 0});
  expect_spread(cosited, 1, {0.5F, 0.5F});
  expect_spread(cosited, 2, {0, 1});
  expect_spread(cosited, 3, {0, 1});
}

TEST(Filters, FilterChromaAsItsInterpolationWouldBe) {
  // The first test's 3/7, 3/7, 1/7 over chroma at half way: 1, 0.75 + 0.25, 0.25 + 0.75.
  const AxisFilter filter =
      make_axis_filters({0, 4}, 2, {0, 2}, Interpolation::kBilinear, ChromaAxis::kBetween).chroma;
  expect_spread(filter, 0, {(3 + 2.25F + 0.25F) / 7, (0.75F + 0.75F) / 7});
}

TEST(Filters, MakeNoChromaWhereThereIsNone) {
  const AxisFilters filters =
      make_axis_filters({0, 9}, 4, {0, 4}, Interpolation::kBicubic, ChromaAxis::kNone);
  EXPECT_TRUE(filters.chroma.first.empty());
}

TEST(Filters, SumToOneAndStayWithinTheSourceForAnySize) {
  for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
    for (const ChromaAxis chroma : {ChromaAxis::kCosited, ChromaAxis::kBetween}) {
      for (const Span source : {Span{0, 1}, Span{0, 2}, Span{3, 1}, Span{5, 8}, Span{8, 31},
                                Span{1, 200}, Span{0, 1920}}) {
        for (const int resized : {1, 2, 7, 32, 224, 455}) {
          const AxisFilters filters =
              make_axis_filters(source, resized, {0, resized}, interpolation, chroma);
          const auto check = [&](const AxisFilter& filter, int low, int high) {
            ASSERT_EQ(filter.first.size(), static_cast<std::size_t>(resized));
            ASSERT_EQ(filter.weights.size(),
                      filter.first.size() * static_cast<std::size_t>(filter.taps));
            EXPECT_GE(filter.begin, low);
            EXPECT_LE(filter.begin + filter.length, high);
            for (std::size_t o = 0; o < filter.first.size(); ++o) {
              ASSERT_GE(filter.first[o], 0);
              ASSERT_LE(filter.first[o] + filter.taps, filter.length);
              const auto row =
                  filter.weights.begin() + static_cast<std::ptrdiff_t>(o) * filter.taps;
              ASSERT_NEAR(std::accumulate(row, row + filter.taps, 0.0), 1.0, 1e-5);
            }
          };
          const int end = source.begin + source.size;
          check(filters.luma, source.begin, end);
          check(filters.chroma, source.begin / 2, (end + 1) / 2);
        }
      }
    }
  }
}

TEST(Filters, ReadNoMoreThanTheCropNeeds) {
  // 1920 columns to 455, of which 116..340 are kept: 489.5 .. 1434.7, and one support (4.2) around.
  const AxisFilters filters =
      make_axis_filters({0, 1920}, 455, {116, 224}, Interpolation::kBilinear, ChromaAxis::kBetween);
  EXPECT_EQ(filters.luma.begin, 487);
  EXPECT_EQ(filters.luma.begin + filters.luma.length, 1437);
  EXPECT_EQ(filters.chroma.begin, 243);
  EXPECT_EQ(filters.chroma.begin + filters.chroma.length, 719);
}

TEST(Filters, OfACropAreTheOnesOfTheWhole) {
  const AxisFilter whole =
      make_axis_filters({0, 100}, 37, {0, 37}, Interpolation::kBicubic, ChromaAxis::kNone).luma;
  const AxisFilter crop =
      make_axis_filters({0, 100}, 37, {11, 9}, Interpolation::kBicubic, ChromaAxis::kNone).luma;
  for (int o = 0; o < 9; ++o) EXPECT_EQ(spread(crop, o, 100), spread(whole, 11 + o, 100));
}

}  // namespace
}  // namespace torchinfer
