// SPDX-License-Identifier: LGPL-2.1-or-later
#include "overlay_lines.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "gst_mini_ptr.h"
#include "overlay_palette.h"

namespace {

constexpr int kSeam = 1;  // pixels on each side of the line

struct Strip {
  int left, top, right, bottom;  // right and bottom are outside
};

GstMiniPtr<GstBuffer>
fill_strip (const OverlayBox &box, const Strip &strip, int line_width) {
  const int width = strip.right - strip.left, height = strip.bottom - strip.top;
  GstMiniPtr<GstBuffer> buffer (
      gst_buffer_new_allocate (nullptr, gsize (width) * height * 4, nullptr));
  GstMapInfo map;
  if (!buffer || !gst_buffer_map (buffer.get (), &map, GST_MAP_WRITE))
    throw std::bad_alloc ();
  const std::uint32_t line = 0xFF000000u | kPalette[box.color % kPalette.size ()].line;
  const int right = box.x + box.width - 1, bottom = box.y + box.height - 1;
  auto out = map.data;
  for (int y = strip.top; y < strip.bottom; y++) {
    for (int x = strip.left; x < strip.right; x++, out += 4) {
      // How far inside the box: seam, line, seam from the edge inwards.
      const int depth =
          std::min (std::min (x - box.x, right - x), std::min (y - box.y, bottom - y));
      const bool in_line = depth >= kSeam && depth < line_width - kSeam;
      const std::uint32_t argb =
          in_line ? line : kSeamColor;  // both are premultiplied: opaque, and black
      std::memcpy (out, &argb, sizeof argb);
    }
  }
  gst_buffer_unmap (buffer.get (), &map);
  gst_buffer_add_video_meta (buffer.get (), GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  return buffer;
}

}  // namespace

int
box_line_width (int frame_width, int frame_height) {
  return std::max (std::min (frame_width, frame_height) / 270, 2) + 2 * kSeam;
}

void
draw_box_lines (const OverlayBox &box, int frame_width, int frame_height,
    const std::function<void (GstBuffer *pixels, int x, int y)> &emit) {
  const int width = box_line_width (frame_width, frame_height);
  const int right = box.x + box.width, bottom = box.y + box.height;
  // A box thinner than its lines is all line; then the lower and right strips have nothing left.
  const int inner_top = std::min (box.y + width, bottom),
            inner_bottom = std::max (bottom - width, inner_top);
  const int inner_left = std::min (box.x + width, right),
            inner_right = std::max (right - width, inner_left);
  const Strip strips[] = {
      {box.x, box.y, right, inner_top},
      {box.x, inner_bottom, right, bottom},
      {box.x, inner_top, inner_left, inner_bottom},
      {inner_right, inner_top, right, inner_bottom},
  };
  for (auto strip : strips) {
    strip.left = std::max (strip.left, 0);
    strip.top = std::max (strip.top, 0);
    strip.right = std::min (strip.right, frame_width);
    strip.bottom = std::min (strip.bottom, frame_height);
    if (strip.left >= strip.right || strip.top >= strip.bottom)
      continue;
    emit (fill_strip (box, strip, width).get (), strip.left, strip.top);
  }
}
