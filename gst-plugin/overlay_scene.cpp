// SPDX-License-Identifier: LGPL-2.1-or-later
#include "overlay_scene.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "overlay_palette.h"

namespace {

// Softmax and sigmoid end in [0, 1], give or take a rounding; a model without activation gives any
// number, which is no share of anything.
void
set_score (OverlayRow &row, float score) {
  std::array<char, 16> text = {};
  if (std::isnan (score))
    return;
  if (score < 0.f || score > 1.001f) {
    std::snprintf (text.data (), text.size (), "%.3g", static_cast<double> (score));
  } else {
    row.fill = std::min (static_cast<int> (std::lround (score * 100)), 100);
    if (row.fill == 0 && score > 0.f)
      std::snprintf (text.data (), text.size (), "<1%%");
    else
      std::snprintf (text.data (), text.size (), "%d%%", row.fill);
  }
  row.score = text.data ();
}

OverlayRow
make_row (const ReportClass &entry, unsigned color) {
  OverlayRow row;
  row.label = entry.label;
  row.color = color;
  set_score (row, entry.score);
  return row;
}

// The upright box around an oriented one, in doubles, since metas may hold any integer.
struct Bounds {
  double left, top, right, bottom;
};

Bounds
bounds_of (const ReportBox &box) {
  const double cx = box.x + box.width / 2.0, cy = box.y + box.height / 2.0;
  const double c = std::abs (std::cos (box.rotation)), s = std::abs (std::sin (box.rotation));
  const double half_w = (box.width * c + box.height * s) / 2,
               half_h = (box.width * s + box.height * c) / 2;
  return {cx - half_w, cy - half_h, cx + half_w, cy + half_h};
}

// Objects that can be told apart by number keep their colour by it, the others by their kind.
unsigned
color_of (const ReportObject &object, const ReportClass &shown) {
  if (object.track)
    return static_cast<unsigned> (object.track->id % kPalette.size ());
  unsigned hash = 2166136261u;
  for (auto text = g_quark_to_string (shown.label); text != nullptr && *text != '\0'; text++)
    hash = (hash ^ static_cast<unsigned char> (*text)) * 16777619u;
  return hash % kPalette.size ();
}

std::optional<OverlayBox>
make_box (const ReportObject &object, bool captioned, int width, int height) {
  if (object.box.width <= 0 || object.box.height <= 0 || !std::isfinite (object.box.rotation))
    return std::nullopt;
  const auto bounds = bounds_of (object.box);
  if (bounds.right <= 0 || bounds.bottom <= 0 || bounds.left >= width || bounds.top >= height)
    return std::nullopt;
  // Sides that are out of sight stay out of sight, yet near enough for int arithmetic.
  const auto left = static_cast<int> (std::max (std::round (bounds.left), -double (width)));
  const auto top = static_cast<int> (std::max (std::round (bounds.top), -double (height)));
  const auto right = static_cast<int> (std::min (std::round (bounds.right), 2.0 * width));
  const auto bottom = static_cast<int> (std::min (std::round (bounds.bottom), 2.0 * height));
  if (right <= left || bottom <= top)
    return std::nullopt;

  const auto shown = best_class (object);
  OverlayBox box = {left, top, right - left, bottom - top, color_of (object, shown), std::nullopt};
  if (captioned) {
    box.caption = make_row (shown, box.color);
    if (object.track)
      box.caption->track = object.track->id;
  }
  return box;
}

}  // namespace

int
overlay_font_size (int width, int height) {
  constexpr int kSmallest = 11;
  return std::max (std::min (width, height) / 32, kSmallest);
}

OverlayScene
make_overlay_scene (
    const OverlayMemory &memory, const OverlaySettings &settings, int width, int height) {
  OverlayScene scene;
  scene.width = width;
  scene.height = height;
  scene.text_color = settings.labels_color;
  const bool labels = settings.draw_labels && settings.max_labels > 0;

  unsigned group = 0;
  for (const auto &analysis : memory.analyses ()) {
    if (!labels || analysis.classes.empty ())
      continue;
    const auto count = std::min<std::size_t> (analysis.classes.size (), settings.max_labels);
    for (std::size_t i = 0; i < count; i++) {
      auto row = make_row (analysis.classes[i], group % kPalette.size ());
      row.strong = i == 0;
      row.gap = i == 0 && group > 0;
      scene.panel.push_back (std::move (row));
    }
    group++;
  }
  for (const auto &object : memory.objects ())
    if (auto box = make_box (object, labels, width, height))
      scene.boxes.push_back (std::move (*box));
  return scene;
}
