// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-analyticsjson
 * @title: analyticsjson
 * @see_also: torchinference, classificationoverlay
 *
 * Writes what models have found in a video as JSON lines: one object for each frame, with the
 * frame's number, times and size, the classes that each model gave, and the detected objects with
 * their boxes, tracks and classes. docs/analytics-frame.schema.json describes the objects. Every
 * buffer holds one whole line and keeps the frame's timestamps, so any sink can carry the lines on:
 * filesink, fdsink, udpsink, multifilesink, appsink.
 *
 * It reads #GstAnalyticsRelationMeta, no matter which element attached it, and never touches pixels.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=video.mp4 ! decodebin3 ! torchinference model-file=model.pt ! analyticsjson ! filesink location=video.jsonl async=false
 * ]| Classifies a clip and writes a line for each frame.
 *
 * Since: 0.1
 */

#include "gstanalyticsjson.h"

#include <gst/video/video.h>

#include <memory>
#include <string>

#include "frame_json.h"
#include "frame_report.h"
#include "gst_guard.h"
#include "gst_mini_ptr.h"

GST_DEBUG_CATEGORY_STATIC (gst_analytics_json_debug);
#define GST_CAT_DEFAULT gst_analytics_json_debug

typedef enum {
  GST_ANALYTICS_JSON_EMIT_ALL,
  GST_ANALYTICS_JSON_EMIT_ANALYSED,
} GstAnalyticsJsonEmit;

#define DEFAULT_STREAM_ID nullptr
#define DEFAULT_EMIT GST_ANALYTICS_JSON_EMIT_ALL

enum {
  PROP_0,
  PROP_STREAM_ID,
  PROP_EMIT,
};

struct GstAnalyticsJsonPrivate {
  // Under the object lock.
  std::shared_ptr<const std::string>
      stream_id;  // null: upstream's; shared, so that no copy is made under the lock
  GstAnalyticsJsonEmit emit = DEFAULT_EMIT;

  // The rest belongs to the streaming thread, and to change_state once the pads are inactive.
  std::string upstream_id;
  std::uint64_t next_number = 0;
  int width = 0, height = 0;  // 0 until there are caps
  bool left_out = false;      // frames before this one got no line
  GstSegment segment;

  GstAnalyticsJsonPrivate () { gst_segment_init (&segment, GST_FORMAT_UNDEFINED); }
};

struct _GstAnalyticsJson {
  GstElement parent;

