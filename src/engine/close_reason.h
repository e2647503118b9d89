// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/export.h"

namespace torchinfer {

/// Why a batch was closed.
enum class CloseReason : std::uint8_t {
  kFull,        ///< it holds batch-size items
  kTimeout,     ///< its oldest item has waited for batch-timeout
  kNobodyLeft,  ///< no stream could add to it within batch-timeout
  kDrain,       ///< a stream asked for its results (EOS, a waiting query, drain)
};

/// The reason's name for logs and stats: full, timeout, nobody-left, drain.
TORCHINFER_API const char* to_string(CloseReason reason);

}  // namespace torchinfer
