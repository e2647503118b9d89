// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "bench/inputs.h"
#include "core/clock.h"
#include "core/status.h"
#include "engine/session.h"
#include "engine/statistics.h"

namespace torchinfer::bench {

/// How streams bring their frames.
struct Load {
  /// Frames a second of each stream, as a camera brings them: what finds no credit is skipped.
  /// 0: as files do, the next one when there is credit.
  double frame_rate = 0.0;
  Duration warm_up{0};
  Duration time{0};  ///< that is measured, after the warm-up
};

/// What came of a load. Of frames that were done in the measured time.
struct Outcome {
  double rate = 0.0;          ///< frames a second of all streams together
  Histogram latency;          ///< from a frame's arrival, preprocessing included, to its result
  Histogram preprocess;       ///< from the streams' beginning; empty for inputs that come ready
  std::uint64_t frames = 0;   ///< with a result
  std::uint64_t skipped = 0;  ///< for want of credit, or because the one before was not done
  double cores = 0.0;         ///< processor time of the whole process, by the time
  double mean_batch = 0.0;    ///< frames in a batch
};

/// The settings with which torchinference opens the session of a stream that brings its frames in
/// this way, all live properties at their defaults.
SessionSettings settings_of(const Load& load);

/// Feeds each session from a thread of its own. They ride on one engine, and nobody else on it. The
/// first status that is not ok ends it.
Result<Outcome> run_load(std::span<const std::unique_ptr<Session>> sessions, const Inputs& inputs,
                         const Load& load);

}  // namespace torchinfer::bench
