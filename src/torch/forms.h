// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "core/status.h"
#include "torch/selection.h"
#include "torch/self_test.h"

namespace torchinfer {

class Archive;

/// The forms that are tried for each precision, strongest first: see select_program(). 0 = auto.
Result<Selection> select_fp32(SelfTest& test, int wanted_batch);

/// Loads a module of its own. kUnsupported where no form keeps the answers.
Result<Selection> select_bfloat16(SelfTest& test, const Archive& archive, const std::string& path,
                                  int wanted_batch);

}  // namespace torchinfer
