// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/status.h"

namespace torchinfer {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::kOk: return "Ok";
    case Code::kInvalidArgument: return "InvalidArgument";
    case Code::kNotFound: return "NotFound";
    case Code::kUnreadable: return "Unreadable";
    case Code::kTooLarge: return "TooLarge";
    case Code::kDigestMismatch: return "DigestMismatch";
    case Code::kCorruptModel: return "CorruptModel";
    case Code::kForbiddenOperator: return "ForbiddenOperator";
    case Code::kBadModelInfo: return "BadModelInfo";
    case Code::kBadLabels: return "BadLabels";
    case Code::kUnsupported: return "Unsupported";
    case Code::kNoDevice: return "NoDevice";
    case Code::kModuleMissing: return "ModuleMissing";
    case Code::kForeignLibtorch: return "ForeignLibtorch";
    case Code::kOutOfMemory: return "OutOfMemory";
    case Code::kForwardFailed: return "ForwardFailed";
    case Code::kBadOutput: return "BadOutput";
    case Code::kDeviceLost: return "DeviceLost";
    case Code::kHung: return "Hung";
    case Code::kCancelled: return "Cancelled";
    case Code::kInternal: return "Internal";
  }
  return "Unknown";
}

}  // namespace torchinfer
