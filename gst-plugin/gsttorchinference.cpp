// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-torchinference
 * @title: torchinference
 * @short_description: looks at video frames with a TorchScript model
 *
 * Video goes through unchanged, in any size and any of the common raw formats; what the model sees
 * in a frame travels with it as #GstAnalyticsRelationMeta. Frames are given to the model
 * asynchronously and in batches, with those of all other streams of the process that use the same
 * model, and leave in the order they came in.
 *
 * The model file describes itself: gst-torch-export writes what the model expects and its labels
 * into it. One loaded model (an engine) is shared by all elements that ask for the same one.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -m filesrc location=clip.mp4 ! decodebin ! torchinference model-file=model.pt !
 * classificationoverlay ! videoconvert ! autovideosink
 * ]| Shows a film with the classes of its frames; the statistics are posted at its end.
 *
 * Since: 0.1
 */

#include "gsttorchinference.h"

#include <gst/video/video.h>

#include <memory>

#include "gst_guard.h"
#include "gst_torch_model.h"
#include "gst_torch_properties.h"
#include "gst_torch_stream.h"
#include "video_caps.h"

GST_DEBUG_CATEGORY (gst_torch_inference_debug);
#define GST_CAT_DEFAULT gst_torch_inference_debug

namespace {

struct Private {
  Private (GstElement *element, GstPad *sink, GstPad *src)
      : stream (element, sink, src), model (element, stream) {}

  GstTorchSettings settings;  // guarded by the object lock
  GstTorchStream stream;
  GstTorchModel model;
  std::atomic<bool> broken =
      false;  // an exception got out of the stream; until the next READY to PAUSED
};

}  // namespace

struct _GstTorchInference {
  GstElement parent;
  Private *priv;
};

#define gst_torch_inference_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstTorchInference, gst_torch_inference, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    torchinference, "torchinference", GST_RANK_NONE, GST_TYPE_TORCH_INFERENCE)

#define VIDEO_CAPS                                                             \
  GST_VIDEO_CAPS_MAKE (GST_TORCH_VIDEO_FORMATS)                                \
  ";" GST_VIDEO_CAPS_MAKE_WITH_FEATURES (GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY \
      ", " GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION,                \
      GST_TORCH_VIDEO_FORMATS)

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (VIDEO_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (VIDEO_CAPS));

// Pad functions: each a guarded call of the stream's method of the same name.

template <class Result, class Body>
static Result
gst_torch_inference_guard (GstObject *parent, Result failed, Body &&body) noexcept {
  const auto priv = GST_TORCH_INFERENCE (parent)->priv;
  return gst_torch_guard (
      GST_ELEMENT_CAST (parent), priv->broken, failed, [&] { return body (priv->stream); });
}

static GstFlowReturn
gst_torch_inference_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  GstMiniPtr<GstBuffer> owned (buffer);
  return gst_torch_inference_guard (parent, GST_FLOW_ERROR,
      [&] (GstTorchStream &stream) { return stream.chain (std::move (owned)); });
}

static GstFlowReturn
gst_torch_inference_sink_event (GstPad *pad, GstObject *parent, GstEvent *event) {
  GstMiniPtr<GstEvent> owned (event);
  return gst_torch_inference_guard (parent, GST_FLOW_ERROR,
      [&] (GstTorchStream &stream) { return stream.sink_event (std::move (owned)); });
}

static gboolean
gst_torch_inference_src_event (GstPad *pad, GstObject *parent, GstEvent *event) {
  GstMiniPtr<GstEvent> owned (event);
  return gst_torch_inference_guard (parent, static_cast<gboolean> (FALSE),
      [&] (GstTorchStream &stream) { return stream.src_event (std::move (owned)); });
}

static gboolean
gst_torch_inference_sink_query (GstPad *pad, GstObject *parent, GstQuery *query) {
  return gst_torch_inference_guard (parent, static_cast<gboolean> (FALSE),
      [&] (GstTorchStream &stream) { return stream.sink_query (query); });
}

static gboolean
gst_torch_inference_src_query (GstPad *pad, GstObject *parent, GstQuery *query) {
  return gst_torch_inference_guard (parent, static_cast<gboolean> (FALSE),
      [&] (GstTorchStream &stream) { return stream.src_query (query); });
}

// Deactivation has to work even where the stream is broken: the threads must end.
static gboolean
gst_torch_inference_sink_activate_mode (
    GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active) {
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  const auto self = GST_TORCH_INFERENCE (parent);
  return gst_torch_guard (GST_ELEMENT_CAST (self), static_cast<gboolean> (FALSE),
      [&] { return self->priv->stream.activate_sink (active); });
}

static gboolean
gst_torch_inference_src_activate_mode (
    GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active) {
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  const auto self = GST_TORCH_INFERENCE (parent);
  return gst_torch_guard (GST_ELEMENT_CAST (self), static_cast<gboolean> (FALSE),
      [&] { return self->priv->stream.activate_src (active); });
}

// Properties

