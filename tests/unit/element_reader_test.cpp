// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decode/element_reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace torchinfer {
namespace {

TEST(Float16, EqualsItsDefinitionForEveryPattern) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const bool negative = (bits & 0x8000U) != 0;
    const int exponent = static_cast<int>((bits >> 10) & 0x1FU);
    const int fraction = static_cast<int>(bits & 0x3FFU);
    double expected = 0.0;
    if (exponent == 31) {
      expected = fraction == 0 ? std::numeric_limits<double>::infinity()
                               : std::numeric_limits<double>::quiet_NaN();
    } else if (exponent == 0) {
      expected = std::ldexp(fraction, -24);
    } else {
      expected = std::ldexp(1024 + fraction, exponent - 25);
    }
    if (negative) expected = -expected;
    const float value = float_from_float16(static_cast<std::uint16_t>(bits));
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << bits;
    } else {
      EXPECT_EQ(static_cast<double>(value), expected) << bits;
      EXPECT_EQ(std::signbit(value), negative) << bits;
    }
  }
}

TEST(Bfloat16, IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(float_from_bfloat16(0x3F80), 1.0F);
  EXPECT_EQ(float_from_bfloat16(0xC040), -3.0F);
  EXPECT_EQ(float_from_bfloat16(0x0001), std::ldexp(1.0F, -133));
  EXPECT_TRUE(std::isinf(float_from_bfloat16(0x7F80)));
  EXPECT_TRUE(std::isnan(float_from_bfloat16(0x7FC0)));
}

}  // namespace
}  // namespace torchinfer
