// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_caps.h"

namespace {

using torchinfer::ChromaSite;
using torchinfer::ColorMatrix;
using torchinfer::ColorRange;
using torchinfer::PixelFormat;

std::optional<PixelFormat>
pixel_format (GstVideoFormat format) {
  switch (format) {
    case GST_VIDEO_FORMAT_I420: return PixelFormat::kI420;
    case GST_VIDEO_FORMAT_YV12: return PixelFormat::kYV12;
    case GST_VIDEO_FORMAT_NV12: return PixelFormat::kNV12;
    case GST_VIDEO_FORMAT_NV21: return PixelFormat::kNV21;
    case GST_VIDEO_FORMAT_RGB: return PixelFormat::kRgb;
    case GST_VIDEO_FORMAT_BGR: return PixelFormat::kBgr;
    case GST_VIDEO_FORMAT_RGBA: return PixelFormat::kRgba;
    case GST_VIDEO_FORMAT_BGRA: return PixelFormat::kBgra;
    case GST_VIDEO_FORMAT_RGBx: return PixelFormat::kRgbx;
    case GST_VIDEO_FORMAT_BGRx: return PixelFormat::kBgrx;
    case GST_VIDEO_FORMAT_ARGB: return PixelFormat::kArgb;
    case GST_VIDEO_FORMAT_ABGR: return PixelFormat::kAbgr;
    case GST_VIDEO_FORMAT_GRAY8: return PixelFormat::kGray8;
    default: return std::nullopt;
  }
}

// The height at which GstVideoInfo changes its own defaults.
bool
is_high_definition (const GstVideoInfo &info) {
  return info.height > 576;
}

ColorMatrix
color_matrix (const GstVideoInfo &info) {
  if (!GST_VIDEO_INFO_IS_YUV (&info))
    return ColorMatrix::kRgb;
  switch (info.colorimetry.matrix) {
    case GST_VIDEO_COLOR_MATRIX_RGB: return ColorMatrix::kRgb;
    case GST_VIDEO_COLOR_MATRIX_FCC: return ColorMatrix::kFcc;
    case GST_VIDEO_COLOR_MATRIX_BT709: return ColorMatrix::kBt709;
    case GST_VIDEO_COLOR_MATRIX_BT601: return ColorMatrix::kBt601;
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M: return ColorMatrix::kSmpte240m;
    case GST_VIDEO_COLOR_MATRIX_BT2020: return ColorMatrix::kBt2020;
    default: break;
  }
  return is_high_definition (info) ? ColorMatrix::kBt709 : ColorMatrix::kBt601;
}

ColorRange
color_range (const GstVideoInfo &info) {
  switch (info.colorimetry.range) {
    case GST_VIDEO_COLOR_RANGE_0_255: return ColorRange::kFull;
    case GST_VIDEO_COLOR_RANGE_16_235: return ColorRange::kLimited;
    default: return GST_VIDEO_INFO_IS_YUV (&info) ? ColorRange::kLimited : ColorRange::kFull;
  }
}

ChromaSite
chroma_site (const GstVideoInfo &info) {
  const auto site = info.chroma_site;
  if (site == GST_VIDEO_CHROMA_SITE_UNKNOWN)
    return {is_high_definition (info), false};
  return {
      (site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0, (site & GST_VIDEO_CHROMA_SITE_V_COSITED) != 0};
}

}  // namespace

std::optional<torchinfer::ImageFormat>
gst_torch_image_format (const GstVideoInfo &info) {
  const auto format = pixel_format (GST_VIDEO_INFO_FORMAT (&info));
  if (!format)
    return std::nullopt;
  torchinfer::ImageFormat image;
  image.format = *format;
  image.width = GST_VIDEO_INFO_WIDTH (&info);
  image.height = GST_VIDEO_INFO_HEIGHT (&info);
  image.color.matrix = color_matrix (info);
  image.color.range = color_range (info);
  image.color.chroma = chroma_site (info);
  return image;
}

GstClockTime
gst_torch_frame_duration (const GstCaps *caps) {
  const auto structure = gst_caps_get_structure (caps, 0);
  gint numerator = 0, denominator = 1;
  for (const auto field : {"framerate", "max-framerate"})
    if (gst_structure_get_fraction (structure, field, &numerator, &denominator) && numerator > 0)
      return gst_util_uint64_scale_int_ceil (GST_SECOND, denominator, numerator);
  return gst_util_uint64_scale_int_ceil (GST_SECOND, 1, 30);
}
