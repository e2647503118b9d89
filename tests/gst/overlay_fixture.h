// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>

#include "analytics_fixture.h"

// What the tests of classificationoverlay share.

namespace torchinfer {

struct Area {
  int x, y, width, height;
  bool operator==(const Area&) const = default;
};

inline std::vector<GstVideoOverlayRectangle*> rectangles_of(GstBuffer* buffer) {
  std::vector<GstVideoOverlayRectangle*> rectangles;
  if (const auto* meta = gst_buffer_get_video_overlay_composition_meta(buffer)) {
    for (guint i = 0; i < gst_video_overlay_composition_n_rectangles(meta->overlay); i++)
      rectangles.push_back(gst_video_overlay_composition_get_rectangle(meta->overlay, i));
  }
  return rectangles;
}

inline Area area_of(GstVideoOverlayRectangle* rectangle) {
  Area area;
  guint width, height;
  gst_video_overlay_rectangle_get_render_rectangle(rectangle, &area.x, &area.y, &width, &height);
  area.width = static_cast<int>(width);
  area.height = static_cast<int>(height);
  return area;
}

inline std::vector<Area> areas_of(const BufferPtr& buffer) {
  std::vector<Area> areas;
  for (auto* rectangle : rectangles_of(buffer.get())) areas.push_back(area_of(rectangle));
  return areas;
}

/// The pixels of a rectangle as it was drawn.
inline std::vector<guint8> pixels_of(GstVideoOverlayRectangle* rectangle) {
  return bytes_of(gst_video_overlay_rectangle_get_pixels_unscaled_raw(
      rectangle, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA));
}

/// Identity of the composition object: 0 without one.
inline guint composition_id(const BufferPtr& buffer) {
  const auto* meta = gst_buffer_get_video_overlay_composition_meta(buffer.get());
  return meta != nullptr ? gst_video_overlay_composition_get_seqnum(meta->overlay) : 0;
}

/// An overlay before a sink that shows composition metas, so that what is drawn can be looked at.
class AttachingOverlay : public Harness {
 public:
  explicit AttachingOverlay(const std::string& properties = "")
      : Harness("classificationoverlay" + properties) {
    gst_harness_add_propose_allocation_meta(get(), GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE,
                                            nullptr);
  }
};

/// The labels' panel of one frame with these classes, as pixels; empty if none was drawn.
inline std::vector<guint8> draw_panel(const Classes& classes, int width = 640, int height = 360,
                                      const std::string& properties = "") {
  AttachingOverlay overlay(properties);
  const auto caps = video_caps("I420", width, height);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter(frame).classes(classes);
  const auto out = overlay.process(std::move(frame));
  const auto rectangles = rectangles_of(out.get());
  return rectangles.empty() ? std::vector<guint8>() : pixels_of(rectangles.front());
}

}  // namespace torchinfer
