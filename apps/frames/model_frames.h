// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/status.h"
#include "model/preprocess_params.h"

namespace torchinfer::frames {

/// What a model is given of a video, as torchinference would give it.
struct ModelFrames {
  std::vector<std::vector<std::byte>> items;  ///< of InputSpec::bytes() each, in their order
  std::size_t every = 1;                      ///< items are the frames 0, every, 2 * every, ...
  std::size_t decoded = 0;                    ///< frames that the file has
};

/// Decodes a video or picture file and preprocesses frames of it by the element's own mapper and
/// kernels. At most `most` (>= 2) are kept, evenly spread over the file, whose length need not be
/// known: memory is bounded by them. kUnreadable with what GStreamer said, kUnsupported for frames
/// that cannot be preprocessed, and what make_plan() says. gst_init() was called before. Blocks;
/// not for streaming threads.
Result<ModelFrames> read_model_frames(const std::string& path, const PreprocessParams& params,
                                      std::size_t most);

}  // namespace torchinfer::frames
