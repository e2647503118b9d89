// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "core/status.h"
#include "report/contact_sheet.h"
#include "report/frame_log.h"

namespace torchinfer::report {

/// A contact sheet of a run, BGR: lines spread evenly over its log, each with the picture that the
/// log's frame number names in `video`, which has all frames of the run whichever of them have a
/// line. kInvalidArgument where the numbers do not grow from line to line, as in a log of several
/// runs; what read_frames() fails with. `frames` not empty. Blocks.
Result<cv::Mat> make_run_sheet(const std::string& video, const std::vector<Frame>& frames,
                               const SheetLayout& layout);

}  // namespace torchinfer::report
