// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The kernels that compilers cannot be relied on to vectorise; see CpuKernels. Only CPUs of
// level x86-64-v3 may call them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preprocess/cpu_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && (!defined(__clang__) || __clang_major__ >= 19)
#define TORCHINFER_X86_LEVELS 1

namespace torchinfer::avx2 {

void yuv_to_rgb(const std::uint8_t* y, const std::int16_t* u, const std::int16_t* v,
                const YuvToRgb& matrix, int count, std::uint8_t* const* rgb);
void filter_across(const TurnedRows& in, int channels, const AxisFilter& filter,
                   std::ptrdiff_t row_stride, std::uint8_t* out);

}  // namespace torchinfer::avx2

#endif