namespace {

/// Lets go of it when an exception passes, too: the guard's error message takes the same lock.
class ObjectLock {
 public:
  explicit ObjectLock (gpointer object) : object_ (GST_OBJECT_CAST (object)) {
    GST_OBJECT_LOCK (object_);
  }
  ~ObjectLock () { GST_OBJECT_UNLOCK (object_); }
  ObjectLock (const ObjectLock &) = delete;
  ObjectLock &operator= (const ObjectLock &) = delete;

 private:
  GstObject *const object_;
};

}  // namespace

static GstTorchSettings
gst_torch_inference_settings (GstTorchInference *self) {
  const ObjectLock lock (self);
  return self->priv->settings;
}

static void
gst_torch_inference_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) {
  const auto self = GST_TORCH_INFERENCE (object);
  gst_torch_guard (GST_ELEMENT_CAST (self), false, [&] {
    bool known;
    {
      const ObjectLock lock (self);
      known = gst_torch_properties_set (self->priv->settings, id, value);
    }
    if (known)
      self->priv->stream.configure ([self] { return gst_torch_inference_settings (self).live; });
    else
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    return known;
  });
}

static void
gst_torch_inference_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec) {
  const auto self = GST_TORCH_INFERENCE (object);
  gst_torch_guard (GST_ELEMENT_CAST (self), false, [&] {
    if (id == GST_TORCH_PROP_STATS) {
      g_value_take_boxed (value, self->priv->stream.frames ().stats ());
      return true;
    }
    bool known;
    {
      const ObjectLock lock (self);
      known = gst_torch_properties_get (self->priv->settings, id, value);
    }
    if (!known)
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    return known;
  });
}

/// Here and not where model-file is set: what one g_object_set() call sets belongs together, and
/// notifications come when all of it is set, in whatever order.
static void
gst_torch_inference_notify (GObject *object, GParamSpec *pspec) {
  const auto self = GST_TORCH_INFERENCE (object);
  if (g_strcmp0 (pspec->name, "model-file") != 0)
    return;
  gst_torch_guard (GST_ELEMENT_CAST (self), false, [&] {
    self->priv->model.change ([self] { return gst_torch_inference_settings (self); });
    return true;
  });
}

// States

static GstStateChangeReturn
gst_torch_inference_change_state (GstElement *element, GstStateChange transition) {
  const auto self = GST_TORCH_INFERENCE (element);
  const auto priv = self->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    const bool opened = gst_torch_guard (element, false,
        [&] { return priv->model.open ([self] { return gst_torch_inference_settings (self); }); });
    if (!opened)
      return GST_STATE_CHANGE_FAILURE;
    priv->broken = false;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    priv->model.pause ();
  const auto result = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE)
    priv->model.pause ();
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) {
    gst_torch_guard (element, false, [&] {
      priv->model.close ();
      return true;
    });
  }
  return result;
}

// Type

static GstPad *
gst_torch_inference_add_pad (GstTorchInference *self, GstStaticPadTemplate *pad_template) {
  const auto pad = gst_pad_new_from_static_template (pad_template, pad_template->name_template);
  GST_PAD_SET_PROXY_CAPS (pad);
  gst_element_add_pad (GST_ELEMENT_CAST (self), pad);
  return pad;
}

static void
gst_torch_inference_init (GstTorchInference *self) {
  const auto sink = gst_torch_inference_add_pad (self, &sink_template);
  gst_pad_set_chain_function (sink, GST_DEBUG_FUNCPTR (gst_torch_inference_chain));
  gst_pad_set_event_full_function (sink, GST_DEBUG_FUNCPTR (gst_torch_inference_sink_event));
  gst_pad_set_query_function (sink, GST_DEBUG_FUNCPTR (gst_torch_inference_sink_query));
  gst_pad_set_activatemode_function (
      sink, GST_DEBUG_FUNCPTR (gst_torch_inference_sink_activate_mode));

  const auto src = gst_torch_inference_add_pad (self, &src_template);
  gst_pad_set_event_function (src, GST_DEBUG_FUNCPTR (gst_torch_inference_src_event));
  gst_pad_set_query_function (src, GST_DEBUG_FUNCPTR (gst_torch_inference_src_query));
  gst_pad_set_activatemode_function (
      src, GST_DEBUG_FUNCPTR (gst_torch_inference_src_activate_mode));

  self->priv = new Private (GST_ELEMENT_CAST (self), sink, src);
}

static void
gst_torch_inference_finalize (GObject *object) {
  delete GST_TORCH_INFERENCE (object)->priv;
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_torch_inference_class_init (GstTorchInferenceClass *klass) {
  const auto object_class = G_OBJECT_CLASS (klass);
  object_class->set_property = gst_torch_inference_set_property;
  object_class->get_property = gst_torch_inference_get_property;
  object_class->notify = gst_torch_inference_notify;
  object_class->finalize = gst_torch_inference_finalize;
  gst_torch_properties_install (object_class);

  const auto element_class = GST_ELEMENT_CLASS (klass);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_torch_inference_change_state);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "TorchScript inference", "Analyzer/Video",
      "Classifies video frames with a TorchScript model and attaches the results as metadata",
      "The gst-plugins-torch authors");
  GST_DEBUG_CATEGORY_INIT (
      gst_torch_inference_debug, "torchinference", 0, "TorchScript inference on video");
}
