// SPDX-License-Identifier: LGPL-2.1-or-later
#include "overlay_painter.h"

#include <algorithm>

#include "overlay_lines.h"

namespace {

constexpr auto kPremultiplied = GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA;

// Even positions keep text from smearing over the chroma samples of 4:2:0 video.
int
even (int value) {
  return value & ~1;
}

GstVideoOverlayRectangle *
make_rectangle (GstBuffer *pixels, int x, int y) {
  const auto meta = gst_buffer_get_video_meta (pixels);
  return gst_video_overlay_rectangle_new_raw (
      pixels, x, y, meta->width, meta->height, kPremultiplied);
}

// The frame's size and the colour are the whole cache's, see paint().
std::string
caption_key (const OverlayRow &row, int max_width) {
  std::string key = std::to_string (row.label) + '/' + row.score + '/' + std::to_string (row.fill) +
                    '/' + std::to_string (row.color) + '/' + std::to_string (max_width);
  if (row.track)
    key += '#' + std::to_string (*row.track);
  return key;
}

}  // namespace

GstVideoOverlayComposition *
OverlayPainter::paint (const OverlayScene &scene) {
  if (scene == scene_)
    return composition_.get ();

  if (scene.width != scene_.width || scene.height != scene_.height ||
      scene.text_color != scene_.text_color)
    clear ();
  scene_ = OverlayScene ();  // if drawing throws, nothing half-made is taken for this scene
  composition_.reset ();
  generation_++;
  for (const auto &box : scene.boxes) {
    draw_box_lines (box, scene.width, scene.height,
        [this] (GstBuffer *pixels, int x, int y) { add (make_rectangle (pixels, x, y)); });
  }
  for (const auto &box : scene.boxes)
    if (box.caption)
      add_caption (scene, box);
  add_panel (scene);
  forget_unused_captions ();
  scene_ = scene;
  return composition_.get ();
}

void
OverlayPainter::clear () {
  scene_ = OverlayScene ();
  composition_.reset ();
  panel_rows_.clear ();
  panel_.reset ();
  captions_.clear ();
}

void
OverlayPainter::add_panel (const OverlayScene &scene) {
  if (scene.panel != panel_rows_) {
    panel_.reset ();
    panel_rows_.clear ();
    const int size = overlay_font_size (scene.width, scene.height);
    const int margin = even (std::max (size / 2, 4));
    const int room = scene.width - 2 * margin;
    // On a small frame the text is large for the frame, and the video under it should still be
    // seen.
    const TextLimits limits = {
        std::min (room, 15 * size),
        std::min (room, std::max (22 * size, scene.width * 2 / 5)),
        std::min (scene.height - 2 * margin, std::max (scene.height * 3 / 5, 2 * size)),
    };
    if (auto pixels = text_.draw (scene.panel, size, scene.text_color, limits))
      panel_.reset (make_rectangle (pixels.get (), margin, margin));
    panel_rows_ = scene.panel;
  }
  if (panel_)
    add (gst_video_overlay_rectangle_ref (panel_.get ()));
}

// Above its box, or inside at the top where there is no room above; moved sideways until it is in
// the frame.
void
OverlayPainter::add_caption (const OverlayScene &scene, const OverlayBox &box) {
  const int size = overlay_font_size (scene.width, scene.height);
  // In steps, so that a box that grows does not make a new picture for each pixel.
  const int max_width = std::min (std::max (box.width / size * size, 14 * size), scene.width);
  auto &caption = captions_[caption_key (*box.caption, max_width)];
  if (caption.used == 0)
    caption.pixels =
        text_.draw ({&*box.caption, 1}, size, scene.text_color, {0, max_width, scene.height});
  caption.used = generation_;
  if (!caption.pixels)
    return;
  const auto meta = gst_buffer_get_video_meta (caption.pixels.get ());
  const int width = static_cast<int> (meta->width), height = static_cast<int> (meta->height);
  const int inside = box.y + box_line_width (scene.width, scene.height);
  const int y = box.y >= height ? box.y - height : std::clamp (inside, 0, scene.height - height);
  const int x = std::clamp (box.x, 0, scene.width - width);
  add (make_rectangle (caption.pixels.get (), even (x), even (y)));
}

// Takes the reference.
void
OverlayPainter::add (GstVideoOverlayRectangle *rectangle) {
  if (!composition_)
    composition_.reset (gst_video_overlay_composition_new (rectangle));
  else
    gst_video_overlay_composition_add_rectangle (composition_.get (), rectangle);
  gst_video_overlay_rectangle_unref (rectangle);
}

// Objects come and go, and scores change: what was not shown lately goes once there is a lot of it.
void
OverlayPainter::forget_unused_captions () {
  constexpr std::size_t kMany = 512;
  if (captions_.size () <= kMany)
    return;
  std::erase_if (
      captions_, [this] (const auto &entry) { return entry.second.used != generation_; });
}
