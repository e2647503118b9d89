// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "core/status.h"

namespace torchinfer::report {

/// Decodes a video file and hands frames to `take`, in order, as 8-bit BGR that is valid during the
/// call. Only those are handed over whose position, from 0, is in `positions` (sorted); decoding
/// ends after the last of them. kUnreadable with what GStreamer said; a file that ends early is an
/// error too. gst_init() was called before. Blocks; not for streaming threads.
Status read_frames(const std::string& path, const std::vector<std::size_t>& positions,
                   const std::function<void(std::size_t, const cv::Mat&)>& take);

}  // namespace torchinfer::report
