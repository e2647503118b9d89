// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace torchinfer::test {

/// An element between two pads of ours: what is put in at one end is written down, in its order, at
/// the other. Reads like GstHarness, but keeps events, buffers and queries in one list, and lets a
/// test decide what downstream does.
///
/// push() and the like run on the calling thread, as an upstream streaming thread would. What
/// arrives is noted as "buffer 7" (by its offset), "event caps", "query allocation".
class Pads {
 public:
  /// `launch` describes one element with its properties, as gst-launch-1.0 takes it. The element
  /// goes to PLAYING.
  explicit Pads(const std::string& launch, bool play = true);
  ~Pads();
  Pads(const Pads&) = delete;
  Pads& operator=(const Pads&) = delete;

  GstElement* element() const { return element_; }
  GstBus* bus() const { return bus_; }
  GstPad* upstream() const { return upstream_; }
  GstPad* downstream() const { return downstream_; }
  GstStateChangeReturn set_state(GstState state);

  // What upstream does.
  /// STREAM_START, CAPS, SEGMENT. The caps' frames have the size of the buffers that buffer()
  /// makes.
  void start(const std::string& stream_id = "stream", const std::string& caps = kCaps);
  GstFlowReturn push(GstBuffer* buffer);
  bool push_event(GstEvent* event);
  bool set_caps(const std::string& caps);
  bool query(GstQuery* query);  ///< asks the element and frees the query
  /// A frame of kCaps with `number` as its offset, PTS number x 40 ms, and shades that differ by
  /// number.
  static GstBuffer* buffer(guint64 number);
  static constexpr const char* kCaps = "video/x-raw,format=GRAY8,width=16,height=8,framerate=25/1";
  /// What upstream answers to a LATENCY query.
  void set_upstream_latency(bool live, GstClockTime min, GstClockTime max);
  /// What upstream answers to a CAPS query; the default is anything.
  void set_upstream_caps(const std::string& caps);

  // What downstream does.
  /// Whether downstream is linked. Taken together with RECONFIGURE, as linking pads sends it.
  void unlink();
  void link();
  /// Downstream's pad goes inactive, as an element's does on its way to READY: whoever is in it
  /// comes back with FLUSHING.
  void deactivate_downstream();
  void activate_downstream();
  /// Downstream blocks in its chain function, at the next buffer, until release() or a flush.
  void hold();
  void release();
  /// What downstream returns for buffers with a number below `before`; those it does not keep.
  void set_flow(GstFlowReturn flow, guint64 before = G_MAXUINT64);
  /// Answers serialized queries; the default refuses them.
  void set_answer(std::function<bool(GstQuery*)> answer);

  // What has arrived.
  std::vector<std::string> arrived() const;
  /// Waits until `count` things have arrived, at most a minute, and returns what has.
  std::vector<std::string> wait_for(std::size_t count);
  /// Waits until downstream is in its chain function and held there.
  bool wait_until_held();
  /// The nth buffer that arrived, from 0; not owned.
  GstBuffer* arrived_buffer(std::size_t index) const;
  std::size_t arrived_buffers() const;
  void forget();
  /// Events that the element sent upstream, by name.
  std::vector<std::string> upstream_events() const;

  /// The next message of a type within `timeout`, or null. The caller frees it.
  GstMessage* wait_for_message(GstMessageType type, GstClockTime timeout = 60 * GST_SECOND);

 private:
  static GstFlowReturn chain(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean query_function(GstPad* pad, GstObject* parent, GstQuery* query);
  static gboolean upstream_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean upstream_query(GstPad* pad, GstObject* parent, GstQuery* query);
  void note(std::string what);

  GstElement* element_ = nullptr;
  GstBus* bus_ = nullptr;
  GstPad* upstream_ = nullptr;
  GstPad* downstream_ = nullptr;

  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::vector<std::string> arrived_;
  std::vector<GstBuffer*> buffers_;
  std::vector<std::string> upstream_events_;
  std::function<bool(GstQuery*)> answer_;
  GstFlowReturn flow_ = GST_FLOW_OK;
  guint64 flow_before_ = 0;
  bool hold_ = false;
  bool held_ = false;
  bool flushing_ = false;
  std::string upstream_caps_ = "ANY";
  bool live_ = false;
  GstClockTime min_latency_ = 0;
  GstClockTime max_latency_ = GST_CLOCK_TIME_NONE;
};

}  // namespace torchinfer::test
