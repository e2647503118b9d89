// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/analytics/analytics.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gst_torch_analysis.h"

// What the tests of the elements that read analytics metas share: frames, metas written by hand
// with the public API, and a harness.

namespace torchinfer {

/// Any GLib or GStreamer warning ends the test program, so that each test also promises silence.
inline void start_gstreamer() {
  static const bool done = [] {
    gst_init(nullptr, nullptr);
    g_log_set_always_fatal(
        static_cast<GLogLevelFlags>(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING));
    return true;
  }();
  static_cast<void>(done);
}

struct UnrefBuffer {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using BufferPtr = std::unique_ptr<GstBuffer, UnrefBuffer>;

using Classes = std::vector<std::pair<const char*, float>>;

/// Writes results onto a writable buffer, as inference elements and detectors do.
class ResultWriter {
 public:
  explicit ResultWriter(GstBuffer* buffer) {
    const GstAnalyticsRelationMetaInitParams sizes = {64, 8192};
    meta_ = gst_buffer_add_analytics_relation_meta_full(
        buffer, const_cast<GstAnalyticsRelationMetaInitParams*>(&sizes));
  }
  explicit ResultWriter(const BufferPtr& buffer) : ResultWriter(buffer.get()) {}

  /// Each returns the Mtd's id.
  guint classes(const Classes& classes) {
    std::vector<gfloat> levels;
    std::vector<GQuark> labels;
    for (const auto& [label, score] : classes) {
      labels.push_back(label != nullptr ? g_quark_from_string(label) : 0);
      levels.push_back(score);
    }
    GstAnalyticsMtd mtd;
    gst_analytics_relation_meta_add_cls_mtd(meta_, levels.size(), levels.data(), labels.data(),
                                            &mtd);
    return mtd.id;
  }

  guint mark(const char* model, GstClockTime latency = 5 * GST_MSECOND, guint64 batch = 1,
             guint batch_size = 1) {
    const GstTorchAnalysis analysis = {g_quark_from_string(model), latency, batch, batch_size};
    GstAnalyticsMtd mtd;
    gst_torch_analysis_add(meta_, &analysis, &mtd);
    return mtd.id;
  }

  /// What torchinference attaches for a whole frame.
  void analysis(const char* model, const Classes& found) {
    const guint from = mark(model);
    if (!found.empty()) relate(from, classes(found));
  }

  guint object(const char* label, int x, int y, int width, int height, float score = 0.5f,
               float rotation = 0) {
    GstAnalyticsMtd mtd;
    gst_analytics_relation_meta_add_oriented_od_mtd(meta_, g_quark_from_string(label), x, y, width,
                                                    height, rotation, score, &mtd);
    return mtd.id;
  }

  guint track(guint object, guint64 id, bool lost = false) {
    GstAnalyticsMtd mtd;
    gst_analytics_relation_meta_add_tracking_mtd(meta_, id, 0, &mtd);
    if (lost) gst_analytics_tracking_mtd_set_lost(&mtd);
    relate(object, mtd.id);
    return mtd.id;
  }

  void relate(guint from, guint to) {
    gst_analytics_relation_meta_set_relation(meta_, GST_ANALYTICS_REL_TYPE_RELATE_TO, from, to);
  }

 private:
  GstAnalyticsRelationMeta* meta_;
};

inline std::string video_caps(const char* format, int width, int height) {
  return std::string("video/x-raw, format=") + format + ", width=" + std::to_string(width) +
         ", height=" + std::to_string(height) + ", framerate=25/1";
}

/// A frame of 40 ms at number `n`, its bytes a fixed pattern in which neighbours differ.
inline BufferPtr make_frame(const std::string& caps_text, int n = 0) {
  GstCaps* caps = gst_caps_from_string(caps_text.c_str());
  GstVideoInfo info;
  gst_video_info_from_caps(&info, caps);
  gst_caps_unref(caps);
  BufferPtr frame(gst_buffer_new_allocate(nullptr, info.size, nullptr));
  GstMapInfo map;
  gst_buffer_map(frame.get(), &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = static_cast<guint8>(40 + (i * 7 + i / 97) % 160);
  gst_buffer_unmap(frame.get(), &map);
  GST_BUFFER_PTS(frame.get()) = n * 40 * GST_MSECOND;
  GST_BUFFER_DURATION(frame.get()) = 40 * GST_MSECOND;
  return frame;
}

inline std::vector<guint8> bytes_of(GstBuffer* buffer) {
  std::vector<guint8> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}
inline std::vector<guint8> bytes_of(const BufferPtr& buffer) { return bytes_of(buffer.get()); }

/// One element between two pads.
class Harness {
 public:
  /// `description`: its name, and properties as for gst-launch-1.0.
  explicit Harness(const std::string& description) {
    start_gstreamer();
    GstElement* element = gst_parse_launch(description.c_str(), nullptr);
    harness_ = gst_harness_new_with_element(element, "sink", "src");
    gst_object_unref(element);
  }
  ~Harness() { gst_harness_teardown(harness_); }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  GstHarness* get() { return harness_; }
  GstElement* element() { return harness_->element; }

  void caps(const std::string& text) { gst_harness_set_src_caps_str(harness_, text.c_str()); }
  GstFlowReturn push(BufferPtr buffer) { return gst_harness_push(harness_, buffer.release()); }
  /// The next buffer that came out; null if there is none.
  BufferPtr pull() { return BufferPtr(gst_harness_try_pull(harness_)); }
  BufferPtr process(BufferPtr buffer) {
    return push(std::move(buffer)) == GST_FLOW_OK ? pull() : nullptr;
  }

 private:
  GstHarness* harness_;
};

}  // namespace torchinfer
