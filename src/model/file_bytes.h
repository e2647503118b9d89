// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"
#include "model/model_file.h"

namespace torchinfer {

/// Reads a regular file of 0..`cap` bytes whole. `what` names its role in errors ("model file").
/// Opens it once, so size, kind and content belong to one file; never waits on a FIFO or a device.
/// Thread-safe. kNotFound, kUnreadable (no regular file, no permission, changed while
/// it was read), kTooLarge, kOutOfMemory.
Result<Bytes> read_file(const std::string& path, std::uint64_t cap, std::string_view what);

/// The same bytes as text.
inline std::string_view as_text(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace torchinfer
