// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace torchinfer {
namespace {

using namespace std::chrono_literals;

double milliseconds(Duration value) {
  return std::chrono::duration<double, std::milli>(value).count();
}

TEST(Histogram, IsZeroWhenEmpty) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0U);
  EXPECT_EQ(empty.percentile(0.5), 0ns);
  EXPECT_EQ(empty.max(), 0ns);
}

TEST(Histogram, PercentilesOfOneToThousandAreRightWithinTheBinsWidth) {
  Histogram histogram;
  for (int i = 1000; i >= 1; --i) histogram.add(std::chrono::milliseconds(i));
  for (double fraction : {0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999})
    EXPECT_NEAR(milliseconds(histogram.percentile(fraction)), 1000 * fraction,
                0.022 * 1000 * fraction)
        << fraction;
  EXPECT_EQ(histogram.percentile(1.0), 1s);
  EXPECT_EQ(histogram.max(), 1s);
  EXPECT_EQ(histogram.count(), 1000U);
  EXPECT_EQ(histogram.sum(), 500500ms);
}

TEST(Histogram, OfTwoTogetherHasTheEntriesOfBoth) {
  Histogram both, first, second;
  for (int i = 1; i <= 100; ++i) {
    both.add(std::chrono::milliseconds(i));
    (i % 3 == 0 ? first : second).add(std::chrono::milliseconds(i));
  }
  first.add(second);
  EXPECT_EQ(first.count(), both.count());
  EXPECT_EQ(first.sum(), both.sum());
  EXPECT_EQ(first.max(), both.max());
  for (double fraction : {0.1, 0.5, 0.99, 1.0})
    EXPECT_EQ(first.percentile(fraction), both.percentile(fraction)) << fraction;
}

TEST(Histogram, PercentilesOfALogNormalDistributionAreThoseOfTheSortedValues) {
  std::mt19937 random(1);
  std::lognormal_distribution<double> distribution(std::log(5e6), 0.8);  // about 5 ms
  Histogram histogram;
  std::vector<double> values;
  for (int i = 0; i < 20000; ++i) {
    values.push_back(std::floor(distribution(random)));
    histogram.add(Duration(static_cast<Duration::rep>(values.back())));
  }
  std::ranges::sort(values);
  for (double fraction : {0.05, 0.5, 0.9, 0.95, 0.99}) {
    const double exact = values[static_cast<std::size_t>(std::ceil(fraction * 20000)) - 1];
    EXPECT_NEAR(static_cast<double>(histogram.percentile(fraction).count()), exact, 0.022 * exact)
        << fraction;
  }
}

TEST(Histogram, OneSlowFrameInAHundredMovesTheMaximumAndNotTheMedian) {
  Histogram histogram;
  for (int i = 0; i < 99; ++i) histogram.add(10ms);
  histogram.add(2s);
  EXPECT_NEAR(milliseconds(histogram.percentile(0.5)), 10, 0.22);
  EXPECT_NEAR(milliseconds(histogram.percentile(0.99)), 10, 0.22);
  EXPECT_EQ(histogram.percentile(1.0), 2s);
}

TEST(Histogram, TakesValuesOutsideItsRange) {
  Histogram histogram;
  histogram.add(-5ns);
  histogram.add(0ns);
  histogram.add(24h);
  EXPECT_EQ(histogram.count(), 3U);
  EXPECT_LE(histogram.percentile(0.5), 2us);
  EXPECT_EQ(histogram.percentile(1.0), 24h);
}

TEST(Histogram, NeverReportsMoreThanItsLargestValue) {
  Histogram histogram;
  for (int i = 0; i < 3; ++i) histogram.add(1000us);
  for (double fraction : {0.0, 0.5, 0.99, 1.0}) EXPECT_LE(histogram.percentile(fraction), 1000us);
}

TEST(CloseReason, HasANameForEachReason) {
  EXPECT_STREQ(to_string(CloseReason::kFull), "full");
  EXPECT_STREQ(to_string(CloseReason::kTimeout), "timeout");
  EXPECT_STREQ(to_string(CloseReason::kNobodyLeft), "nobody-left");
  EXPECT_STREQ(to_string(CloseReason::kDrain), "drain");
}

}  // namespace
}  // namespace torchinfer
