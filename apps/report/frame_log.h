// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"

namespace torchinfer::report {

struct ScoredLabel {
  std::string label;  ///< "?" where the model has no labels
  double score = 0.0;
};

struct Batch {
  std::uint64_t id = 0;
  std::uint64_t size = 0;  ///< frames or regions that rode in it, of all streams
};

/// One model's word on a frame or an object of it.
struct Analysis {
  std::string model;  ///< the first digits of the model file's SHA-256; empty if another element's
  std::optional<std::uint64_t> latency_ns;
  std::optional<Batch> batch;
  std::vector<ScoredLabel> classes;  ///< best first
};

/// What analyticsjson wrote of one frame, as far as a report needs it. Times in nanoseconds.
struct Frame {
  std::uint64_t number = 0;
  std::optional<std::uint64_t> stream_time;  ///< position in the video
  std::optional<std::int64_t> wall_clock;  ///< since 1970; only where this machine's clock gave it
  int width = 0;
  int height = 0;
  bool analysed = false;
  std::vector<Analysis> analyses;         ///< of the whole frame
  std::vector<Analysis> object_analyses;  ///< of all its objects
};

/// Reads JSON lines as analyticsjson writes them, schema 1.x. kInvalidArgument names the line that
/// is not one, `source` names the text; an empty text is one too.
Result<std::vector<Frame>> parse_frame_log(std::istream& text, const std::string& source);

/// The same from a file. kNotFound, kUnreadable, kInvalidArgument.
Result<std::vector<Frame>> read_frame_log(const std::string& path);

}  // namespace torchinfer::report
