// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core/mat.hpp>

#include "bench/page.h"

namespace torchinfer::bench {

/// A line for each setting that was measured: on the left a bar of its frames a second, with a line
/// where the streams' sum is; on the right latency from p50 to p99. The recommended one stands out.
cv::Mat make_chart(const Findings& found);

}  // namespace torchinfer::bench
