// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace torchinfer {

/// Whether an operator, named as in a graph ("aten::save"), reads or writes files or the network.
bool is_forbidden_operator(std::string_view qualified_name);

/// Whether some forbidden operator has this name without its namespace ("save").
bool is_forbidden_name(std::string_view name);

/// Whether a type's name is that of a class built into libtorch that opens files, shared objects or
/// connections ("__torch__.torch.classes.c10d.Store").
bool is_forbidden_class(std::string_view qualified_name);

}  // namespace torchinfer
