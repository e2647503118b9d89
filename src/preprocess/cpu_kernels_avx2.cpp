// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/cpu_kernels_avx2.h"

#ifdef TORCHINFER_X86_LEVELS

#include <immintrin.h>

#include <algorithm>

#define AVX2 [[gnu::target("arch=x86-64-v3")]]

namespace torchinfer::avx2 {
namespace {

static_assert(kLanes == 8, "one 256-bit register of 32-bit sums holds all lanes");

AVX2 inline __m128i load8(const std::uint8_t* from) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
}

/// Eight rows of eight bytes to eight columns; pairs[i] holds columns 2i and 2i + 1.
struct Turned {
  __m128i pairs[4];
};

AVX2 inline Turned turn(const __m128i (&rows)[8]) {
  const __m128i r04 = _mm_unpacklo_epi8(rows[0], rows[4]);
  const __m128i r15 = _mm_unpacklo_epi8(rows[1], rows[5]);
  const __m128i r26 = _mm_unpacklo_epi8(rows[2], rows[6]);
  const __m128i r37 = _mm_unpacklo_epi8(rows[3], rows[7]);
  const __m128i even_low = _mm_unpacklo_epi8(r04, r26);
  const __m128i even_high = _mm_unpackhi_epi8(r04, r26);
  const __m128i odd_low = _mm_unpacklo_epi8(r15, r37);
  const __m128i odd_high = _mm_unpackhi_epi8(r15, r37);
  return {{_mm_unpacklo_epi8(even_low, odd_low), _mm_unpackhi_epi8(even_low, odd_low),
           _mm_unpacklo_epi8(even_high, odd_high), _mm_unpackhi_epi8(even_high, odd_high)}};
}

AVX2 inline void store(const Turned& turned, std::uint8_t* out) {
  for (std::ptrdiff_t i = 0; i < 4; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16 * i), turned.pairs[i]);
  }
}

/// Sums in units of 2^-kWeightBits to bytes in the low half.
AVX2 inline __m128i to_bytes(__m256i sums) {
  const __m256i values = _mm256_srai_epi32(sums, kWeightBits);
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  return _mm_packus_epi16(words, words);
}

/// YuvToRgb for U and V in sixteenths.
struct Matrix {
  __m256i black;
  __m256 gain, red_v, green_u, green_v, blue_u;
};

AVX2 inline Matrix make_matrix(const YuvToRgb& matrix) {
  return {_mm256_set1_epi32(matrix.luma.black),
          _mm256_set1_ps(static_cast<float>(matrix.luma.gain)),
          _mm256_set1_ps(static_cast<float>(matrix.v[0] / 16)),
          _mm256_set1_ps(static_cast<float>(matrix.u[1] / 16)),
          _mm256_set1_ps(static_cast<float>(matrix.v[1] / 16)),
          _mm256_set1_ps(static_cast<float>(matrix.u[2] / 16))};
}

AVX2 inline __m256 load8_words(const std::int16_t* from) {
  return _mm256_cvtepi32_ps(
      _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}

/// Eight pixels to 32-bit R, G and B, not yet clamped; the arithmetic of the plain kernel, step by
/// step.
AVX2 inline void yuv_to_rgb8(const std::uint8_t* y, const std::int16_t* u, const std::int16_t* v,
                             const Matrix& m, __m256i (&rgb)[3]) {
  const __m256i luma = _mm256_sub_epi32(_mm256_cvtepu8_epi32(load8(y)), m.black);
  const __m256 grey = _mm256_mul_ps(m.gain, _mm256_cvtepi32_ps(luma));
  const __m256 cb = load8_words(u);
  const __m256 cr = load8_words(v);
  const __m256 green = _mm256_add_ps(_mm256_mul_ps(m.green_u, cb), _mm256_mul_ps(m.green_v, cr));
  rgb[0] = _mm256_cvtps_epi32(_mm256_add_ps(grey, _mm256_mul_ps(m.red_v, cr)));
  rgb[1] = _mm256_cvtps_epi32(_mm256_add_ps(grey, green));
  rgb[2] = _mm256_cvtps_epi32(_mm256_add_ps(grey, _mm256_mul_ps(m.blue_u, cb)));
}

AVX2 inline void yuv_to_rgb16(const std::uint8_t* y, const std::int16_t* u, const std::int16_t* v,
                              const Matrix& matrix, std::uint8_t* const* rgb, std::ptrdiff_t at) {
  __m256i low[3];
  __m256i high[3];
  yuv_to_rgb8(y + at, u + at, v + at, matrix, low);
  yuv_to_rgb8(y + at + 8, u + at + 8, v + at + 8, matrix, high);
  for (int c = 0; c < 3; ++c) {
    // Packing works on halves of the register, which puts the quarters in the order 0, 2, 1, 3.
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low[c], high[c]), 0xd8);
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rgb[c] + at), bytes);
  }
}

