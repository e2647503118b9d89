// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/export.h"
#include "preprocess/color_matrix.h"
#include "preprocess/filters.h"

namespace torchinfer {

/// The inner loops, compiled for one level of the CPU. Rows are planar floats; no two arguments
/// overlap. Stateless and safe from any thread.
struct CpuKernels {
  const char* name;

  /// out[i] = sum over k of weights[k] * row k of `bytes` bytes at `first_row` + k * stride.
  void (*blend_rows)(const std::uint8_t* first_row, std::ptrdiff_t stride, const float* weights,
                     int taps, int bytes, float* out);

  /// Filters a row of interleaved pixels of `pixel` values (1 to 4), which starts at filter.begin,
  /// and picks min(pixel, 3) samples of each:
  /// out[s][o] = sum over k of weights[o][k] * row[(first[o] + k) * pixel + offsets[s]].
  void (*filter_row)(const float* row, int pixel, const std::uint8_t* offsets,
                     const AxisFilter& filter, float* const* out);

  /// `count` pixels of in[0..color.inputs) to out[0..color.channels).
  void (*map_colors)(const float* const* in, const ColorTransform& color, int count,
                     float* const* out);

  /// Interleave `channels` (1 or 3) rows of `count` values into `out`, converted to float32,
  /// float16 or bfloat16 (to nearest, halves to even) or uint8 (halves up; values within 0..255).
  void (*store_f32)(const float* const* rows, int channels, int count, void* out);
  void (*store_f16)(const float* const* rows, int channels, int count, void* out);
  void (*store_bf16)(const float* const* rows, int channels, int count, void* out);
  void (*store_u8)(const float* const* rows, int channels, int count, void* out);
};

/// The kernels this CPU can run, the plainest first and the fastest last; at least one.
TORCHINFER_API std::span<const CpuKernels> usable_cpu_kernels();

}  // namespace torchinfer
