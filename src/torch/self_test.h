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
/// Noise is the same in each run of a process. Not thread-safe, not to be used under InferenceMode.
class SelfTest {
 public:
  /// Runs the model as loaded for the first time. Fails with what that says.
  static Result<SelfTest> start(Program loaded, const InputSpec& input);

  /// The outputs of one item, as the model as loaded gives them.
  const std::vector<OutputFacts>& outputs() const { return outputs_; }
  /// Whether the same input gives the same answer; where not, compare() looks at shapes only.
  bool repeatable() const { return repeatable_; }
  /// Whether a form that compare() has seen writes into the tensor that it is given, be it the same
  /// values.
  bool writes_input() const { return writes_input_; }
  const Program& loaded() const { return loaded_; }
  const InputSpec& input() const { return input_; }

  struct Comparison {
    double difference = 0.0;  ///< largest |program - as loaded| / largest |as loaded|; infinity
                              ///< where only one of them is a number
    Duration time{0};         ///< of this forward, the first of its kind
  };

  /// Compares the rows of a batch. Fails with what the forward says, or with kBadOutput where
  /// outputs are missing or shaped otherwise.
  Result<Comparison> compare(const Program& program, int batch);

  /// Median of the forwards of a batch that fit into 0.3 s, after compare() has taken `first` for
  /// one; that, where it is longer.
  Duration time(const Program& program, int batch, Duration first);

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

/// Noise like images that have been normalised, or like bytes; the same each time.
at::Tensor noise_batch(const InputSpec& input, std::int64_t items);

}  // namespace torchinfer
