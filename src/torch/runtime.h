// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include "core/status.h"

namespace torchinfer {

// Note [Process-wide switches]
// libtorch keeps some settings for the whole process. This module sets two of them when it is
// opened, and they hold for any other user of the same libtorch in the process (a Python
// application on the distribution's torch):
// - the profiling executor is off: under it, a module that optimize_for_inference() has changed
//   never returns from its second forward (seen with 2.6), and each new input shape costs seconds;
// - the tensor-expression fuser is off, for the same reason, should profiling come back on.
// A third, the engine for quantised operators, is set when a model that needs one is loaded.

/// Applies the two switches. Idempotent.
void set_up_process();

/// "libtorch 2.6.0, CPU capability AVX512".
std::string runtime_name();

/// runtime_name() and what else a bug report should hold.
std::string runtime_description();

/// Whether this CPU multiplies bfloat16; kUnsupported says what is missing.
Status check_bfloat16();

/// kUnsupported: float16 is for GPUs.
Status check_float16();

/// The engines for quantised operators that this libtorch has: "onednn, qnnpack".
std::string supported_engines();

/// Held by a model while the process's engine for quantised operators must stay as it is.
class QuantizedEngine;

/// Selects the engine that packed a model's weights: onednn, x86, fbgemm or qnnpack. The weights
/// run on no other. kUnsupported: this libtorch has no such engine, or a model that is still loaded
/// holds another one; kBadModelInfo: no such name. An empty name needs nothing and gives null.
/// Thread-safe.
Result<std::shared_ptr<const QuantizedEngine>> use_quantized_engine(const std::string& name);

/// Sets the number of intra-op threads for forwards of the calling thread, for good.
void set_lane_threads(int threads);

/// The same until the end of a scope.
class ScopedThreads {
 public:
  explicit ScopedThreads(int threads);
  ~ScopedThreads();
  ScopedThreads(const ScopedThreads&) = delete;
  ScopedThreads& operator=(const ScopedThreads&) = delete;

 private:
  int before_;
};

}  // namespace torchinfer
