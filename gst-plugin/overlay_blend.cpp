// SPDX-License-Identifier: LGPL-2.1-or-later
#include "overlay_blend.h"

#include <algorithm>
#include <optional>

namespace {

// The part of a frame's columns that a rectangle needs, as a frame of its own over the same memory.
struct Window {
  GstVideoFrame frame;  // borrowed from the whole frame: never unmapped
  int left;
};

// Columns can be cut out where each plane stores whole pixels, or whole groups of subsampled ones,
// one after the other.
std::optional<Window>
make_window (const GstVideoFrame &whole, int left, int right) {
  const GstVideoFormatInfo *format = whole.info.finfo;
  constexpr auto kUnfit =
      GST_VIDEO_FORMAT_FLAG_COMPLEX | GST_VIDEO_FORMAT_FLAG_TILED | GST_VIDEO_FORMAT_FLAG_PALETTE;
  if ((GST_VIDEO_FORMAT_INFO_FLAGS (format) & kUnfit) != 0)
    return std::nullopt;

  guint subsampling = 0;
  for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); c++)
    subsampling = std::max (subsampling, GST_VIDEO_FORMAT_INFO_W_SUB (format, c));
  const int group = 1 << subsampling;
  const int start = std::max (left, 0) & ~(group - 1);
  const int width = GST_VIDEO_INFO_WIDTH (&whole.info);
  const int end = std::min ((right + group - 1) & ~(group - 1), width);

  Window window = {whole, start};
  std::optional<gsize> offsets[GST_VIDEO_MAX_PLANES];
  for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); c++) {
    const auto plane = GST_VIDEO_FORMAT_INFO_PLANE (format, c);
    const auto pixel = GST_VIDEO_FORMAT_INFO_PSTRIDE (format, c);
    if (pixel <= 0)
      return std::nullopt;
    const gsize offset = gsize (start >> GST_VIDEO_FORMAT_INFO_W_SUB (format, c)) * pixel;
    if (offsets[plane] && *offsets[plane] != offset)
      return std::nullopt;
    offsets[plane] = offset;
  }
  for (guint plane = 0; plane < GST_VIDEO_FORMAT_INFO_N_PLANES (format); plane++)
    if (offsets[plane])
      window.frame.data[plane] = static_cast<guint8 *> (window.frame.data[plane]) + *offsets[plane];
  window.frame.info.width = end - start;
  return window;
}

bool
blend_rectangle (GstVideoOverlayRectangle *rectangle, GstVideoFrame *frame) {
  gint x, y;
  guint width, height;
  gst_video_overlay_rectangle_get_render_rectangle (rectangle, &x, &y, &width, &height);
  const int right = x + static_cast<int> (width), bottom = y + static_cast<int> (height);
  if (right <= 0 || bottom <= 0 || x >= GST_VIDEO_FRAME_WIDTH (frame) ||
      y >= GST_VIDEO_FRAME_HEIGHT (frame))
    return true;

  // The rectangle's own buffer: no copy is made as long as the flags agree.
  GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_unscaled_raw (
      rectangle, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  GstVideoInfo info;
  gst_video_info_set_format (&info, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  info.flags = static_cast<GstVideoFlags> (info.flags | GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA);
  GstVideoFrame source;
  if (!gst_video_frame_map (&source, &info, pixels, GST_MAP_READ))
    return false;
  gboolean done;
  if (auto window = make_window (*frame, x, right))
    done = gst_video_blend (&window->frame, &source, x - window->left, y, 1.0f);
  else
    done = gst_video_blend (frame, &source, x, y, 1.0f);
  gst_video_frame_unmap (&source);
  return done;
}

}  // namespace

bool
blend_overlay (GstVideoOverlayComposition *composition, GstVideoFrame *frame) {
  const guint count = gst_video_overlay_composition_n_rectangles (composition);
  for (guint i = 0; i < count; i++)
    if (!blend_rectangle (gst_video_overlay_composition_get_rectangle (composition, i), frame))
      return false;
  return true;
}
