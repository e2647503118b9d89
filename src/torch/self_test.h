// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "core/clock.h"
#include "core/input_spec.h"
#include "core/status.h"
#include "engine/back_end.h"
#include "torch/program.h"

namespace torchinfer {

/// Compares forms of one model with the model as loaded, which sees one row of noise at a time.
/// Noise is the same in each run of a process. Not thread-safe.
class SelfTest {
 public:
  /// Runs the model as loaded for the first time. Fails with what that says.
  static Result<SelfTest> start(Program loaded, const InputSpec& input);

  /// The outputs of one item, as the model as loaded gives them.
  const std::vector<OutputFacts>& outputs() const { return outputs_; }
  /// Whether the same input gives the same answer; where not, compare() looks at shapes only.
  bool repeatable() const { return repeatable_; }
  /// Whether the model writes into the tensor that it is given.
  bool writes_input() const { return writes_input_; }
  const Program& loaded() const { return loaded_; }

  /// The largest |program - as loaded| / largest |as loaded| over the rows of a batch; infinity
  /// where only one of them is a number. Fails with what the forward says, or with kBadOutput where
  /// outputs are missing or shaped otherwise.
  Result<double> compare(const Program& program, int batch);

  /// Median of a few forwards of a batch that compare() has passed. Bounded by about a second, or
  /// one forward.
  Duration time(const Program& program, int batch);

 private:
  SelfTest(Program loaded, const InputSpec& input);
  at::Tensor rows(int batch);
  Result<const Outputs*> reference(int row);

  Program loaded_;
  InputSpec input_;
  at::Tensor noise_;                 ///< kDistinctRows items
  std::vector<Outputs> references_;  ///< of the model as loaded, by row of noise_, made when needed
  std::vector<OutputFacts> outputs_;
  bool repeatable_ = true;
  bool writes_input_ = false;
};

/// A batch of `batch` items at `data`, laid out as the spec says; shares the memory, owns nothing.
at::Tensor batch_tensor(const InputSpec& input, std::byte* data, std::int64_t batch);

}  // namespace torchinfer
