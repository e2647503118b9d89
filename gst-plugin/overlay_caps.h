// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

// What an overlay element can do with caps. It either attaches a GstVideoOverlayCompositionMeta,
// which takes any memory and any format and adds the meta's caps feature, or blends into system
// memory and leaves the caps as they are. Functions that return caps hand over a reference.

/// Caps of both pads' templates.
GstCaps *overlay_template_caps (void);

/// Whether frames of these caps, as they are, can be blended into.
gboolean overlay_can_blend (const GstCaps *caps);

/// Whether the first structure carries the composition meta's feature.
gboolean overlay_has_feature (const GstCaps *caps);

/// A copy with the feature added to each structure that lacks it.
GstCaps *overlay_add_feature (const GstCaps *caps);

/// What can leave when `caps` come in: with the feature first, then as they are.
GstCaps *overlay_caps_towards_src (const GstCaps *caps);

/// What may come in when `caps` can leave: without the feature first, since the meta needs none
/// before us.
GstCaps *overlay_caps_towards_sink (const GstCaps *caps);
