// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever a file holds, its directory is refused with a text or lists entries whose sizes can be
// trusted, and looking at what they point to stays in the file.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "torch/zip_directory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace torchinfer;
  const auto explained = [](const Status& status) {
    return status.ok() || (status.code() == Code::kCorruptModel && !status.message().empty());
  };
  const auto file = std::as_bytes(std::span(data, size));
  const auto entries = read_zip_directory(file, "fuzz");
  if (!entries) {
    if (!explained(entries.status())) std::abort();
    return 0;
  }
  const bool good = std::ranges::all_of(*entries, [&](const ZipEntry& entry) {
    return entry.packed <= size && (!entry.stored || entry.packed == entry.unpacked) &&
           (entry.unpacked == 0 || entry.packed > 0) &&
           explained(verify_zip_entry(file, entry, "fuzz"));
  });
  if (!good) std::abort();
  return 0;
}
