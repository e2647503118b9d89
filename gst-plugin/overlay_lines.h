// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

#include "overlay_scene.h"

typedef struct _GstBuffer GstBuffer;

/// Width of a box's line in pixels, with the dark seam on both sides that sets it off from any
/// background.
int box_line_width (int frame_width, int frame_height);

/// Draws the outline of a box as up to four strips, each cut at the frame's edges, and hands them
/// over: premultiplied pixels with a video meta (borrowed), and the strip's place in the frame.
void draw_box_lines (const OverlayBox &box, int frame_width, int frame_height,
    const std::function<void (GstBuffer *pixels, int x, int y)> &emit);
