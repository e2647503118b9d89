// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

/// Blends a composition of premultiplied RGB rectangles, drawn at their own size, into a frame
/// mapped for reading and writing. The result is that of gst_video_overlay_composition_blend(),
/// which unpacks and packs the whole width of the frame for each line of each rectangle; here only
/// the columns under the rectangle are touched, so a hundred small boxes on a 4K frame cost what a
/// hundred small boxes cost. Returns FALSE, with the frame partly blended, if a rectangle could not
/// be.
bool blend_overlay (GstVideoOverlayComposition *composition, GstVideoFrame *frame);
