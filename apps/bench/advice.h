// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "bench/measure.h"

namespace torchinfer::bench {

/// Which setting to take for some streams.
struct Advice {
  std::size_t row = 0;         ///< that can be measured
  bool keeps_up = false;       ///< it can do every frame of every stream
  int inference_interval = 1;  ///< look at every Nth frame; more than 1 where it does not
};

/// Part of a setting's capacity that the streams may take: the rest is for what is not measured,
/// decoding most of all, and for unlucky moments.
constexpr double kUsable = 0.8;

/// Of the settings that did all of the plan's frames as cameras bring them, and with capacity to
/// spare, the one with the shortest latency of 99 % of the frames; among those within a tenth of
/// that, the one with the fewest threads and then the smallest batch. Where none did, the fastest,
/// and the interval with which it would. At least one row is measured.
Advice advise(const std::vector<Row>& rows, int streams, double frame_rate);

/// `text` as a word for a shell: in single quotes unless it is plain.
std::string shell_word(const std::string& text);

/// torchinference with its properties, to be copied into a gst-launch-1.0 line.
std::string launch_line(const Row& row, const Advice& advice, const SessionRequest& model);

}  // namespace torchinfer::bench
