// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>
#include <pango/pangocairo.h>

#include <memory>
#include <span>
#include <vector>

#include "gst_mini_ptr.h"
#include "overlay_scene.h"

struct GObjectUnref {
  void operator() (gpointer object) const { g_object_unref (object); }
};
template <class T>
using GObjectPtr = std::unique_ptr<T, GObjectUnref>;

/// Room for a panel, in pixels. It may stay smaller than the largest width; its height follows from
/// the rows.
struct TextLimits {
  int min_width, max_width, max_height;
};

/// Draws rows of text over bars on a translucent dark panel, with Pango and cairo. Labels are drawn
/// as written: no markup, line breaks and control characters harmless, bytes that are not UTF-8
/// replaced, too long ones ended by an ellipsis. Has a font map of its own, so each painter may be
/// used from another thread, but from one at a time.
class OverlayText {
 public:
  /// The panel as premultiplied pixels with a video meta, both sides even; null if not even the
  /// first row fits. Rows that do not fit below the others are left out.
  GstMiniPtr<GstBuffer> draw (std::span<const OverlayRow> rows, int font_size,
      std::uint32_t text_color, const TextLimits &limits);

 private:
  struct Line;
  struct Metrics;

  GObjectPtr<PangoLayout> make_layout (const std::string &text, int font_size, bool strong) const;
  Line make_line (const OverlayRow &row, int font_size) const;

  GObjectPtr<PangoContext>
      context_;  // with the fonts, which take a while to find: made for the first text
};
