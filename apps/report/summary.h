// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/frame_log.h"

namespace torchinfer::report {

/// Latency from a frame's submission to its result, in milliseconds.
struct Latency {
  double p50 = 0.0;
  double p95 = 0.0;
  double p99 = 0.0;
  double most = 0.0;
};

/// A label that was first of its frame or object.
struct LabelCount {
  std::string label;
  std::size_t count = 0;
  double mean_score = 0.0;
};

struct Summary {
  std::size_t frames = 0;
  std::size_t analysed = 0;
  int width = 0;  ///< of the first frame
  int height = 0;
  std::optional<double> video_seconds;  ///< first to last position, and one frame more
  std::optional<double> run_seconds;    ///< first to last frame by this machine's clock
  std::size_t batches = 0;
  double mean_batch_size = 0.0;
  std::uint64_t largest_batch = 0;
  std::optional<Latency> latency;   ///< absent when no analysis says its own
  std::vector<std::string> models;  ///< in order of appearance
  std::vector<LabelCount> labels;   ///< most frequent first, equal counts by name
};

/// `frames` not empty. Percentiles are by nearest rank: a value that occurred.
Summary summarise(const std::vector<Frame>& frames);

/// A page of a few lines for people; `title` heads it, at most `label_count` labels are named.
void print(std::ostream& out, const std::string& title, const Summary& summary,
           std::size_t label_count);

}  // namespace torchinfer::report
