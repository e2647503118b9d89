// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"

namespace torchinfer {

/// One entry of a zip file's directory. Sizes in bytes; `name` is the whole path inside the zip.
struct ZipEntry {
  std::string name;
  std::uint64_t packed = 0;
  std::uint64_t unpacked = 0;
  std::uint64_t header_offset = 0;  ///< where its local header stands
  std::uint32_t crc32 = 0;          ///< of the unpacked bytes
  bool stored = false;              ///< not compressed
};

/// kCorruptModel: "<path> is damaged: <what>", and what to do.
Status damaged(const std::string& path, const std::string& what);

/// Reads the directory at the end of a zip or zip64 file and nothing else, so that a caller can add
/// up what it would unpack to. libtorch's reader cannot be asked for that: its constructor already
/// unpacks the record "version". It finds the directory where that reader finds it. `path` is for
/// messages. kCorruptModel: not a zip, or a damaged one. Thread-safe.
Result<std::vector<ZipEntry>> read_zip_directory(std::span<const std::byte> file,
                                                 const std::string& path);

/// Compares a stored entry's bytes with its checksum; libtorch's reader does not. Compressed
/// entries pass: inflating them finds most damage. kCorruptModel names the entry.
Status verify_zip_entry(std::span<const std::byte> file, const ZipEntry& entry,
                        const std::string& path);

/// CRC-32 as zip files use it.
std::uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace torchinfer
