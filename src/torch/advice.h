// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "torch/graph_view.h"
#include "torch/model_tree.h"

namespace torchinfer {

/// What speaks against running a model as it is, in sentences that say what to do. `forward`: its
/// forward(), inlined, of the model as it was saved. Found by reading: what is doubtful is said to
/// be so.
std::vector<std::string> advise(const GraphView& forward, const ModelTree& tree, bool saved_frozen);

}  // namespace torchinfer
