// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever the code of a model holds, it is refused by an exception, or what is found is forbidden.
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>

#include "torch/code_scan.h"
#include "torch/forbidden.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace torchinfer;
  std::string name;
  try {
    name = find_forbidden_name("fuzz", {reinterpret_cast<const char*>(data), size});
  } catch (const std::exception&) {
    return 0;  // no TorchScript, or too deep
  }
  if (!name.empty() && !is_forbidden_name(name) && !is_forbidden_operator("prim::" + name) &&
      !has_forbidden_class(name))
    std::abort();
  return 0;
}
