// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "engine/inspection.h"

namespace torchinfer {

/// The module's inspector; lives until the process ends.
Inspector& torch_inspector();

}  // namespace torchinfer
