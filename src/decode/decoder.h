// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/export.h"
#include "core/status.h"
#include "core/tensor_view.h"
#include "model/model_info.h"

namespace torchinfer {

/// One class of a frame or an object; its name is ModelInfo::labels[index].
struct Class {
  int index = 0;
  float score = 0.0F;  ///< 0..1 after the activation
  bool operator==(const Class&) const = default;
};

/// How a stream wants a model's output read. Immutable once shared; a live change makes a new plan
/// for the frames after it.
struct DecodePlan {
  std::shared_ptr<const ModelInfo> model;
  int top_k = 1;           ///< >= 1; more than there are classes = all of them
  float threshold = 0.0F;  ///< 0..1; classes below it are left out
};

/// Reads the outputs of one item into classes, best first; equal values of the model in order of
/// index. `outputs` are those of Lane::run(); the first one counts, with one number per class
/// (dims of 1 around it do not matter), of any type. What `classes` held is replaced, and is empty
/// after a failure; nothing is allocated where its capacity suffices. Thread-safe.
/// kBadOutput: no output, another shape, NaN or infinity in it, or values outside 0..1 where the
/// model is said to have applied its own activation. kBadLabels: a class count that differs from
/// the labels'.
TORCHINFER_API Status decode_classification(const DecodePlan& plan,
                                            std::span<const TensorView> outputs,
                                            std::vector<Class>& classes);

}  // namespace torchinfer
