// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/csrc/jit/api/module.h>

#include "core/status.h"
#include "engine/inspection.h"

namespace torchinfer {

/// See Inspection::profile(). Of one thread, whose number of intra-op threads it sets meanwhile.
Result<ProfileReport> profile_model(const torch::jit::Module& module,
                                    const ProfileRequest& request);

}  // namespace torchinfer
