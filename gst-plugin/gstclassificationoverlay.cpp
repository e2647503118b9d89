// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-classificationoverlay
 * @title: classificationoverlay
 * @see_also: torchinference, objectdetectionoverlay
 *
 * Draws what models have found in a video: the best classes of the whole frame with their scores
 * as percent over a confidence bar, and each detected object with its box, its class and, where a
 * tracker has given one, its number. It reads #GstAnalyticsRelationMeta, no matter which element
 * attached it, and changes nothing on frames where there is nothing to show.
 *
 * Where downstream takes #GstVideoOverlayCompositionMeta, the picture is attached to the frame;
 * otherwise it is blended into it.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=video.mp4 ! decodebin3 ! torchinference model-file=model.pt ! classificationoverlay max-labels=3 ! videoconvert ! autovideosink
 * ]| Shows a clip with its three best classes.
 *
 * Since: 0.1
 */

#include "gstclassificationoverlay.h"

#include <gst/video/video.h>

#include "frame_report.h"
#include "gst_guard.h"
#include "overlay_blend.h"
#include "overlay_caps.h"
#include "overlay_memory.h"
#include "overlay_painter.h"
#include "overlay_scene.h"
#include "result_meta.h"

GST_DEBUG_CATEGORY_STATIC (gst_classification_overlay_debug);
#define GST_CAT_DEFAULT gst_classification_overlay_debug

#define DEFAULT_DRAW_LABELS TRUE
#define DEFAULT_LABELS_COLOR 0xFFFFFFFFu
#define DEFAULT_EXPIRE_OVERLAY GST_SECOND
#define DEFAULT_MAX_LABELS 5
#define MAX_MAX_LABELS 100

enum {
  PROP_0,
  PROP_DRAW_LABELS,
  PROP_LABELS_COLOR,
  PROP_EXPIRE_OVERLAY,
  PROP_MAX_LABELS,
};

namespace {

struct Settings {
  OverlaySettings drawing = {DEFAULT_DRAW_LABELS, DEFAULT_MAX_LABELS, DEFAULT_LABELS_COLOR};
  GstClockTime expiry = DEFAULT_EXPIRE_OVERLAY;
};

}  // namespace

struct GstClassificationOverlayPrivate {
  Settings settings;  // under the object lock

  // The rest belongs to the streaming thread, and to change_state once the pads are inactive.
  GstVideoInfo info = {};
  gboolean negotiated = FALSE;
  gboolean attach = FALSE;  // composition meta on the frame, or blended into it
  GstSegment segment;
  OverlayMemory memory;
  OverlayPainter painter;

  GstClassificationOverlayPrivate () { gst_segment_init (&segment, GST_FORMAT_UNDEFINED); }
};

struct _GstClassificationOverlay {
  GstElement parent;

  GstPad *sinkpad;
  GstPad *srcpad;
  GstClassificationOverlayPrivate *priv;
};

G_DEFINE_TYPE (GstClassificationOverlay, gst_classification_overlay, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (classificationoverlay, "classificationoverlay",
    GST_RANK_NONE, GST_TYPE_CLASSIFICATION_OVERLAY,
    GST_DEBUG_CATEGORY_INIT (
        gst_classification_overlay_debug, "classificationoverlay", 0, "draws classes and objects"))

static void
gst_classification_overlay_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) {
  auto self = GST_CLASSIFICATION_OVERLAY (object);
  auto &settings = self->priv->settings;
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_DRAW_LABELS: settings.drawing.draw_labels = g_value_get_boolean (value); break;
    case PROP_LABELS_COLOR: settings.drawing.labels_color = g_value_get_uint (value); break;
    case PROP_EXPIRE_OVERLAY: settings.expiry = g_value_get_uint64 (value); break;
    case PROP_MAX_LABELS: settings.drawing.max_labels = g_value_get_uint (value); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec); break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_classification_overlay_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec) {
  auto self = GST_CLASSIFICATION_OVERLAY (object);
  const auto &settings = self->priv->settings;
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_DRAW_LABELS: g_value_set_boolean (value, settings.drawing.draw_labels); break;
    case PROP_LABELS_COLOR: g_value_set_uint (value, settings.drawing.labels_color); break;
    case PROP_EXPIRE_OVERLAY: g_value_set_uint64 (value, settings.expiry); break;
    case PROP_MAX_LABELS: g_value_set_uint (value, settings.drawing.max_labels); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec); break;
  }
  GST_OBJECT_UNLOCK (self);
}

