// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/tensor_view.h"

namespace torchinfer {

/// bfloat16 is the upper half of a float32.
inline float float_from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// IEEE 754 half precision, subnormals, infinities and NaN included.
inline float float_from_float16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0) {
    // Zero or subnormal: the fraction counts units of 2^-24, which float32 holds exactly.
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 0x1FU ? 0xFFU : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

/// Reads element `i` of a tensor as double, whatever its alignment.
template <class Stored, class Convert>
struct ElementReader {
  const std::byte* data;
  Convert convert;
  double operator()(std::size_t i) const {
    Stored value;
    std::memcpy(&value, data + i * sizeof(Stored), sizeof(Stored));
    return static_cast<double>(convert(value));
  }
};

/// Calls `use` with a reader for the tensor's type, so that the type is asked for once a tensor and
/// not once an element.
template <class Use>
auto with_element_reader(DType dtype, const std::byte* data, Use&& use) {
  const auto reader = [&]<class Stored>(Stored, auto convert) {
    return use(ElementReader<Stored, decltype(convert)>{data, convert});
  };
  const auto same = [](auto value) { return value; };
  switch (dtype) {
    case DType::kUint8: return reader(std::uint8_t{}, same);
    case DType::kInt8: return reader(std::int8_t{}, same);
    case DType::kInt16: return reader(std::int16_t{}, same);
    case DType::kInt32: return reader(std::int32_t{}, same);
    case DType::kInt64: return reader(std::int64_t{}, same);
    case DType::kFloat16: return reader(std::uint16_t{}, float_from_float16);
    case DType::kBfloat16: return reader(std::uint16_t{}, float_from_bfloat16);
    case DType::kFloat64: return reader(double{}, same);
    case DType::kFloat32: break;
  }
  return reader(float{}, same);
}

}  // namespace torchinfer
