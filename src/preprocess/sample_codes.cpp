// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/sample_codes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace torchinfer {
namespace {

/// A binary floating-point type of less than 32 bits, laid out as IEEE 754 does.
struct ShortFloat {
  int fraction_bits;
  int exponent_bits;
};
constexpr ShortFloat kFloat16{10, 5};
constexpr ShortFloat kBfloat16{7, 8};

/// std::nearbyint() rounds halves to even unless the application has changed the rounding mode.
std::uint32_t encode(const ShortFloat& type, double value) {
  const int bias = (1 << (type.exponent_bits - 1)) - 1;
  const double magnitude = std::abs(value);
  // Numbers below the smallest normal one are multiples of the same power of two as those above.
  const int exponent = magnitude == 0.0 ? 1 - bias : std::max(std::ilogb(magnitude), 1 - bias);
  const double units = std::nearbyint(std::ldexp(magnitude, type.fraction_bits - exponent));
  // A fraction that rounds up to the next power of two carries into the exponent, as it should.
  const auto bits = (static_cast<std::uint32_t>(exponent + bias - 1) << type.fraction_bits) +
                    static_cast<std::uint32_t>(units);
  const std::uint32_t sign = std::signbit(value) ? 1U : 0U;
  return sign << (type.fraction_bits + type.exponent_bits) | bits;
}

std::uint32_t encode(DType dtype, double value) {
  switch (dtype) {
    case DType::kUint8: return static_cast<std::uint32_t>(std::lround(value));
    case DType::kFloat16: return encode(kFloat16, value);
    case DType::kBfloat16: return encode(kBfloat16, value);
    default: return std::bit_cast<std::uint32_t>(static_cast<float>(value));
  }
}

}  // namespace

SampleCodes make_sample_codes(DType dtype, const ValueRange& range) {
  SampleCodes codes;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const double share = static_cast<double>(i) / 255.0;
    codes[i] = encode(dtype, range.min * (1.0 - share) + range.max * share);
  }
  return codes;
}

}  // namespace torchinfer
