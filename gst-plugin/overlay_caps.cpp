// SPDX-License-Identifier: LGPL-2.1-or-later
#include "overlay_caps.h"

#include <gst/video/video.h>

namespace {

constexpr auto kFeature = GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION;

GstStaticCaps blend_caps =
    GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS));

GstStaticCaps template_caps = GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (
    GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS) "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES ("ANY",
    GST_VIDEO_FORMATS_ALL));

// Caps of structure i alone.
GstCaps *
nth (const GstCaps *caps, guint i) {
  return gst_caps_copy_nth (caps, i);
}

GstCaps *
blendable (const GstCaps *caps) {
  GstCaps *can = gst_static_caps_get (&blend_caps);
  GstCaps *both =
      gst_caps_intersect_full (const_cast<GstCaps *> (caps), can, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (can);
  return both;
}

GstCaps *
without_feature (GstCaps *one) {
  gst_caps_features_remove (gst_caps_get_features (one, 0), kFeature);
  return one;
}

}  // namespace

GstCaps *
overlay_template_caps (void) {
  return gst_static_caps_get (&template_caps);
}

gboolean
overlay_can_blend (const GstCaps *caps) {
  GstCaps *can = gst_static_caps_get (&blend_caps);
  const gboolean result = gst_caps_is_subset (caps, can);
  gst_caps_unref (can);
  return result;
}

gboolean
overlay_has_feature (const GstCaps *caps) {
  const GstCapsFeatures *features = gst_caps_get_features (caps, 0);
  return features != nullptr && !gst_caps_features_is_any (features) &&
         gst_caps_features_contains (features, kFeature);
}

GstCaps *
overlay_add_feature (const GstCaps *caps) {
  GstCaps *result = gst_caps_copy (caps);
  for (guint i = 0; i < gst_caps_get_size (result); i++) {
    GstCapsFeatures *features = gst_caps_get_features (result, i);
    if (!gst_caps_features_is_any (features) && !gst_caps_features_contains (features, kFeature))
      gst_caps_features_add (features, kFeature);
  }
  return result;
}

GstCaps *
overlay_caps_towards_src (const GstCaps *caps) {
  GstCaps *result = overlay_add_feature (caps);
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstCaps *one = nth (caps, i);
    if (!gst_caps_features_is_any (gst_caps_get_features (one, 0)) && !overlay_has_feature (one))
      result = gst_caps_merge (result, blendable (one));
    gst_caps_unref (one);
  }
  return result;
}

GstCaps *
overlay_caps_towards_sink (const GstCaps *caps) {
  GstCaps *result = gst_caps_new_empty ();
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstCaps *one = nth (caps, i);
    if (gst_caps_features_is_any (gst_caps_get_features (one, 0))) {
      result = gst_caps_merge (result, one);
    } else if (overlay_has_feature (one)) {
      result = gst_caps_merge (result, without_feature (gst_caps_copy (one)));
      result = gst_caps_merge (result, one);
    } else {
      result = gst_caps_merge (result, blendable (one));
      gst_caps_unref (one);
    }
  }
  return result;
}
