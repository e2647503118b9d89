// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>

#include "bench/measure.h"

namespace torchinfer::bench {

inline Outcome outcome(double rate, std::chrono::milliseconds latency, std::uint64_t skipped = 0) {
  Outcome outcome;
  outcome.rate = rate;
  outcome.frames = 1000;
  outcome.skipped = skipped;
  outcome.cores = 1.5;
  outcome.mean_batch = 1.0;
  for (int i = 0; i < 1000; ++i) outcome.latency.add(latency);
  return outcome;
}

/// A setting that does `rate` frames a second, and, where it comes to `demand`, brings those of
/// cameras in `latency`.
inline Row row(const Setting& setting, double rate, double demand,
               std::chrono::milliseconds latency, std::uint64_t skipped = 0) {
  Row row{.setting = setting};
  row.files = outcome(rate, std::chrono::milliseconds(400));
  if (rate >= demand) row.cameras = outcome(demand, latency, skipped);
  row.engine.facts.batch_size = setting.batch_size;
  row.engine.facts.precision = Precision::kFp32;
  row.engine.facts.runtime = "a runtime";
  row.engine.facts.optimisation = "none";
  row.engine.model_path = "/models/a net.pt";
  row.engine.model_sha256 = "0b9d1f5c2a77aaaa";
  return row;
}

}  // namespace torchinfer::bench
