// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "core/status.h"

namespace torch::jit {
struct Module;
}  // namespace torch::jit

namespace torchinfer {

/// What a loaded module's code says, found without running it.
struct GraphFacts {
  std::vector<std::string> pinned_devices;  ///< devices written into the code, other than the CPU
};

/// Looks at every function and method that was compiled from the archive, once more after
/// Archive::check_code(): here names are resolved. kForbiddenOperator: one of them touches files or
/// the network. kUnsupported: there is no forward(), or it does not take
/// one tensor. `path` is for messages.
Result<GraphFacts> scan_graph(const torch::jit::Module& module, const std::string& path);

}  // namespace torchinfer