// Asks downstream whether it shows composition metas. Caps alone are no answer: a sink that takes
// anything takes this feature, too, and would show nothing; whoever means it also lists the meta in
// the ALLOCATION query. Elements answer that query for caps they have seen, hence the caps go
// first.
static gboolean
gst_classification_overlay_peer_shows_meta (GstClassificationOverlay *self, GstCaps *with_feature) {
  GstCaps *accepted = gst_pad_peer_query_caps (self->srcpad, with_feature);
  const gboolean possible = !gst_caps_is_empty (accepted);
  gst_caps_unref (accepted);
  if (!possible || !gst_pad_set_caps (self->srcpad, with_feature))
    return FALSE;

  GstQuery *query = gst_query_new_allocation (with_feature, FALSE);
  const gboolean shows =
      gst_pad_peer_query (self->srcpad, query) &&
      gst_query_find_allocation_meta (query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, nullptr);
  gst_query_unref (query);
  return shows;
}

static gboolean
gst_classification_overlay_negotiate (GstClassificationOverlay *self, GstCaps *caps) {
  auto priv = self->priv;
  const gboolean can_blend = overlay_can_blend (caps);
  gboolean done;
  if (overlay_has_feature (caps)) {
    // Upstream has attached overlays of its own; ours join them.
    priv->attach = TRUE;
    done = gst_pad_set_caps (self->srcpad, caps);
  } else {
    GstCaps *with_feature = overlay_add_feature (caps);
    priv->attach = gst_classification_overlay_peer_shows_meta (self, with_feature) || !can_blend;
    done = gst_pad_set_caps (self->srcpad, priv->attach ? with_feature : caps);
    gst_caps_unref (with_feature);
  }
  GST_DEBUG_OBJECT (self, "%s %s for %" GST_PTR_FORMAT,
      done ? "agreed on" : "refused:", priv->attach ? "attaching" : "blending", caps);
  // A flush may have cut the queries short: look again with the next frame.
  if (!done)
    gst_pad_mark_reconfigure (self->srcpad);
  priv->negotiated = done;
  return done;
}

static gboolean
gst_classification_overlay_set_caps (GstClassificationOverlay *self, GstCaps *caps) {
  auto priv = self->priv;
  priv->negotiated = FALSE;
  if (!gst_video_info_from_caps (&priv->info, caps)) {
    GST_ERROR_OBJECT (self, "cannot parse caps %" GST_PTR_FORMAT, caps);
    return FALSE;
  }
  gst_pad_check_reconfigure (self->srcpad);
  return gst_classification_overlay_negotiate (self, caps);
}

static gboolean
gst_classification_overlay_sink_event (GstPad *pad, GstObject *parent, GstEvent *event) {
  auto self = GST_CLASSIFICATION_OVERLAY (parent);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps (event, &caps);
      const gboolean done = gst_torch_guard (GST_ELEMENT (self), FALSE,
          [&] { return gst_classification_overlay_set_caps (self, caps); });
      gst_event_unref (event);
      return done;
    }
    case GST_EVENT_SEGMENT: gst_event_copy_segment (event, &self->priv->segment); break;
    case GST_EVENT_STREAM_START: self->priv->memory.clear (); break;
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init (&self->priv->segment, GST_FORMAT_UNDEFINED);
      self->priv->memory.clear ();
      break;
    default: break;
  }
  return gst_pad_event_default (pad, parent, event);
}

