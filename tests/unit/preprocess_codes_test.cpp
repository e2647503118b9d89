// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>

#include "preprocess/sample_codes.h"

namespace torchinfer {
namespace {

double half_value(std::uint32_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const int fraction = static_cast<int>(bits & 1023);
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

double bfloat_value(std::uint32_t bits) { return std::bit_cast<float>(bits << 16); }

double value_at(const ValueRange& range, std::size_t sample) {
  const double share = static_cast<double>(sample) / 255.0;
  return range.min * (1 - share) + range.max * share;
}

/// The code is the nearest to the value, and the even one of two that are as near.
void expect_nearest(std::uint32_t code, double value, double (*decode)(std::uint32_t)) {
  const double error = std::abs(decode(code) - value);
  for (const std::uint32_t other : {code - 1, code + 1}) {
    if ((other ^ code) & ~0x7fffU) continue;  // zero has no neighbour on that side
    const double other_error = std::abs(decode(other) - value);
    EXPECT_TRUE(error < other_error || (error == other_error && code % 2 == 0))
        << value << " became " << decode(code);
  }
}

constexpr ValueRange kRanges[] = {{0, 255},      {-2.118, 2.249},    {2.4, -2.0},    {0, 1},
                                  {-1e-5, 6e-5}, {2048, 2048 + 255}, {-6e4, 6.55e4}, {1, 1}};

TEST(SampleCodes, AreTheNearestFloat16) {
  for (const ValueRange& range : kRanges) {
    const SampleCodes codes = make_sample_codes(DType::kFloat16, range);
    for (std::size_t i = 0; i < 256; ++i) expect_nearest(codes[i], value_at(range, i), half_value);
  }
}

TEST(SampleCodes, AreTheNearestBfloat16) {
  for (const ValueRange& range : kRanges) {
    const SampleCodes codes = make_sample_codes(DType::kBfloat16, range);
    for (std::size_t i = 0; i < 256; ++i) {
      expect_nearest(codes[i], value_at(range, i), bfloat_value);
    }
  }
}

TEST(SampleCodes, AreWellKnownBits) {
  const SampleCodes half = make_sample_codes(DType::kFloat16, {0, 255});
  EXPECT_EQ(half[0], 0x0000U);
  EXPECT_EQ(half[1], 0x3c00U);
  EXPECT_EQ(half[255], 0x5bf8U);
  EXPECT_EQ(make_sample_codes(DType::kFloat16, {-1, -2})[0], 0xbc00U);
  EXPECT_EQ(make_sample_codes(DType::kFloat16, {65504, 0})[0], 0x7bffU);
  EXPECT_EQ(make_sample_codes(DType::kBfloat16, {0, 1})[255], 0x3f80U);
  EXPECT_EQ(make_sample_codes(DType::kFloat32, {0, 1})[255], 0x3f800000U);
}

TEST(SampleCodes, OfFloat32AreRoundedOnce) {
  const ValueRange range{-2.118, 2.249};
  const SampleCodes codes = make_sample_codes(DType::kFloat32, range);
  for (std::size_t i = 0; i < 256; ++i) {
    EXPECT_EQ(std::bit_cast<float>(codes[i]), static_cast<float>(value_at(range, i)));
  }
}

TEST(SampleCodes, OfBytesAreTheBytes) {
  const SampleCodes codes = make_sample_codes(DType::kUint8, {});
  for (std::uint32_t i = 0; i < 256; ++i) EXPECT_EQ(codes[i], i);
}

}  // namespace
}  // namespace torchinfer
