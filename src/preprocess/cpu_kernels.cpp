// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Note: [Kernels]
// This file is compiled with -O3, and without contracting a multiplication and an addition into
// one, so that every level rounds alike. Each loop is written once, always inlined, and compiled
// for each level of the CPU, from which usable_cpu_kernels() chooses. Tables do what the compiler's
// own function multi-versioning does, but need no ifunc, which sanitizers and some C libraries
// lack, and let the tests run every level.
#include "preprocess/cpu_kernels.h"

#include <algorithm>
#include <bit>

#include "preprocess/cpu_kernels_avx2.h"

#define KERNEL [[gnu::always_inline]] inline

namespace torchinfer {
namespace {

using std::ptrdiff_t;
using std::size_t;

KERNEL std::uint8_t to_byte(std::int32_t value) {
  value = value < 0 ? 0 : value;
  return static_cast<std::uint8_t>(value > 255 ? 255 : value);
}

/// Rounded to nearest, halves to even: at this size a float has no bits left for a fraction.
KERNEL std::uint8_t to_byte(float value) {
  constexpr float kNoFraction = 3 << 22;
  return to_byte(std::bit_cast<std::int32_t>(value + kNoFraction) -
                 std::bit_cast<std::int32_t>(kNoFraction));
}

KERNEL void blend_chroma(const std::uint8_t* __restrict before,
                         const std::uint8_t* __restrict after, int quarters, int count,
                         std::uint16_t* __restrict out) {
  const auto near = static_cast<std::uint16_t>(4 - quarters);
  const auto far = static_cast<std::uint16_t>(quarters);
  for (int i = 0; i < count; ++i) {
    out[i] = static_cast<std::uint16_t>(near * before[i] + far * after[i]);
  }
}

template <int Step, bool Cosited>
KERNEL void spread(const std::uint16_t* __restrict chroma, int pairs,
                   std::int16_t* __restrict out) {
  for (ptrdiff_t p = 0; p < pairs; ++p) {
    const int here = chroma[p * Step];
    const int next = chroma[(p + 1) * Step];
    const int last = Cosited ? here : chroma[(p - 1) * Step];
    const int even = Cosited ? 4 * here : last + 3 * here;
    const int odd = Cosited ? 2 * here + 2 * next : 3 * here + next;
    out[2 * p] = static_cast<std::int16_t>(even - kChromaZero);
    out[2 * p + 1] = static_cast<std::int16_t>(odd - kChromaZero);
  }
}

KERNEL void spread_chroma(const std::uint16_t* chroma, int step, bool cosited, int pairs,
                          std::int16_t* out) {
  if (step == 1) {
    cosited ? spread<1, true>(chroma, pairs, out) : spread<1, false>(chroma, pairs, out);
  } else {
    cosited ? spread<2, true>(chroma, pairs, out) : spread<2, false>(chroma, pairs, out);
  }
}

KERNEL void yuv_to_rgb(const std::uint8_t* __restrict y, const std::int16_t* __restrict u,
                       const std::int16_t* __restrict v, const YuvToRgb& matrix, int count,
                       std::uint8_t* const* rgb) {
  const auto gain = static_cast<float>(matrix.luma.gain);
  const int black = matrix.luma.black;
  const auto red_v = static_cast<float>(matrix.v[0] / 16);
  const auto green_u = static_cast<float>(matrix.u[1] / 16);
  const auto green_v = static_cast<float>(matrix.v[1] / 16);
  const auto blue_u = static_cast<float>(matrix.u[2] / 16);
  std::uint8_t* __restrict red = rgb[0];
  std::uint8_t* __restrict green = rgb[1];
  std::uint8_t* __restrict blue = rgb[2];
  for (int i = 0; i < count; ++i) {
    const float grey = gain * static_cast<float>(y[i] - black);
    const auto cb = static_cast<float>(u[i]);
    const auto cr = static_cast<float>(v[i]);
    red[i] = to_byte(grey + red_v * cr);
    green[i] = to_byte(grey + (green_u * cb + green_v * cr));
    blue[i] = to_byte(grey + blue_u * cb);
  }
}

KERNEL void expand(const std::uint8_t* __restrict in, const Expansion& expansion, int count,
                   std::uint8_t* __restrict out) {
  const auto gain = static_cast<float>(expansion.gain);
  const int black = expansion.black;
  for (int i = 0; i < count; ++i) out[i] = to_byte(gain * static_cast<float>(in[i] - black));
}

template <int Pixel>
KERNEL void weigh(const std::uint8_t* __restrict in, const std::uint8_t* offsets, int count,
                  std::uint8_t* __restrict out) {
  const std::uint8_t* __restrict red = in + offsets[0];
  const std::uint8_t* __restrict green = in + offsets[1];
  const std::uint8_t* __restrict blue = in + offsets[2];
  for (ptrdiff_t i = 0; i < count; ++i) {
    // 0.299, 0.587 and 0.114 in units of 2^-16; they sum to one.
    const std::uint32_t sum =
        19595U * red[i * Pixel] + 38470U * green[i * Pixel] + 7471U * blue[i * Pixel] + 0x8000U;
    out[i] = static_cast<std::uint8_t>(sum >> 16);
  }
}

KERNEL void rgb_to_luma(const std::uint8_t* in, int pixel, const std::uint8_t* offsets, int count,
                        std::uint8_t* out) {
  pixel == 3 ? weigh<3>(in, offsets, count, out) : weigh<4>(in, offsets, count, out);
}

KERNEL void turn_rows(const std::uint8_t* const* rows, int count, std::uint8_t* __restrict out) {
  for (int i = 0; i < count; ++i) {
    for (int lane = 0; lane < kLanes; ++lane) out[i * kLanes + lane] = rows[lane][i];
  }
}

KERNEL void filter_across(const TurnedRows& in, int channels, const AxisFilter& filter,
                          ptrdiff_t row_stride, std::uint8_t* out) {
  const size_t outputs = filter.first.size();
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const std::int32_t* weights = filter.weights.data();
    for (size_t o = 0; o < outputs; ++o, weights += filter.taps) {
      const std::uint8_t* at = in.first[c] + filter.first[o] * in.step;
      std::int32_t sums[kLanes];
      std::fill_n(sums, kLanes, 1 << (kWeightBits - 1));
      for (int k = 0; k < filter.taps; ++k, at += in.step) {
        for (int lane = 0; lane < kLanes; ++lane) sums[lane] += weights[k] * at[lane];
      }
      for (int lane = 0; lane < kLanes; ++lane) {
        out[lane * row_stride + static_cast<ptrdiff_t>(c * outputs + o)] =
            to_byte(sums[lane] >> kWeightBits);
      }
    }
  }
}

template <int Rows>
KERNEL void add_rows(const std::uint8_t* first_row, ptrdiff_t stride, const std::int32_t* weights,
                     int count, std::int32_t* __restrict sums) {
  const std::uint8_t* __restrict r0 = first_row;
  const std::uint8_t* __restrict r1 = first_row + (Rows > 1 ? stride : 0);
  const std::uint8_t* __restrict r2 = first_row + (Rows > 2 ? 2 * stride : 0);
  const std::uint8_t* __restrict r3 = first_row + (Rows > 3 ? 3 * stride : 0);
  const std::int32_t w0 = weights[0];
  const std::int32_t w1 = Rows > 1 ? weights[1] : 0;
  const std::int32_t w2 = Rows > 2 ? weights[2] : 0;
  const std::int32_t w3 = Rows > 3 ? weights[3] : 0;
  for (int i = 0; i < count; ++i) {
    std::int32_t sum = sums[i] + w0 * r0[i];
    if constexpr (Rows > 1) sum += w1 * r1[i];
    if constexpr (Rows > 2) sum += w2 * r2[i];
    if constexpr (Rows > 3) sum += w3 * r3[i];
    sums[i] = sum;
  }
}

KERNEL void filter_down(const std::uint8_t* row, ptrdiff_t stride, const std::int32_t* weights,
                        int taps, int count, std::int32_t* __restrict sums,
                        std::uint8_t* __restrict out) {
  std::fill_n(sums, count, 1 << (kWeightBits - 1));
  for (; taps >= 4; taps -= 4, weights += 4, row += 4 * stride) {
    add_rows<4>(row, stride, weights, count, sums);
  }
  switch (taps) {
    case 3: add_rows<3>(row, stride, weights, count, sums); break;
    case 2: add_rows<2>(row, stride, weights, count, sums); break;
    case 1: add_rows<1>(row, stride, weights, count, sums); break;
    default: break;
  }
  for (int i = 0; i < count; ++i) out[i] = to_byte(sums[i] >> kWeightBits);
}

#ifdef TORCHINFER_X86_LEVELS
#define V3 [[gnu::target("arch=x86-64-v3")]]

namespace v3 {

V3 void blend_chroma(const std::uint8_t* before, const std::uint8_t* after, int quarters, int count,
                     std::uint16_t* out) {
  torchinfer::blend_chroma(before, after, quarters, count, out);
}

V3 void spread_chroma(const std::uint16_t* chroma, int step, bool cosited, int pairs,
                      std::int16_t* out) {
  torchinfer::spread_chroma(chroma, step, cosited, pairs, out);
}

V3 void expand(const std::uint8_t* in, const Expansion& expansion, int count, std::uint8_t* out) {
  torchinfer::expand(in, expansion, count, out);
}

V3 void rgb_to_luma(const std::uint8_t* in, int pixel, const std::uint8_t* offsets, int count,
                    std::uint8_t* out) {
  torchinfer::rgb_to_luma(in, pixel, offsets, count, out);
}

V3 void turn_rows(const std::uint8_t* const* rows, int count, std::uint8_t* out) {
  torchinfer::turn_rows(rows, count, out);
}

V3 void filter_down(const std::uint8_t* row, ptrdiff_t stride, const std::int32_t* weights,
                    int taps, int count, std::int32_t* sums, std::uint8_t* out) {
  torchinfer::filter_down(row, stride, weights, taps, count, sums, out);
}

}  // namespace v3
#endif

constexpr CpuKernels kLevels[] = {
    {"baseline", blend_chroma, spread_chroma, yuv_to_rgb, expand, rgb_to_luma, turn_rows,
     filter_across, filter_down},
#ifdef TORCHINFER_X86_LEVELS
    {"x86_64_v3", v3::blend_chroma, v3::spread_chroma, avx2::yuv_to_rgb, v3::expand,
     v3::rgb_to_luma, v3::turn_rows, avx2::filter_across, v3::filter_down},
#endif
};

size_t count_usable_levels() {
#ifdef TORCHINFER_X86_LEVELS
  return __builtin_cpu_supports("x86-64-v3") ? 2 : 1;
#else
  return 1;
#endif
}

}  // namespace

std::span<const CpuKernels> usable_cpu_kernels() {
  static const size_t count = count_usable_levels();
  return std::span(kLevels).first(count);
}

}  // namespace torchinfer
