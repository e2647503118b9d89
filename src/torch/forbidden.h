// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace torchinfer {

/// Whether an operator, named as in a graph ("aten::save"), reads or writes files or the network.
bool is_forbidden_operator(std::string_view qualified_name);

/// Whether one part of a dotted name may lead to what is forbidden: an operator's name without its
/// namespace ("save"), or the namespace of operators or classes ("c10d").
bool is_forbidden_name(std::string_view name);

/// Whether a text holds the name of a class built into libtorch that opens files, shared objects or
/// connections ("__torch__.torch.classes.c10d.Store", "List[torch.classes.c10d.Store]").
bool has_forbidden_class(std::string_view text);

}  // namespace torchinfer
