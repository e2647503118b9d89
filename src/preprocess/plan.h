// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>

#include "core/export.h"
#include "core/image_view.h"
#include "core/status.h"
#include "model/preprocess_params.h"

namespace torchinfer {

/// Note: [Fidelity]
/// The result is that of turning each pixel into R'G'B' and then resizing and cropping with
/// torchvision, up to single-precision arithmetic, where its resize works on floats (v2 on float
/// tensors, antialias=True). Its resize of Pillow images and byte tensors rounds to 8 bits after
/// each pass, which moves values by 0.25 to 0.4 of 255 on average, 1 to 2 at most; float inputs are
/// not rounded here, since on average that would not bring them nearer. R'G'B' that overshoots
/// 0..255 is clamped after the resize, not before.

/// Everything about turning frames of one format into one input tensor that can be computed ahead:
/// geometry, filter taps, colour matrix with the value ranges folded in. One implementation for all
/// devices; the members are in plan_data.h, for the kernels alone. Immutable after make_plan(),
/// shared by tasks of one stream.
class PreprocessPlan;

/// `region` absent = the whole frame; otherwise nothing outside it has any influence, as if the
/// frame had been cropped first (chroma samples that the region's edge cuts are read whole).
/// The matrix of formats other than Y'CbCr is ignored; their range is not.
/// kUnsupported for a frame larger than 32768 pixels a side, and for Y'CbCr with ColorMatrix::kRgb;
/// kInvalidArgument for a region outside the frame or parameters outside the ranges of
/// PreprocessParams. Takes some 50 microseconds for a common input. Thread-safe.
TORCHINFER_API Result<std::shared_ptr<const PreprocessPlan>> make_plan(
    const ImageFormat& format, const std::optional<Region>& region, const PreprocessParams& params);

/// Writes one item, InputSpec::bytes() bytes, to `out` (64-byte aligned). Reads only the planes and
/// rows that the plan needs; strides may be of any size and sign. kInvalidArgument when
/// `image.format` is not the plan's or a plane that is needed is null, kUnsupported when the frame
/// is not in host memory, kOutOfMemory. Allocates nothing after a thread's first frame of a plan.
/// Many threads may run one plan at once.
TORCHINFER_API Status preprocess_on_cpu(const PreprocessPlan& plan, const ImageView& image,
                                        std::byte* out);

}  // namespace torchinfer