// Answers a CAPS query on one pad with what the element can make of the other side's caps.
static void
gst_classification_overlay_query_caps (GstPad *other, GstQuery *query,
    GstCaps *(*towards_other) (const GstCaps *), GstCaps *(*towards_pad) (const GstCaps *)) {
  GstCaps *filter, *peer_filter = nullptr;
  gst_query_parse_caps (query, &filter);
  if (filter != nullptr)
    peer_filter = towards_other (filter);
  GstCaps *peer = gst_pad_peer_query_caps (other, peer_filter);
  gst_clear_caps (&peer_filter);

  GstCaps *own = overlay_template_caps ();
  if (gst_caps_is_any (peer)) {
    gst_caps_unref (peer);
    peer = gst_caps_ref (own);
  }
  GstCaps *possible = towards_pad (peer);
  GstCaps *result = gst_caps_intersect_full (possible, own, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (peer);
  gst_caps_unref (possible);
  gst_caps_unref (own);
  if (filter != nullptr) {
    GstCaps *filtered = gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (result);
    result = filtered;
  }
  gst_query_set_caps_result (query, result);
  gst_caps_unref (result);
}

static gboolean
gst_classification_overlay_sink_query (GstPad *pad, GstObject *parent, GstQuery *query) {
  auto self = GST_CLASSIFICATION_OVERLAY (parent);
  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return gst_pad_query_default (pad, parent, query);
  gst_classification_overlay_query_caps (
      self->srcpad, query, overlay_caps_towards_src, overlay_caps_towards_sink);
  return TRUE;
}

static gboolean
gst_classification_overlay_src_query (GstPad *pad, GstObject *parent, GstQuery *query) {
  auto self = GST_CLASSIFICATION_OVERLAY (parent);
  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return gst_pad_query_default (pad, parent, query);
  gst_classification_overlay_query_caps (
      self->sinkpad, query, overlay_caps_towards_sink, overlay_caps_towards_src);
  return TRUE;
}

// Joins ours to overlays that upstream has attached; the frame's meta is replaced, since a frame
// should have one.
static void
gst_classification_overlay_attach (GstBuffer *frame, GstVideoOverlayComposition *ours) {
  auto meta = gst_buffer_get_video_overlay_composition_meta (frame);
  if (meta == nullptr) {
    gst_buffer_add_video_overlay_composition_meta (frame, ours);
    return;
  }
  CompositionPtr all (gst_video_overlay_composition_copy (meta->overlay));
  for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (ours); i++)
    gst_video_overlay_composition_add_rectangle (
        all.get (), gst_video_overlay_composition_get_rectangle (ours, i));
  gst_buffer_remove_video_overlay_composition_meta (frame, meta);
  gst_buffer_add_video_overlay_composition_meta (frame, all.get ());
}

static void
gst_classification_overlay_blend (
    GstClassificationOverlay *self, GstBuffer *buffer, GstVideoOverlayComposition *ours) {
  GstVideoFrame frame;
  if (!gst_video_frame_map (&frame, &self->priv->info, buffer, GST_MAP_READWRITE)) {
    GST_WARNING_OBJECT (self, "cannot map %" GST_PTR_FORMAT ", passed on as it is", buffer);
    return;
  }
  if (!blend_overlay (ours, &frame))
    GST_WARNING_OBJECT (self, "cannot blend into %" GST_PTR_FORMAT, buffer);
  gst_video_frame_unmap (&frame);
}

// What the frame has to show, or null. Borrowed from the painter.
static GstVideoOverlayComposition *
gst_classification_overlay_compose (GstClassificationOverlay *self, GstBuffer *buffer) {
  auto priv = self->priv;
  GST_OBJECT_LOCK (self);
  const Settings settings = priv->settings;
  GST_OBJECT_UNLOCK (self);

  const auto report = read_frame_report (buffer);
  const GstClockTime now =
      priv->segment.format == GST_FORMAT_TIME
          ? gst_segment_to_running_time (&priv->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer))
          : GST_CLOCK_TIME_NONE;
  priv->memory.update (report, now, settings.expiry);
  const auto scene = make_overlay_scene (priv->memory, settings.drawing,
      GST_VIDEO_INFO_WIDTH (&priv->info), GST_VIDEO_INFO_HEIGHT (&priv->info));
  return priv->painter.paint (scene);
}

static GstFlowReturn
gst_classification_overlay_handle (GstClassificationOverlay *self, GstMiniPtr<GstBuffer> buffer) {
  auto priv = self->priv;
  if (gst_pad_check_reconfigure (self->srcpad)) {
    GstCaps *caps = gst_pad_get_current_caps (self->sinkpad);
    if (caps != nullptr) {
      gst_classification_overlay_negotiate (self, caps);
      gst_caps_unref (caps);
    }
  }
  if (!priv->negotiated) {
    gst_pad_mark_reconfigure (self->srcpad);
    return GST_PAD_IS_FLUSHING (self->srcpad) ? GST_FLOW_FLUSHING : GST_FLOW_NOT_NEGOTIATED;
  }

  if (auto composition = gst_classification_overlay_compose (self, buffer.get ())) {
    // Another branch may hold the same buffer: this copies what is shared, and blending copies the
    // memory.
    buffer = gst_torch_make_writable (std::move (buffer));
    if (priv->attach)
      gst_classification_overlay_attach (buffer.get (), composition);
    else
      gst_classification_overlay_blend (self, buffer.get (), composition);
  }
  return gst_pad_push (self->srcpad, buffer.release ());
}

static GstFlowReturn
gst_classification_overlay_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  auto self = GST_CLASSIFICATION_OVERLAY (parent);
  GstMiniPtr<GstBuffer> owned (buffer);
  return gst_torch_guard (GST_ELEMENT (self), GST_FLOW_ERROR,
      [&] { return gst_classification_overlay_handle (self, std::move (owned)); });
}

