// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/pads.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace torchinfer::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr gsize kFrameBytes = 16 * 8;

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

Pads* owner(GstPad* pad) { return static_cast<Pads*>(gst_pad_get_element_private(pad)); }

void link_pads(GstPad* src, GstPad* sink) {
  if (gst_pad_link(src, sink) != GST_PAD_LINK_OK) throw std::runtime_error("pads do not link");
}

}  // namespace

Pads::Pads(const std::string& launch, bool play) {
  GError* error = nullptr;
  element_ = gst_parse_launch_full(launch.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (element_ == nullptr) {
    const std::string text = error->message;
    g_error_free(error);
    throw std::runtime_error(launch + ": " + text);
  }
  gst_object_ref_sink(element_);
  bus_ = gst_bus_new();
  gst_element_set_bus(element_, bus_);

  upstream_ = gst_pad_new_from_static_template(&src_template, "upstream");
  gst_pad_set_element_private(upstream_, this);
  gst_pad_set_event_function(upstream_, upstream_event);
  gst_pad_set_query_function(upstream_, upstream_query);
  downstream_ = gst_pad_new_from_static_template(&sink_template, "downstream");
  gst_pad_set_element_private(downstream_, this);
  gst_pad_set_chain_function(downstream_, chain);
  gst_pad_set_event_function(downstream_, event);
  gst_pad_set_query_function(downstream_, query_function);

  GstPad* sink = gst_element_get_static_pad(element_, "sink");
  link_pads(upstream_, sink);
  gst_object_unref(sink);
  link();
  gst_pad_set_active(downstream_, TRUE);
  if (play && set_state(GST_STATE_PLAYING) != GST_STATE_CHANGE_SUCCESS)
    throw std::runtime_error("no PLAYING");
  gst_pad_set_active(upstream_, TRUE);
}

Pads::~Pads() {
  release();
  set_state(GST_STATE_NULL);
  gst_pad_set_active(upstream_, FALSE);
  gst_pad_set_active(downstream_, FALSE);
  forget();
  gst_element_set_bus(element_, nullptr);
  gst_bus_set_flushing(bus_, TRUE);
  gst_object_unref(bus_);
  gst_object_unref(element_);
  gst_object_unref(upstream_);
  gst_object_unref(downstream_);
}

GstStateChangeReturn Pads::set_state(GstState state) {
  return gst_element_set_state(element_, state);
}

void Pads::start(const std::string& stream_id, const std::string& caps) {
  push_event(gst_event_new_stream_start(stream_id.c_str()));
  set_caps(caps);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  push_event(gst_event_new_segment(&segment));
}

GstFlowReturn Pads::push(GstBuffer* buffer) { return gst_pad_push(upstream_, buffer); }

bool Pads::push_event(GstEvent* event) { return gst_pad_push_event(upstream_, event); }

bool Pads::set_caps(const std::string& text) {
  GstCaps* caps = gst_caps_from_string(text.c_str());
  const bool taken = push_event(gst_event_new_caps(caps));
  gst_caps_unref(caps);
  return taken;
}

bool Pads::query(GstQuery* query) {
  const bool answered = gst_pad_peer_query(upstream_, query);
  gst_query_unref(query);
  return answered;
}

GstBuffer* Pads::buffer(guint64 number) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, kFrameBytes, nullptr);
  gst_buffer_memset(buffer, 0, static_cast<guint8>(number), kFrameBytes);
  GST_BUFFER_OFFSET(buffer) = number;
  GST_BUFFER_PTS(buffer) = number * 40 * GST_MSECOND;
  GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
  return buffer;
}

void Pads::set_upstream_latency(bool live, GstClockTime min, GstClockTime max) {
  const std::lock_guard guard(lock_);
  live_ = live;
  min_latency_ = min;
  max_latency_ = max;
}

void Pads::set_upstream_caps(const std::string& caps) {
  const std::lock_guard guard(lock_);
  upstream_caps_ = caps;
}

void Pads::unlink() {
  GstPad* src = gst_element_get_static_pad(element_, "src");
  gst_pad_unlink(src, downstream_);
  gst_object_unref(src);
}

void Pads::link() {
  GstPad* src = gst_element_get_static_pad(element_, "src");
  link_pads(src, downstream_);
  gst_object_unref(src);
}

void Pads::deactivate_downstream() {
  {
    const std::lock_guard guard(lock_);
    flushing_ = true;
    changed_.notify_all();
  }
  gst_pad_set_active(downstream_, FALSE);
}

void Pads::activate_downstream() {
  {
    const std::lock_guard guard(lock_);
    flushing_ = false;
  }
  gst_pad_set_active(downstream_, TRUE);
}

void Pads::hold() {
  const std::lock_guard guard(lock_);
  hold_ = true;
}

void Pads::release() {
  const std::lock_guard guard(lock_);
  hold_ = false;
  changed_.notify_all();
}

