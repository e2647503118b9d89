// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "engine/inspection.h"

namespace torchinfer {

/// See Inspector::runtime().
RuntimeReport report_runtime();

}  // namespace torchinfer
