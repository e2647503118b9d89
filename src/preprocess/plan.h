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
/// A model sees what it would see in Python from torchvision's transforms for Pillow images, byte
/// for byte before the value ranges. Not for the sake of the last bit: on smooth or enlarged frames
/// a resize without Pillow's rounding (torchvision's own of float tensors among them) was seen to
/// change the scores of a well-known classifier by 0.3. In steps:
/// 1. Each pixel becomes R, G, B in 0..255: chroma of half resolution is interpolated linearly from
///    where the chroma site says it lies, then the frame's matrix and range, clamped and rounded to
///    a byte. Halves may go either way, since this step is done in single precision; the others are
///    exact. Pixels of limited-range R'G'B' and gray are stretched likewise.
/// 2. A model of one channel gets luma: Y of Y'CbCr and gray frames, of R'G'B' Pillow's "L", which
///    is (19595 R + 38470 G + 7471 B) / 65536. A gray frame becomes R = G = B for other models.
/// 3. Pillow's resize, across and then down, each with antialiasing and rounded to bytes; crop or
///    padding; then the value ranges. All CPUs give the same bytes.

/// Everything about turning frames of one format into one input tensor that can be computed ahead:
/// geometry, filter taps, colour matrix, the bits of each value. One implementation for all
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
