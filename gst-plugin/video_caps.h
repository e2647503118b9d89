// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <optional>

#include "core/image_view.h"

/// The video formats whose pixels can be preprocessed, as a GStreamer list for caps templates; the
/// same set as torchinfer::PixelFormat.
#define GST_TORCH_VIDEO_FORMATS \
  "{ I420, YV12, NV12, NV21, RGB, BGR, RGBA, BGRA, RGBx, BGRx, ARGB, ABGR, GRAY8 }"

/// How the pixels of a stream are laid out and what they mean. Absent for a format outside
/// GST_TORCH_VIDEO_FORMATS. What the caps leave open is taken as GStreamer takes it: matrix and
/// chroma sites by the height, limited range for Y'CbCr and full range for the rest.
std::optional<torchinfer::ImageFormat> gst_torch_image_format (const GstVideoInfo &info);

/// How long a frame lasts, in ns, by the caps' frame rate or (variable rate) its upper bound; 1/30
/// s where they say neither.
GstClockTime gst_torch_frame_duration (const GstCaps *caps);
