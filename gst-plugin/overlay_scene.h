// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "overlay_memory.h"

// What is to be drawn on a frame, down to the last visible detail and without anything else: two
// equal scenes give the same pixels, so a scene is the key of the cached picture.

struct OverlaySettings {
  bool draw_labels = true;
  unsigned max_labels = 5;                  ///< classes for each model; 0 draws none
  std::uint32_t labels_color = 0xFFFFFFFF;  ///< ARGB
};

/// One line of text over a bar.
struct OverlayRow {
  GQuark label = 0;
  std::optional<std::uint64_t> track;
  std::string score;    ///< "93%", or the bare number where the score is no share; empty if unknown
  int fill = 0;         ///< length of the bar, 0 to 100
  unsigned color = 0;   ///< index into the palette
  bool strong = false;  ///< the best of its model
  bool gap = false;     ///< another model's rows end above

  bool operator== (const OverlayRow &) const = default;
};

struct OverlayBox {
  int x, y, width, height;  ///< pixels; reaches into the frame, may reach out of it
  unsigned color;
  std::optional<OverlayRow> caption;

  bool operator== (const OverlayBox &) const = default;
};

struct OverlayScene {
  int width = 0, height = 0;  ///< of the frame, pixels
  std::uint32_t text_color = 0;
  std::vector<OverlayRow> panel;
  std::vector<OverlayBox> boxes;

  bool operator== (const OverlayScene &) const = default;
  bool empty () const { return panel.empty () && boxes.empty (); }
};

/// Size of the text in pixels for a frame of that size: a thirty-second of the shorter side, 11 at
/// least.
int overlay_font_size (int width, int height);

OverlayScene make_overlay_scene (
    const OverlayMemory &memory, const OverlaySettings &settings, int width, int height);
