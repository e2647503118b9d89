// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Note: [Kernels]
// This file is compiled with -O3, by itself. Each loop is written once, always inlined, and stamped
// out for several levels of x86-64, from which usable_cpu_kernels() chooses. Explicit tables do
// what the compiler's own function multi-versioning does, but need no ifunc, which sanitizers and
// some C libraries lack, and let the tests run every level. Level v4 (AVX-512) is not among them:
// measured, it was no faster than v3.
#include "preprocess/cpu_kernels.h"

#include <bit>

#if defined(__x86_64__) && defined(__GNUC__) && (!defined(__clang__) || __clang_major__ >= 19)
#define TORCHINFER_X86_LEVELS 1
#endif

#define KERNEL [[gnu::always_inline]] inline

namespace torchinfer {
namespace {

using std::ptrdiff_t;
using std::size_t;

template <int Rows, bool Add>
KERNEL void blend(const std::uint8_t* __restrict first_row, ptrdiff_t stride,
                  const float* __restrict weights, int bytes, float* __restrict out) {
  const std::uint8_t* __restrict r0 = first_row;
  const std::uint8_t* __restrict r1 = Rows > 1 ? r0 + stride : r0;
  const std::uint8_t* __restrict r2 = Rows > 2 ? r1 + stride : r0;
  const std::uint8_t* __restrict r3 = Rows > 3 ? r2 + stride : r0;
  const float w0 = weights[0];
  const float w1 = Rows > 1 ? weights[1] : 0.0F;
  const float w2 = Rows > 2 ? weights[2] : 0.0F;
  const float w3 = Rows > 3 ? weights[3] : 0.0F;
  for (int i = 0; i < bytes; ++i) {
    float sum = Add ? out[i] : 0.0F;
    sum += w0 * static_cast<float>(r0[i]);
    if constexpr (Rows > 1) sum += w1 * static_cast<float>(r1[i]);
    if constexpr (Rows > 2) sum += w2 * static_cast<float>(r2[i]);
    if constexpr (Rows > 3) sum += w3 * static_cast<float>(r3[i]);
    out[i] = sum;
  }
}

template <bool Add>
KERNEL void blend_up_to_4(const std::uint8_t* row, ptrdiff_t stride, const float* weights, int rows,
                          int bytes, float* out) {
  switch (rows) {
    case 1: return blend<1, Add>(row, stride, weights, bytes, out);
    case 2: return blend<2, Add>(row, stride, weights, bytes, out);
    case 3: return blend<3, Add>(row, stride, weights, bytes, out);
    default: return blend<4, Add>(row, stride, weights, bytes, out);
  }
}

KERNEL void blend_rows(const std::uint8_t* row, ptrdiff_t stride, const float* weights, int taps,
                       int bytes, float* out) {
  // Taps that only pad an output's weights to the common number would cost a pass each.
  while (taps > 1 && weights[taps - 1] == 0.0F) --taps;
  while (taps > 1 && weights[0] == 0.0F) {
    --taps;
    ++weights;
    row += stride;
  }
  blend_up_to_4<false>(row, stride, weights, taps, bytes, out);
  for (int done = 4; done < taps; done += 4) {
    blend_up_to_4<true>(row + done * stride, stride, weights + done, taps - done, bytes, out);
  }
}

template <int Pixel, int Samples>
KERNEL void filter_pixels(const float* __restrict row, const std::uint8_t* offsets,
                          const AxisFilter& filter, float* const* out) {
  const int taps = filter.taps;
  const size_t outputs = filter.first.size();
  const std::int32_t* __restrict first = filter.first.data();
  const float* __restrict weights = filter.weights.data();
  const float* __restrict in[3];
  float* __restrict to[3];
  for (int s = 0; s < Samples; ++s) {
    in[s] = row + offsets[s];
    to[s] = out[s];
  }
  for (size_t o = 0; o < outputs; ++o) {
    float sums[Samples] = {};
    ptrdiff_t at = static_cast<ptrdiff_t>(first[o]) * Pixel;
    for (int k = 0; k < taps; ++k, at += Pixel) {
      for (int s = 0; s < Samples; ++s) sums[s] += weights[k] * in[s][at];
    }
    for (int s = 0; s < Samples; ++s) to[s][o] = sums[s];
    weights += taps;
  }
}

KERNEL void filter_row(const float* row, int pixel, const std::uint8_t* offsets,
                       const AxisFilter& filter, float* const* out) {
  switch (pixel) {
    case 1: return filter_pixels<1, 1>(row, offsets, filter, out);
    case 2: return filter_pixels<2, 2>(row, offsets, filter, out);
    case 3: return filter_pixels<3, 3>(row, offsets, filter, out);
    default: return filter_pixels<4, 3>(row, offsets, filter, out);
  }
}

template <int Inputs>
KERNEL void map_channel(const float* const* in, const ColorTransform& color, size_t channel,
                        int count, float* __restrict out) {
  const float* __restrict a = in[0];
  const float* __restrict b = in[Inputs > 1 ? 1 : 0];
  const float* __restrict c = in[Inputs > 2 ? 2 : 0];
  const auto [wa, wb, wc] = color.weights[channel];
  const float offset = color.offset[channel];
  const float low = color.low[channel];
  const float high = color.high[channel];
  for (int i = 0; i < count; ++i) {
    float value = offset + wa * a[i];
    if constexpr (Inputs > 1) value += wb * b[i];
    if constexpr (Inputs > 2) value += wc * c[i];
    value = value < low ? low : value;
    out[i] = value > high ? high : value;
  }
}

KERNEL void map_colors(const float* const* in, const ColorTransform& color, int count,
                       float* const* out) {
  for (size_t channel = 0; channel < static_cast<size_t>(color.channels); ++channel) {
    if (color.inputs == 1) {
      map_channel<1>(in, color, channel, count, out[channel]);
    } else {
      map_channel<3>(in, color, channel, count, out[channel]);
    }
  }
}

struct ToFloat32 {
  using Type = float;
  KERNEL static Type convert(float value) { return value; }
};

struct ToFloat16 {
  using Type = std::uint16_t;
  KERNEL static Type convert(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    // Normal: move the exponent's bias and round the 13 bits that go.
    const std::uint32_t normal =
        (magnitude - 0x38000000U + 0xfffU + ((magnitude >> 13) & 1U)) >> 13;
    // Subnormal: adding 0.5 makes the FPU round to multiples of 2^-24.
    const std::uint32_t small =
        std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3f000000U;
    const std::uint32_t half = magnitude < 0x38800000U ? small : normal;
    return static_cast<Type>(((bits >> 16) & 0x8000U) | half);
  }
};

struct ToBfloat16 {
  using Type = std::uint16_t;
  KERNEL static Type convert(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    return static_cast<Type>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
  }
};

struct ToUint8 {
  using Type = std::uint8_t;
  KERNEL static Type convert(float value) {
    return static_cast<Type>(static_cast<std::int32_t>(value + 0.5F));
  }
};

template <class To>
KERNEL void store(const float* const* rows, int channels, int count, void* target) {
  auto* __restrict out = static_cast<typename To::Type*>(target);
  const float* __restrict a = rows[0];
  if (channels == 1) {
    for (int i = 0; i < count; ++i) out[i] = To::convert(a[i]);
    return;
  }
  const float* __restrict b = rows[1];
  const float* __restrict c = rows[2];
  // A model info asks for 16384 pixels a row at most.
  // NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
  for (int i = 0; i < count; ++i) {
    out[3 * i] = To::convert(a[i]);
    out[3 * i + 1] = To::convert(b[i]);
    out[3 * i + 2] = To::convert(c[i]);
  }
  // NOLINTEND(bugprone-implicit-widening-of-multiplication-result)
}

// One set of functions for the CPU level that ATTRIBUTE names, and the table entry for it.
#define STAMP_OUT(level, ATTRIBUTE)                                                          \
  namespace level {                                                                          \
  ATTRIBUTE void blend_rows(const std::uint8_t* row, ptrdiff_t stride, const float* weights, \
                            int taps, int bytes, float* out) {                               \
    torchinfer::blend_rows(row, stride, weights, taps, bytes, out);                          \
  }                                                                                          \
  ATTRIBUTE void filter_row(const float* row, int pixel, const std::uint8_t* offsets,        \
                            const AxisFilter& filter, float* const* out) {                   \
    torchinfer::filter_row(row, pixel, offsets, filter, out);                                \
  }                                                                                          \
  ATTRIBUTE void map_colors(const float* const* in, const ColorTransform& color, int count,  \
                            float* const* out) {                                             \
    torchinfer::map_colors(in, color, count, out);                                           \
  }                                                                                          \
  ATTRIBUTE void store_f32(const float* const* rows, int channels, int count, void* out) {   \
    store<ToFloat32>(rows, channels, count, out);                                            \
  }                                                                                          \
  ATTRIBUTE void store_f16(const float* const* rows, int channels, int count, void* out) {   \
    store<ToFloat16>(rows, channels, count, out);                                            \
  }                                                                                          \
  ATTRIBUTE void store_bf16(const float* const* rows, int channels, int count, void* out) {  \
    store<ToBfloat16>(rows, channels, count, out);                                           \
  }                                                                                          \
  ATTRIBUTE void store_u8(const float* const* rows, int channels, int count, void* out) {    \
    store<ToUint8>(rows, channels, count, out);                                              \
  }                                                                                          \
  constexpr CpuKernels kKernels{#level,    blend_rows, filter_row, map_colors,               \
                                store_f32, store_f16,  store_bf16, store_u8};                \
  }

STAMP_OUT(baseline, )
#ifdef TORCHINFER_X86_LEVELS
STAMP_OUT(x86_64_v3, [[gnu::target("arch=x86-64-v3")]])
constexpr CpuKernels kLevels[] = {baseline::kKernels, x86_64_v3::kKernels};
#else
constexpr CpuKernels kLevels[] = {baseline::kKernels};
#endif

size_t count_usable_levels() {
#ifdef TORCHINFER_X86_LEVELS
  if (__builtin_cpu_supports("x86-64-v3")) return 2;
#endif
  return 1;
}

}  // namespace

std::span<const CpuKernels> usable_cpu_kernels() {
  static const size_t count = count_usable_levels();
  return std::span(kLevels).first(count);
}

}  // namespace torchinfer