template <int Channels>
AVX2 inline void filter_outputs(const TurnedRows& in, const AxisFilter& filter,
                                std::ptrdiff_t row_stride, std::uint8_t* out) {
  const __m256i half = _mm256_set1_epi32(1 << (kWeightBits - 1));
  const int taps = filter.taps;
  const std::size_t outputs = filter.first.size();
  const std::int32_t* weights = filter.weights.data();
  for (std::size_t begin = 0; begin < outputs; begin += 8) {
    const std::size_t count = std::min<std::size_t>(8, outputs - begin);
    __m128i columns[Channels][8] = {};
    for (std::size_t i = 0; i < count; ++i, weights += taps) {
      __m256i sums[Channels];
      for (int c = 0; c < Channels; ++c) sums[c] = half;
      std::ptrdiff_t at = filter.first[begin + i] * in.step;
      for (int k = 0; k < taps; ++k, at += in.step) {
        const __m256i weight = _mm256_set1_epi32(weights[k]);
        for (int c = 0; c < Channels; ++c) {
          const __m256i samples = _mm256_cvtepu8_epi32(load8(in.first[c] + at));
          sums[c] = _mm256_add_epi32(sums[c], _mm256_mullo_epi32(samples, weight));
        }
      }
      for (int c = 0; c < Channels; ++c) columns[c][i] = to_bytes(sums[c]);
    }
    for (std::size_t c = 0; c < Channels; ++c) {
      // Turning is its own inverse.
      alignas(16) std::uint8_t rows[8 * kLanes];
      store(turn(columns[c]), rows);
      for (std::ptrdiff_t lane = 0; lane < kLanes; ++lane) {
        std::copy_n(rows + 8 * lane, count, out + lane * row_stride + c * outputs + begin);
      }
    }
  }
}

}  // namespace

AVX2 void yuv_to_rgb(const std::uint8_t* y, const std::int16_t* u, const std::int16_t* v,
                     const YuvToRgb& matrix, int count, std::uint8_t* const* rgb) {
  const Matrix constants = make_matrix(matrix);
  int i = 0;
  for (; i + 16 <= count; i += 16) yuv_to_rgb16(y, u, v, constants, rgb, i);
  const int rest = count - i;
  if (rest == 0) return;
  std::uint8_t last_y[16] = {};
  std::int16_t last_u[16] = {};
  std::int16_t last_v[16] = {};
  std::uint8_t last_rgb[3][16];
  std::uint8_t* const last[] = {last_rgb[0], last_rgb[1], last_rgb[2]};
  std::copy_n(y + i, rest, last_y);
  std::copy_n(u + i, rest, last_u);
  std::copy_n(v + i, rest, last_v);
  yuv_to_rgb16(last_y, last_u, last_v, constants, last, 0);
  for (int c = 0; c < 3; ++c) std::copy_n(last_rgb[c], rest, rgb[c] + i);
}

AVX2 void filter_across(const TurnedRows& in, int channels, const AxisFilter& filter,
                        std::ptrdiff_t row_stride, std::uint8_t* out) {
  if (channels == 1) {
    filter_outputs<1>(in, filter, row_stride, out);
  } else {
    filter_outputs<3>(in, filter, row_stride, out);
  }
}

}  // namespace torchinfer::avx2

#endif
