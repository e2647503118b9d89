// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>

#include "core/clock.h"
#include "core/status.h"
#include "torch/program.h"
#include "torch/self_test.h"

namespace torchinfer {

/// A form in which a model might run. `make` may throw what libtorch throws.
struct Candidate {
  std::string name;
  std::function<Program()> make;
};

/// What the self-test allows. The fields' meaning is that of ModelFacts.
struct Selection {
  Program program;
  std::string optimisation;
  std::string optimisation_reason;
  int batch_size = 1;
  std::string batch_size_reason;
  double difference = 0.0;
  std::map<int, Duration> batch_times;
};

/// Tries candidates in turn, strongest first, and keeps the first whose rows equal those of the
/// model as loaded, within `tolerance`, at batch sizes 1, 2 and `wanted_batch` (0 = the smallest of
/// 1, 4, 8 within 5 % of the best rate). Where the model itself cannot be batched that far, the
/// batch size shrinks instead. Fails with the last candidate's reason when none is left.
Result<Selection> select_program(SelfTest& test, std::span<const Candidate> candidates,
                                 int wanted_batch, double tolerance);

}  // namespace torchinfer
