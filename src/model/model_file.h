// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/export.h"
#include "core/status.h"

namespace torchinfer {

using Bytes = std::vector<std::byte>;

/// Caps that are applied before memory is spent. In bytes.
struct ModelCaps {
  std::uint64_t file_bytes = std::uint64_t{4} << 30;
  std::uint64_t unpacked_bytes = std::uint64_t{8} << 30;  ///< sum over the archive's records
};

/// A model file's bytes, read once; all that follows (digest, extra files, load) works on these, so
/// a file replaced on disk meanwhile changes nothing. Immutable, thread-safe.
struct ModelFile {
  std::string path;
  std::shared_ptr<const Bytes> bytes;
  std::string sha256;  ///< 64 lower-case hex digits
};

/// Reads and digests. `expected_sha256` empty = any (case is ignored). kNotFound (also for an empty
/// path), kUnreadable (also for what is no regular file, is empty, or changes while it is read),
/// kTooLarge, kDigestMismatch (names both digests), kInvalidArgument (`expected_sha256` is no
/// digest), kOutOfMemory. Thread-safe.
TORCHINFER_API Result<ModelFile> read_model_file(const std::string& path,
                                                 const std::string& expected_sha256,
                                                 const ModelCaps& caps);

}  // namespace torchinfer
