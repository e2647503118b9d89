// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <set>
#include <string>

namespace torchinfer {

/// Adds to `missing` the operators that one source file of an archive calls and that this libtorch
/// has not, as "namespace::name", at most 100 in all. `record` is for messages. Nothing is
/// compiled. Throws what libtorch throws where it is no TorchScript.
void find_missing_operators(const std::string& record, const std::string& code,
                            std::set<std::string>& missing);

}  // namespace torchinfer
