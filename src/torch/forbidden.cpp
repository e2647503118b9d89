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
constexpr std::string_view kClasses = "torch.classes.";
constexpr std::array<std::string_view, 4> kClassNamespaces{"c10d", "dist_c10d", "dist_rpc", "aoti"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool is_forbidden_operator(std::string_view name) {
  return contains(kOperators, name) || contains(kNamespaces, name.substr(0, name.find("::")));
}

bool is_forbidden_name(std::string_view name) {
  return contains(kNamespaces, name) || contains(kClassNamespaces, name) ||
         std::ranges::any_of(kOperators,
                             [&](auto op) { return op.substr(op.find("::") + 2) == name; });
}

bool has_forbidden_class(std::string_view text) {
  for (auto at = text.find(kClasses); at != text.npos; at = text.find(kClasses, at)) {
    at += kClasses.size();
    const auto rest = text.substr(at);
    if (contains(kClassNamespaces, rest.substr(0, rest.find('.')))) return true;
  }
  return false;
}

}  // namespace torchinfer
