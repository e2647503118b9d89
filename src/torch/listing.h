// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>

#include "core/status.h"
#include "engine/inspection.h"

namespace torchinfer {

/// See Inspection::listing(). May throw what libtorch throws.
Result<std::string> list_method(const torch::jit::Module& model, const ListingRequest& request);

}  // namespace torchinfer
