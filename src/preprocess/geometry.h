// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/export.h"
#include "core/image_view.h"
#include "model/preprocess_params.h"

namespace torchinfer {

/// The way of a source rectangle into the model's input, in whole pixels: `source` is resized to
/// resized_width x resized_height, of which the rectangle at (crop_x, crop_y), as large as
/// `content`, is written to `content`. What `content` leaves free of the model's input is padding.
struct Geometry {
  Region source;          ///< in pixels of the frame
  int resized_width = 0;  ///< can be far wider than the model's input: only the crop is computed
  int resized_height = 0;
  int crop_x = 0;
  int crop_y = 0;
  Region content;  ///< in pixels of the model's input
  bool operator==(const Geometry&) const = default;
};

/// Note: [Rounding]
/// kShortSide follows torchvision's Resize(n) and CenterCrop: the longer side becomes
/// int(n * long / short), and the crop starts at round((size - crop) / 2), halves to even.
/// kLetterbox fills one side, rounds the other to the nearest pixel (halves to even, at least one
/// pixel), and where the padding is odd puts the smaller part left and above, as YOLO's exporters
/// do.
/// Takes what check_params() in plan.cpp lets through; cannot fail.
TORCHINFER_API Geometry make_geometry(const Region& source, const PreprocessParams& params);

}  // namespace torchinfer