  GstPad *sinkpad;
  GstPad *srcpad;
  GstAnalyticsJsonPrivate *priv;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw(ANY)"));

// The media type is that of other JSON elements (jsongstenc, tttojson); the format says what the
// objects are.
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC,
    GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-json, format = (string) analytics-frame"));

G_DEFINE_TYPE (GstAnalyticsJson, gst_analytics_json, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (analyticsjson, "analyticsjson", GST_RANK_NONE,
    GST_TYPE_ANALYTICS_JSON,
    GST_DEBUG_CATEGORY_INIT (
        gst_analytics_json_debug, "analyticsjson", 0, "writes analytics results as JSON"))

#define GST_TYPE_ANALYTICS_JSON_EMIT (gst_analytics_json_emit_get_type ())
static GType
gst_analytics_json_emit_get_type (void) {
  static const GEnumValue values[] = {
      {GST_ANALYTICS_JSON_EMIT_ALL, "A line for each frame", "all"},
      {GST_ANALYTICS_JSON_EMIT_ANALYSED, "A line for each frame that a model has looked at",
          "analysed"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static ("GstAnalyticsJsonEmit", values);
  return type;
}

static void
gst_analytics_json_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec) {
  auto self = GST_ANALYTICS_JSON (object);
  switch (id) {
    case PROP_STREAM_ID:
      gst_torch_guard (GST_ELEMENT (self), false, [&] {
        const gchar *text = g_value_get_string (value);
        auto stream_id = text != nullptr ? std::make_shared<const std::string> (text) : nullptr;
        GST_OBJECT_LOCK (self);
        self->priv->stream_id.swap (stream_id);
        GST_OBJECT_UNLOCK (self);
        return true;
      });
      break;
    case PROP_EMIT:
      GST_OBJECT_LOCK (self);
      self->priv->emit = static_cast<GstAnalyticsJsonEmit> (g_value_get_enum (value));
      GST_OBJECT_UNLOCK (self);
      break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec); break;
  }
}

static void
gst_analytics_json_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec) {
  auto self = GST_ANALYTICS_JSON (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_STREAM_ID:
      g_value_set_string (value, self->priv->stream_id ? self->priv->stream_id->c_str () : nullptr);
      break;
    case PROP_EMIT: g_value_set_enum (value, self->priv->emit); break;
    default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec); break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_analytics_json_start_stream (GstAnalyticsJson *self, const gchar *id) {
  self->priv->upstream_id = id;
  self->priv->next_number = 0;
  self->priv->left_out = false;
}

static gboolean
gst_analytics_json_set_caps (GstAnalyticsJson *self, GstCaps *caps) {
  auto priv = self->priv;
  // Only the size matters here, and GstVideoInfo does not know every layout that memory features
  // bring.
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  if (!gst_structure_get (structure, "width", G_TYPE_INT, &priv->width, "height", G_TYPE_INT,
          &priv->height, nullptr)) {
    GST_ERROR_OBJECT (self, "no frame size in caps %" GST_PTR_FORMAT, caps);
    priv->width = priv->height = 0;
    return FALSE;
  }
  GstCaps *json = gst_static_pad_template_get_caps (&src_template);
  const gboolean done = gst_pad_set_caps (self->srcpad, json);
  gst_caps_unref (json);
  return done;
}

static gboolean
gst_analytics_json_sink_event (GstPad *pad, GstObject *parent, GstEvent *event) {
  auto self = GST_ANALYTICS_JSON (parent);
  auto priv = self->priv;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START: {
      const gchar *id;
      gst_event_parse_stream_start (event, &id);
      const gboolean done = gst_torch_guard (GST_ELEMENT (self), FALSE, [&] {
        gst_analytics_json_start_stream (self, id);
        return TRUE;
      });
      if (!done) {
        gst_event_unref (event);
        return FALSE;
      }
      break;
    }
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps (event, &caps);
      const gboolean done = gst_analytics_json_set_caps (self, caps);
      gst_event_unref (event);
      return done;
    }
    case GST_EVENT_SEGMENT: gst_event_copy_segment (event, &priv->segment); break;
    case GST_EVENT_FLUSH_STOP: gst_segment_init (&priv->segment, GST_FORMAT_UNDEFINED); break;
    default: break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean
gst_analytics_json_sink_query (GstPad *pad, GstObject *parent, GstQuery *query) {
  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default (pad, parent, query);
  // Pixels are not looked at, so upstream may lay them out as it likes.
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, nullptr);
  return TRUE;
}

// The line of a frame, or null when it gets none.
static GstMiniPtr<GstBuffer>
gst_analytics_json_make_line (GstAnalyticsJson *self, GstBuffer *frame) {
  auto priv = self->priv;
  FrameFacts facts;
  GST_OBJECT_LOCK (self);
  const auto emit = priv->emit;
  const auto stream_id = priv->stream_id;
  GST_OBJECT_UNLOCK (self);

  facts.stream_id = stream_id ? *stream_id : priv->upstream_id;
  facts.number = priv->next_number++;
  const auto report = read_frame_report (frame);
  if (emit == GST_ANALYTICS_JSON_EMIT_ANALYSED && !report.analysed) {
    priv->left_out = true;
    return nullptr;
  }
  facts.pts = GST_BUFFER_PTS (frame);
  const bool timed = priv->segment.format == GST_FORMAT_TIME;
  facts.running_time =
      timed ? gst_segment_to_running_time (&priv->segment, GST_FORMAT_TIME, facts.pts)
            : GST_CLOCK_TIME_NONE;
  facts.stream_time = timed
                          ? gst_segment_to_stream_time (&priv->segment, GST_FORMAT_TIME, facts.pts)
                          : GST_CLOCK_TIME_NONE;
  facts.wall_clock = read_wall_clock (frame);
  facts.width = priv->width;
  facts.height = priv->height;

  // The buffer takes the string over: the text is written once and never copied.
  auto text = new std::string (format_frame_json (facts, report));
  GstMiniPtr<GstBuffer> line (
      gst_buffer_new_wrapped_full (static_cast<GstMemoryFlags> (0), text->data (), text->size (), 0,
          text->size (), text, [] (gpointer owned) { delete static_cast<std::string *> (owned); }));
  GST_BUFFER_PTS (line.get ()) = facts.pts;
  GST_BUFFER_DURATION (line.get ()) = GST_BUFFER_DURATION (frame);
  if (facts.number == 0 || priv->left_out || GST_BUFFER_IS_DISCONT (frame))
    GST_BUFFER_FLAG_SET (line.get (), GST_BUFFER_FLAG_DISCONT);
  priv->left_out = false;
  return line;
}

static GstFlowReturn
gst_analytics_json_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  auto self = GST_ANALYTICS_JSON (parent);
  GstMiniPtr<GstBuffer> frame (buffer);
  if (self->priv->width == 0) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION, (nullptr), ("a frame came before its caps"));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  return gst_torch_guard (GST_ELEMENT (self), GST_FLOW_ERROR, [&] {
    auto line = gst_analytics_json_make_line (self, frame.get ());
    // The frame may come from a small pool, and pushing may block.
    frame.reset ();
    return line ? gst_pad_push (self->srcpad, line.release ()) : GST_FLOW_OK;
  });
}

