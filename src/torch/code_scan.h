// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace torchinfer {

/// Looks at one source file of an archive, of which nothing has been compiled, for a name by which
/// TorchScript could reach what is forbidden (torch/forbidden.h), and returns the first; empty:
/// there is none. `record` is for messages. Throws what libtorch throws where it is no TorchScript,
/// and std::runtime_error where it nests too deep for libtorch (torch/nesting.h).
///
/// Operators are reached as attributes (`torch.save`, `x.save`, `ops.c10d.f`, also without a call:
/// `f = torch.save`) or by getattr() with a literal, whatever name getattr() has been given;
/// classes also by a literal in the place of a type. So attributes, methods and submodules of a
/// forbidden name are found although they are harmless; variables, arguments, dict keys, other
/// literals and comments of that name are not.
std::string find_forbidden_name(const std::string& record, const std::string& code);

}  // namespace torchinfer
