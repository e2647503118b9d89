// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "core/status.h"
#include "engine/back_end.h"
#include "engine/session.h"
#include "model/model_file.h"
#include "model/model_info.h"

namespace torchinfer {

/// Everything that has to be known of a model before its engine can be looked for.
struct PreparedModel {
  BackEnd* back_end = nullptr;
  ModelFile file;
  std::shared_ptr<const ModelInfo> info;
};

/// Reads and digests the file, opens the back-end, looks into the archive and resolves the model
/// info; loads nothing. Works on a thread of its own, so that the application's never calls
/// libtorch, and waits for it. What open_back_end(), read_model_file(), BackEnd::inspect() and
/// resolve_model_info() fail with. Thread-safe; a few run at once and no more, since each holds its
/// file in memory.
Result<PreparedModel> prepare_model(const SessionRequest& request);

/// Whether the loaded model is what its info says: outputs and their shapes, labels and classes.
/// kBadModelInfo, kBadLabels with both numbers; kBadOutput where the first output is not one number
/// per class.
Status check_model(const ModelInfo& info, const ModelFacts& facts);

}  // namespace torchinfer