static GstStateChangeReturn
gst_analytics_json_change_state (GstElement *element, GstStateChange transition) {
  auto self = GST_ANALYTICS_JSON (element);
  auto result =
      GST_ELEMENT_CLASS (gst_analytics_json_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_segment_init (&self->priv->segment, GST_FORMAT_UNDEFINED);
    gst_analytics_json_start_stream (self, "");
    self->priv->width = self->priv->height = 0;
  }
  return result;
}

static void
gst_analytics_json_finalize (GObject *object) {
  delete GST_ANALYTICS_JSON (object)->priv;
  G_OBJECT_CLASS (gst_analytics_json_parent_class)->finalize (object);
}

static void
gst_analytics_json_init (GstAnalyticsJson *self) {
  self->priv = new GstAnalyticsJsonPrivate ();

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad, GST_DEBUG_FUNCPTR (gst_analytics_json_chain));
  gst_pad_set_event_function (self->sinkpad, GST_DEBUG_FUNCPTR (gst_analytics_json_sink_event));
  gst_pad_set_query_function (self->sinkpad, GST_DEBUG_FUNCPTR (gst_analytics_json_sink_query));
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}

static void
gst_analytics_json_class_init (GstAnalyticsJsonClass *klass) {
  auto object_class = G_OBJECT_CLASS (klass);
  auto element_class = GST_ELEMENT_CLASS (klass);
  constexpr auto kFlags = static_cast<GParamFlags> (
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);

  object_class->set_property = gst_analytics_json_set_property;
  object_class->get_property = gst_analytics_json_get_property;
  object_class->finalize = gst_analytics_json_finalize;
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_analytics_json_change_state);

  /**
   * GstAnalyticsJson:stream-id:
   *
   * The name of the stream in each line, for example that of the camera. Unset, it is the id of
   * upstream's stream-start event.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STREAM_ID,
      g_param_spec_string ("stream-id", "Stream ID",
          "Name of the stream in each line (unset = the id that upstream gives the stream)",
          DEFAULT_STREAM_ID, kFlags));

  /**
   * GstAnalyticsJson:emit:
   *
   * Which frames get a line. Frames are counted in either case, so their numbers stay the same.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_EMIT,
      g_param_spec_enum ("emit", "Emit", "Which frames get a line", GST_TYPE_ANALYTICS_JSON_EMIT,
          DEFAULT_EMIT, kFlags));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Analytics JSON writer",
      "Analyzer/Metadata/Video",
      "Writes the analytics results of each video frame as a line of JSON",
      "The gst-plugins-torch authors");

  gst_type_mark_as_plugin_api (GST_TYPE_ANALYTICS_JSON_EMIT, static_cast<GstPluginAPIFlags> (0));
}
