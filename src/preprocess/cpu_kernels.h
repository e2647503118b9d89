// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/export.h"
#include "preprocess/color_matrix.h"
#include "preprocess/filters.h"

namespace torchinfer {

/// 128, where chroma is zero, in sixteenths.
inline constexpr int kChromaZero = 128 * 16;

/// Rows that are filtered across together: vector registers hold one column of them.
inline constexpr int kLanes = 8;

/// kLanes rows of up to three channels, turned on their side: channel c of column i of row `lane`
/// is at first[c][i * step + lane].
struct TurnedRows {
  std::array<const std::uint8_t*, 3> first{};
  std::ptrdiff_t step = kLanes;
};

/// The inner loops, compiled for one level of the CPU. All levels write the same bytes. No output
/// overlaps another argument. Stateless and safe from any thread.
struct CpuKernels {
  const char* name;

  /// out[i] = (4 - quarters) * before[i] + quarters * after[i].
  void (*blend_chroma)(const std::uint8_t* before, const std::uint8_t* after, int quarters,
                       int count, std::uint16_t* out);

  /// Twice as many samples as `pairs`, for luma positions 2p and 2p + 1, from `chroma` in quarters,
  /// whose sample p is at chroma[p * step] and which has one more at either end. In sixteenths,
  /// less kChromaZero.
  void (*spread_chroma)(const std::uint16_t* chroma, int step, bool cosited, int pairs,
                        std::int16_t* out);

  /// Y as stored, U and V from spread_chroma() to R, G and B, rounded and clamped to 0..255.
  void (*yuv_to_rgb)(const std::uint8_t* y, const std::int16_t* u, const std::int16_t* v,
                     const YuvToRgb& matrix, int count, std::uint8_t* const* rgb);

  /// Stretches, rounds and clamps.
  void (*expand)(const std::uint8_t* in, const Expansion& expansion, int count, std::uint8_t* out);

  /// Pillow's "L" of pixels of `pixel` (3 or 4) bytes, with R, G and B at `offsets` in each.
  void (*rgb_to_luma)(const std::uint8_t* in, int pixel, const std::uint8_t* offsets, int count,
                      std::uint8_t* out);

  /// out[i * kLanes + lane] = rows[lane][i].
  void (*turn_rows)(const std::uint8_t* const* rows, int count, std::uint8_t* out);

  /// Filters each of `channels` (1 or 3) and turns the result back: output o of channel c of row
  /// `lane` goes to out[lane * row_stride + c * filter.first.size() + o]. Columns count from
  /// filter.begin.
  void (*filter_across)(const TurnedRows& in, int channels, const AxisFilter& filter,
                        std::ptrdiff_t row_stride, std::uint8_t* out);

  /// out[i] = sum over k of weights[k] * row k of `count` bytes at `first_row` + k * stride,
  /// rounded and clamped. `sums` is scratch of the same length.
  void (*filter_down)(const std::uint8_t* first_row, std::ptrdiff_t stride,
                      const std::int32_t* weights, int taps, int count, std::int32_t* sums,
                      std::uint8_t* out);
};

/// The kernels this CPU can run, the plainest first and the fastest last; at least one.
TORCHINFER_API std::span<const CpuKernels> usable_cpu_kernels();

}  // namespace torchinfer
