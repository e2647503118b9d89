// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/status.h"
#include "model/preprocess_params.h"

namespace torchinfer::inspect {

/// The first 64 frames of a video, decoded by GStreamer, converted to RGB and made into inputs of a
/// model by this project's own preprocessing. kUnreadable with what GStreamer said. Starts
/// GStreamer where nobody has.
Result<std::vector<std::vector<std::byte>>> read_clip(const std::string& path,
                                                      const PreprocessParams& params);

}  // namespace torchinfer::inspect
