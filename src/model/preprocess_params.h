// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>

#include "core/input_spec.h"

namespace torchinfer {

/// How a frame of any size becomes the model's height x width.
enum class ResizePolicy : std::uint8_t {
  kShortSide,  ///< torchvision: resize the shorter side to `resize_size`, keep the aspect,
               ///< centre-crop
  kSquash,     ///< resize to height x width, aspect not kept
  kLetterbox,  ///< resize to fit inside, keep the aspect, centre, fill the rest with `pad_value`
};

enum class Interpolation : std::uint8_t {
  kBilinear,
  kBicubic
};  ///< both antialiased, as in torchvision
enum class ColorOrder : std::uint8_t { kRgb, kBgr, kGray };

/// A linear map of 8-bit values: 0 becomes `min`, 255 becomes `max`.
struct ValueRange {
  double min = 0.0;
  double max = 255.0;
  bool operator==(const ValueRange&) const = default;
};

/// What the model expects of its input. Validated by parse_model_info(); whoever fills it by hand
/// keeps to the ranges named here.
struct PreprocessParams {
  InputSpec input;
  ResizePolicy resize = ResizePolicy::kShortSide;
  int resize_size =
      256;  ///< pixels; kShortSide only, >= max(input.height, input.width) so that the crop fits
  Interpolation interpolation = Interpolation::kBilinear;
  ColorOrder color = ColorOrder::kRgb;  ///< kGray exactly when input.channels is 1
  std::array<ValueRange, 3>
      ranges;           ///< per channel, in the model's channel order; 0..255 when dtype is uint8
  int pad_value = 114;  ///< 0..255, each channel, before `ranges`; kLetterbox only

  bool operator==(const PreprocessParams&) const = default;
};

}  // namespace torchinfer
