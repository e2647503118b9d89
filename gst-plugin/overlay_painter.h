// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <utility>

#include "overlay_text.h"

using CompositionPtr = GstMiniPtr<GstVideoOverlayComposition>;

/// Turns scenes into overlay compositions, and draws only what is new: an unchanged scene gives the
/// same composition object, an unchanged panel the same rectangle (so a sink that keeps textures
/// uploads nothing), and a caption that only moves keeps its pixels. Rectangles are as large as the
/// text or the lines in them, so a frame costs what is drawn and not what it measures. Not
/// thread-safe.
class OverlayPainter {
 public:
  /// The composition, or null when nothing is to be seen. Borrowed until the next call; immutable.
  GstVideoOverlayComposition *paint (const OverlayScene &scene);

  /// Drops what is cached; the fonts stay.
  void clear ();

 private:
  struct Caption {
    GstMiniPtr<GstBuffer> pixels;  // null: did not fit
    unsigned used = 0;             // the last generation that showed it
  };

  void add_panel (const OverlayScene &scene);
  void add_caption (const OverlayScene &scene, const OverlayBox &box);
  void add (GstVideoOverlayRectangle *rectangle);
  void forget_unused_captions ();

  OverlayText text_;
  OverlayScene scene_;
  CompositionPtr composition_;
  std::vector<OverlayRow> panel_rows_;
  GstMiniPtr<GstVideoOverlayRectangle> panel_;
  std::map<std::string, Caption> captions_;
  unsigned generation_ = 0;
};
