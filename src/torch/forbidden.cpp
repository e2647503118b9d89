// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/forbidden.h"

#include <algorithm>
#include <array>

namespace torchinfer {
namespace {

// Found by reading the schemas that libtorch 2.6 to 2.14 register. Overloads (from_file.out) have
// the name of their operator.
constexpr std::array<std::string_view, 6> kOperators{
    "aten::save",      "aten::from_file",  "debugprims::load_tensor",
    "prim::rpc_async", "prim::rpc_remote", "prim::rpc_sync",
};
constexpr std::array<std::string_view, 5> kNamespaces{
    "c10d", "_c10d_functional", "_c10d_functional_autograd", "_dtensor", "symm_mem",
};
constexpr std::array<std::string_view, 4> kClasses{
    "__torch__.torch.classes.c10d.",
    "__torch__.torch.classes.dist_c10d.",
    "__torch__.torch.classes.dist_rpc.",
    "__torch__.torch.classes.aoti.",
};

std::string_view namespace_of(std::string_view name) { return name.substr(0, name.find("::")); }

}  // namespace

bool is_forbidden_operator(std::string_view name) {
  return std::ranges::find(kOperators, name) != kOperators.end() ||
         std::ranges::find(kNamespaces, namespace_of(name)) != kNamespaces.end();
}

bool is_forbidden_name(std::string_view name) {
  return std::ranges::find(kNamespaces, name) != kNamespaces.end() ||
         std::ranges::any_of(kOperators,
                             [&](auto op) { return op.substr(op.find("::") + 2) == name; });
}

bool is_forbidden_class(std::string_view name) {
  return std::ranges::any_of(kClasses, [&](auto prefix) { return name.starts_with(prefix); });
}

}  // namespace torchinfer
