// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever a NumPy file begins with, it is refused with a text or has items of a size that memory
// can be asked for.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/input_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace torchinfer;
  const auto header = parse_input_header({reinterpret_cast<const char*>(data), size});
  if (!header) {
    if (header.status().message().empty()) std::abort();
    return 0;
  }
  const auto bytes = header->item_bytes();
  if (bytes == 0 || bytes > std::size_t{1} << 43 || header->items < 0 || header->data_offset > size)
    std::abort();
  return 0;
}
