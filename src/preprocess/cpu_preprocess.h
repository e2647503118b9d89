// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "core/export.h"
#include "core/image_view.h"
#include "core/status.h"
#include "preprocess/cpu_kernels.h"
#include "preprocess/plan.h"

namespace torchinfer {

/// preprocess_on_cpu() with given kernels, for tests and benchmarks.
TORCHINFER_API Status preprocess_on_cpu_with(const CpuKernels& kernels, const PreprocessPlan& plan,
                                             const ImageView& image, std::byte* out);

}  // namespace torchinfer
