// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/export.h"
#include "core/status.h"

namespace torchinfer {

/// Where a model runs or a frame lies. A plain value.
struct DeviceId {
  enum class Kind { kAuto, kCpu, kCuda };
  Kind kind = Kind::kCpu;
  int index = 0;  ///< the CUDA device's ordinal, 0 for the others

  bool operator==(const DeviceId&) const = default;
};

/// Reads `auto`, `cpu`, `cuda` (device 0) or `cuda:N`. kInvalidArgument for anything else.
TORCHINFER_API Result<DeviceId> parse_device_id(std::string_view text);

/// The text that parse_device_id() reads back.
TORCHINFER_API std::string to_string(const DeviceId& device);

}  // namespace torchinfer
