// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/inspection.h"
#include "model/model_info.h"

namespace torchinfer::inspect {

// How values are written for people.

/// 11,689,512.
std::string grouped(std::int64_t number);
/// 46.8 MB.
std::string size_text(std::uint64_t bytes);
/// "float32, NCHW, 3x224x224".
std::string input_text(const InputSpec& input);
/// "short side 256, centre crop, bilinear, rgb, values -2.118 to 2.640".
std::string preprocess_text(const PreprocessParams& params);
/// "output_0 float32 1000".
std::string output_text(const std::string& name, DType dtype,
                        const std::vector<std::int64_t>& dims);
std::string_view activation_name(Activation activation);

}  // namespace torchinfer::inspect