static GstStateChangeReturn
gst_classification_overlay_change_state (GstElement *element, GstStateChange transition) {
  auto self = GST_CLASSIFICATION_OVERLAY (element);
  auto result = GST_ELEMENT_CLASS (gst_classification_overlay_parent_class)
                    ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    auto priv = self->priv;
    gst_segment_init (&priv->segment, GST_FORMAT_UNDEFINED);
    priv->negotiated = FALSE;
    priv->painter.clear ();
    priv->memory.clear ();
  }
  return result;
}

static void
gst_classification_overlay_finalize (GObject *object) {
  delete GST_CLASSIFICATION_OVERLAY (object)->priv;
  G_OBJECT_CLASS (gst_classification_overlay_parent_class)->finalize (object);
}

static void
gst_classification_overlay_init (GstClassificationOverlay *self) {
  self->priv = new GstClassificationOverlayPrivate ();
  auto element_class = GST_ELEMENT_GET_CLASS (self);

  self->sinkpad = gst_pad_new_from_template (
      gst_element_class_get_pad_template (element_class, "sink"), "sink");
  gst_pad_set_chain_function (self->sinkpad, GST_DEBUG_FUNCPTR (gst_classification_overlay_chain));
  gst_pad_set_event_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_classification_overlay_sink_event));
  gst_pad_set_query_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_classification_overlay_sink_query));
  GST_PAD_SET_PROXY_ALLOCATION (self->sinkpad);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad =
      gst_pad_new_from_template (gst_element_class_get_pad_template (element_class, "src"), "src");
  gst_pad_set_query_function (
      self->srcpad, GST_DEBUG_FUNCPTR (gst_classification_overlay_src_query));
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}

static void
gst_classification_overlay_class_init (GstClassificationOverlayClass *klass) {
  auto object_class = G_OBJECT_CLASS (klass);
  auto element_class = GST_ELEMENT_CLASS (klass);
  constexpr auto kFlags = static_cast<GParamFlags> (
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);

  object_class->set_property = gst_classification_overlay_set_property;
  object_class->get_property = gst_classification_overlay_get_property;
  object_class->finalize = gst_classification_overlay_finalize;
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_classification_overlay_change_state);

  /**
   * GstClassificationOverlay:draw-labels:
   *
   * Whether class names and scores are drawn. The boxes of objects are drawn in any case.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_DRAW_LABELS,
      g_param_spec_boolean ("draw-labels", "Draw labels",
          "Draw class names, scores and bars (boxes of objects are always drawn)",
          DEFAULT_DRAW_LABELS, kFlags));

  /**
   * GstClassificationOverlay:labels-color:
   *
   * Colour of the text, 0xAARRGGBB. The panel behind it is dark.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_LABELS_COLOR,
      g_param_spec_uint ("labels-color", "Labels color", "Color of the text, as ARGB (0xAARRGGBB)",
          0, G_MAXUINT32, DEFAULT_LABELS_COLOR, kFlags));

  /**
   * GstClassificationOverlay:expire-overlay:
   *
   * How long a result stays on the frames that follow it without a new one, in nanoseconds of running
   * time. 0 shows a result on its own frame only, the maximum for ever. Frames in between are those
   * that inference has skipped, so without this labels would flicker.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_EXPIRE_OVERLAY,
      g_param_spec_uint64 ("expire-overlay", "Expire overlay",
          "How long a result stays on frames without a new one, in ns (0 = not, max = for ever)", 0,
          G_MAXUINT64, DEFAULT_EXPIRE_OVERLAY, kFlags));

  /**
   * GstClassificationOverlay:max-labels:
   *
   * The most classes that are drawn for the whole frame, best first, for each model. Fewer are drawn
   * where the frame has no room for them.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_MAX_LABELS,
      g_param_spec_uint ("max-labels", "Max labels",
          "Most classes drawn for the whole frame and each model, best first (0 = none)", 0,
          MAX_MAX_LABELS, DEFAULT_MAX_LABELS, kFlags));

  GstCaps *caps = overlay_template_caps ();
  gst_element_class_add_pad_template (
      element_class, gst_pad_template_new ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
  gst_element_class_add_pad_template (
      element_class, gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref (caps);
  gst_element_class_set_static_metadata (element_class, "Classification overlay",
      "Filter/Editor/Video", "Draws classes with their scores, and detected objects, into video",
      "The gst-plugins-torch authors");
}