void Pads::set_flow(GstFlowReturn flow, guint64 before) {
  const std::lock_guard guard(lock_);
  flow_ = flow;
  flow_before_ = before;
}

void Pads::set_answer(std::function<bool(GstQuery*)> answer) {
  const std::lock_guard guard(lock_);
  answer_ = std::move(answer);
}

std::vector<std::string> Pads::arrived() const {
  const std::lock_guard guard(lock_);
  return arrived_;
}

std::vector<std::string> Pads::wait_for(std::size_t count) {
  std::unique_lock lock(lock_);
  changed_.wait_for(lock, kPatience, [&] { return arrived_.size() >= count; });
  return arrived_;
}

bool Pads::wait_until_held() {
  std::unique_lock lock(lock_);
  return changed_.wait_for(lock, kPatience, [&] { return held_; });
}

GstBuffer* Pads::arrived_buffer(std::size_t index) const {
  const std::lock_guard guard(lock_);
  return buffers_.at(index);
}

std::size_t Pads::arrived_buffers() const {
  const std::lock_guard guard(lock_);
  return buffers_.size();
}

void Pads::forget() {
  const std::lock_guard guard(lock_);
  for (GstBuffer* buffer : buffers_) gst_buffer_unref(buffer);
  buffers_.clear();
  arrived_.clear();
}

std::vector<std::string> Pads::upstream_events() const {
  const std::lock_guard guard(lock_);
  return upstream_events_;
}

GstMessage* Pads::wait_for_message(GstMessageType type, GstClockTime timeout) {
  return gst_bus_timed_pop_filtered(bus_, timeout, type);
}

void Pads::note(std::string what) {
  const std::lock_guard guard(lock_);
  arrived_.push_back(std::move(what));
  changed_.notify_all();
}

GstFlowReturn Pads::chain(GstPad* pad, GstObject*, GstBuffer* buffer) {
  Pads* self = owner(pad);
  std::unique_lock lock(self->lock_);
  self->held_ = self->hold_;
  self->changed_.notify_all();
  self->changed_.wait(lock, [&] { return !self->hold_ || self->flushing_; });
  self->held_ = false;
  if (self->flushing_) {
    gst_buffer_unref(buffer);
    return GST_FLOW_FLUSHING;
  }
  if (self->flow_ != GST_FLOW_OK && GST_BUFFER_OFFSET(buffer) < self->flow_before_) {
    gst_buffer_unref(buffer);
    return self->flow_;
  }
  self->buffers_.push_back(buffer);
  self->arrived_.push_back("buffer " + std::to_string(GST_BUFFER_OFFSET(buffer)));
  self->changed_.notify_all();
  return GST_FLOW_OK;
}

gboolean Pads::event(GstPad* pad, GstObject*, GstEvent* event) {
  Pads* self = owner(pad);
  const auto type = GST_EVENT_TYPE(event);
  if (type == GST_EVENT_FLUSH_START || type == GST_EVENT_FLUSH_STOP) {
    const std::lock_guard guard(self->lock_);
    self->flushing_ = type == GST_EVENT_FLUSH_START;
    self->changed_.notify_all();
  }
  self->note(std::string("event ") + GST_EVENT_TYPE_NAME(event));
  gst_event_unref(event);
  return TRUE;
}

gboolean Pads::query_function(GstPad* pad, GstObject* parent, GstQuery* query) {
  Pads* self = owner(pad);
  std::function<bool(GstQuery*)> answer;
  {
    const std::lock_guard guard(self->lock_);
    answer = self->answer_;
  }
  if (!GST_QUERY_IS_SERIALIZED(query)) return gst_pad_query_default(pad, parent, query);
  self->note(std::string("query ") + GST_QUERY_TYPE_NAME(query));
  return answer && answer(query);
}

gboolean Pads::upstream_event(GstPad* pad, GstObject*, GstEvent* event) {
  Pads* self = owner(pad);
  const std::lock_guard guard(self->lock_);
  self->upstream_events_.emplace_back(GST_EVENT_TYPE_NAME(event));
  gst_event_unref(event);
  return TRUE;
}

gboolean Pads::upstream_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  Pads* self = owner(pad);
  std::unique_lock lock(self->lock_);
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_LATENCY:
      gst_query_set_latency(query, self->live_, self->min_latency_, self->max_latency_);
      return TRUE;
    case GST_QUERY_CAPS: {
      GstCaps* filter = nullptr;
      gst_query_parse_caps(query, &filter);
      GstCaps* caps = gst_caps_from_string(self->upstream_caps_.c_str());
      if (filter != nullptr) {
        GstCaps* both = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
        gst_caps_unref(caps);
        caps = both;
      }
      gst_query_set_caps_result(query, caps);
      gst_caps_unref(caps);
      return TRUE;
    }
    default: lock.unlock(); return gst_pad_query_default(pad, parent, query);
  }
}

}  // namespace torchinfer::test
