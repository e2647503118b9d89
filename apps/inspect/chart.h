// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

#include "engine/inspection.h"

namespace torchinfer::inspect {

/// Bars of a profile: for each form of the model its operators and its modules, dearest first, with
/// milliseconds of one forward. `model` is its path, for the title.
cv::Mat draw_profile(const std::string& model, const ProfileReport& profile);

}  // namespace torchinfer::inspect
