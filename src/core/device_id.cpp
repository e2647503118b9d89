// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/device_id.h"

#include <charconv>

namespace torchinfer {

Result<DeviceId> parse_device_id(std::string_view text) {
  if (text == "auto") return DeviceId{DeviceId::Kind::kAuto, 0};
  if (text == "cpu") return DeviceId{DeviceId::Kind::kCpu, 0};
  if (text == "cuda") return DeviceId{DeviceId::Kind::kCuda, 0};
  constexpr std::string_view kPrefix = "cuda:";
  if (text.starts_with(kPrefix)) {
    const auto digits = text.substr(kPrefix.size());
    int index = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error == std::errc() && end == digits.data() + digits.size() && index >= 0)
      return DeviceId{DeviceId::Kind::kCuda, index};
  }
  return Status(
      Code::kInvalidArgument,
      "device \"" + std::string(text) + "\" is not one of auto, cpu, cuda, cuda:N (N = 0, 1, ...)");
}

std::string to_string(const DeviceId& device) {
  switch (device.kind) {
    case DeviceId::Kind::kAuto: return "auto";
    case DeviceId::Kind::kCpu: return "cpu";
    case DeviceId::Kind::kCuda: return "cuda:" + std::to_string(device.index);
  }
  return "unknown";
}

}  // namespace torchinfer
