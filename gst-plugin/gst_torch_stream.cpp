// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_stream.h"

#include <algorithm>
#include <utility>

#include "gst_error.h"
#include "video_caps.h"

GST_DEBUG_CATEGORY_EXTERN (gst_torch_inference_debug);
#define GST_CAT_DEFAULT gst_torch_inference_debug

namespace {

// A sink that holds frames on purpose, or an encoder beside it, must find room here for as long;
// but not for more than this.
constexpr gsize kOutputBytes = gsize{512} << 20;
constexpr GstClockTime kOutputTime = 10 * GST_SECOND;

}  // namespace

void
GstTorchBaton::wake () noexcept {
  const std::lock_guard guard (lock);
  item.notify_all ();
}

void
GstTorchBaton::wake_all () {
  item.notify_all ();
  room.notify_all ();
  answer.notify_all ();
}

GstTorchStream::GstTorchStream (GstElement *element, GstPad *sink_pad, GstPad *src_pad)
    : element_ (element),
      sink_pad_ (sink_pad),
      src_pad_ (src_pad),
      baton_ (std::make_shared<GstTorchBaton> ()),
      frames_ (element, sink_pad),
      items_ (gst_torch_frame_memory ()) {}

GstTorchStream::~GstTorchStream () = default;

void
GstTorchStream::start (std::shared_ptr<torchinfer::Session> session) {
  frames_.start (std::move (session), baton_);
  const Lock lock (baton_->lock);
  configured_latency_ = 0;
  frame_duration_ = GST_SECOND / 30;
  frame_bytes_ = 0;
  pool_frames_ = 0;
}

void
GstTorchStream::configure (const std::function<GstTorchLiveSettings ()> &read) {
  frames_.configure (read);
  renew_pools ();
}

void
GstTorchStream::tell_replaced (bool latency_grew) {
  if (latency_grew)
    frames_.post_latency ();
  renew_pools ();
}

// --- Upstream's streaming thread

GstFlowReturn
GstTorchStream::chain (GstMiniPtr<GstBuffer> buffer) {
  {
    Lock lock (baton_->lock);
    if (const auto flow = wait_for_room (lock); flow != GST_FLOW_OK)
      return flow;
  }
  if (!frames_.knows_caps ()) {
    GST_ERROR_OBJECT (element_, "a buffer came before its caps");
    return GST_FLOW_NOT_NEGOTIATED;
  }
  auto frame = frames_.enter (std::move (buffer));
  if (!frame)
    return GST_FLOW_OK;

  Lock lock (baton_->lock);
  if (flow_ != GST_FLOW_OK) {
    const auto flow = flow_;
    lock.unlock ();
    // Whoever stopped the stream may have emptied the engine's queue before this frame got there.
    if (!keeps_queue (flow))
      frames_.cancel ();
    return flow;
  }
  queued_frames_++;
  queued_bytes_ += gst_buffer_get_size (frame->buffer.get ());
  items_.emplace_back (*std::move (frame));
  baton_->item.notify_one ();
  return GST_FLOW_OK;
}

/// Blocks as a full queue does. Frames at the engine are bounded by credit; those that wait for
/// downstream, here.
GstFlowReturn
GstTorchStream::wait_for_room (Lock &lock) {
  bool told = false;
  for (;;) {
    if (flow_ != GST_FLOW_OK)
      return flow_;
    if (eos_ || refusing_)
      return GST_FLOW_EOS;
    if (!is_full ())
      return GST_FLOW_OK;
    if (told) {
      baton_->room.wait (lock);
      continue;
    }
    lock.unlock ();
    frames_.pause_contributing ();
    told = true;
    lock.lock ();
  }
}

bool
GstTorchStream::is_full () const {
  const auto limit = output_limit ();
  const bool over_bytes = queued_bytes_ >= kOutputBytes;
  if (queued_frames_ < limit && !over_bytes)
    return false;
  // A frame behind one that is still at the engine waits for the engine: skipped frames must not
  // hold a live source up. Their memory is bounded all the same.
  guint finished = 0;
  for (const auto &item : items_) {
    const auto frame = std::get_if<GstTorchFrame> (&item);
    if (frame == nullptr)
      continue;
    if (frame->ready ())
      finished++;
    else if (!over_bytes)
      break;
  }
  return finished >= (over_bytes ? std::min<guint> (limit, frames_.batch_size ()) : limit);
}

/// Finished frames that may wait here: those of the time that the pipeline is to hold them, and
/// those that come out of the engine at once.
guint
GstTorchStream::output_limit () const {
  auto held = std::min (configured_latency_, kOutputTime) / frame_duration_;
  if (frame_bytes_ != 0)
    held = std::min<GstClockTime> (held, kOutputBytes / frame_bytes_);
  return static_cast<guint> (held) + frames_.burst () + 1;
}

GstFlowReturn
GstTorchStream::sink_event (GstMiniPtr<GstEvent> event) {
  switch (GST_EVENT_TYPE (event.get ())) {
    case GST_EVENT_FLUSH_START:
      return flush_start (std::move (event)) ? GST_FLOW_OK : GST_FLOW_ERROR;
    case GST_EVENT_FLUSH_STOP: return flush_stop (std::move (event)) ? GST_FLOW_OK : GST_FLOW_ERROR;
    default: break;
  }
  if (!GST_EVENT_IS_SERIALIZED (event.get ()))
    return gst_pad_push_event (src_pad_, event.release ()) ? GST_FLOW_OK : GST_FLOW_ERROR;
  if (!note_event (event.get ()))
    return GST_FLOW_NOT_NEGOTIATED;
  return enqueue_event (std::move (event));
}

/// What an event means for the frames behind it. False for caps that cannot be used.
bool
GstTorchStream::note_event (GstEvent *event) {
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps (event, &caps);
      GstVideoInfo info;
      if (!gst_video_info_from_caps (&info, caps)) {
        GST_ERROR_OBJECT (element_, "unusable caps %" GST_PTR_FORMAT, caps);
        return false;
      }
      const auto duration = gst_torch_frame_duration (caps);
      if (!frames_.set_caps (info, duration)) {
        GST_ERROR_OBJECT (
            element_, "caps of a format that no model can be shown: %" GST_PTR_FORMAT, caps);
        return false;
      }
      const Lock lock (baton_->lock);
      frame_duration_ = duration;
      frame_bytes_ = GST_VIDEO_INFO_SIZE (&info);
      return true;
    }
    case GST_EVENT_SEGMENT: {
      const GstSegment *segment;
      gst_event_parse_segment (event, &segment);
      frames_.set_segment (*segment);
      return true;
    }
    case GST_EVENT_STREAM_START: frames_.restart (); return true;
    case GST_EVENT_GAP: frames_.pause_contributing (); return true;
    // Nothing comes behind them before somebody downstream has seen them.
    case GST_EVENT_SEGMENT_DONE:
    case GST_EVENT_STREAM_GROUP_DONE:
    case GST_EVENT_EOS: frames_.hurry (); return true;
    default: return true;
  }
}

GstFlowReturn
GstTorchStream::enqueue_event (GstMiniPtr<GstEvent> event) {
  const auto type = GST_EVENT_TYPE (event.get ());
  Lock lock (baton_->lock);
  if (flow_ != GST_FLOW_OK) {
    // A sticky event is kept: the data behind it tells of the error. Nothing comes behind EOS.
    const auto flow = flow_;
    const bool unheard = type == GST_EVENT_EOS && gst_torch_is_fatal (flow) && !failed_;
    if (!GST_EVENT_IS_STICKY (event.get ()) || type == GST_EVENT_EOS) {
      lock.unlock ();
      if (unheard)
        GST_ELEMENT_FLOW_ERROR (element_, flow);
      GST_DEBUG_OBJECT (element_, "refusing %s: %s", GST_EVENT_TYPE_NAME (event.get ()),
          gst_flow_get_name (flow));
      return flow;
    }
  }
  if (revives (event.get ()))
    refusing_ = false;
  if (eos_) {
    if (!revives (event.get ()))
      return GST_FLOW_EOS;
    eos_ = false;
    start_task ();
  }
  if (type == GST_EVENT_EOS)
    eos_ = true;
  items_.emplace_back (std::move (event));
  baton_->item.notify_one ();
  return GST_FLOW_OK;
}

gboolean
GstTorchStream::sink_query (GstQuery *query) {
  if (!GST_QUERY_IS_SERIALIZED (query))
    return gst_pad_query_default (sink_pad_, GST_OBJECT_CAST (element_), query);

  // The thread that would bring more frames waits for the answer, and the answer for the frames
  // before it: their batch must not wait.
  frames_.hurry ();
  Lock lock (baton_->lock);
  if (flow_ != GST_FLOW_OK)
    return FALSE;
  query_ = query;
  query_result_ = false;
  items_.emplace_back (query);
  baton_->item.notify_one ();
  // Only settle_query() ends this wait: until the src task is known not to use the query, it has to
  // stay alive.
  while (query_ == query) baton_->answer.wait (lock);
  return query_result_;
}

void
GstTorchStream::settle_query (bool result) {
  if (!query_)
    return;
  query_ = nullptr;
  query_result_ = result;
  baton_->answer.notify_all ();
}

gboolean
GstTorchStream::flush_start (GstMiniPtr<GstEvent> event) {
  const auto pushed = gst_pad_push_event (src_pad_, event.release ());
  {
    const Lock lock (baton_->lock);
    flow_ = GST_FLOW_FLUSHING;
    baton_->wake_all ();
  }
  frames_.interrupt (true);
  frames_.cancel ();
  // Downstream is flushing too, so the task comes back from wherever it is.
  gst_pad_pause_task (src_pad_);
  const Lock lock (baton_->lock);
  settle_query (false);
  return pushed;
}

gboolean
GstTorchStream::flush_stop (GstMiniPtr<GstEvent> event) {
  const auto pushed = gst_pad_push_event (src_pad_, event.release ());
  Items items (gst_torch_frame_memory ());
  {
    const Lock lock (baton_->lock);
    items = take_items ();
  }
  store_sticky_events (items);
  frames_.restart ();
  frames_.interrupt (false);
  const Lock lock (baton_->lock);
  eos_ = false;
  refusing_ = false;
  start_task ();
  return pushed;
}

/// With the lock held. Src pads are deactivated before sink pads: a task that a late flush started
/// in between would run on, and a flow that says OK would let a query wait for an answer that nobody
/// gives.
void
GstTorchStream::start_task () {
  if (!gst_pad_is_active (src_pad_)) {
    GST_INFO_OBJECT (src_pad_, "not active any longer, the task stays as it is");
    return;
  }
  flow_ = GST_FLOW_OK;
  failed_ = false;
  gst_pad_start_task (src_pad_, run_task, this, nullptr);
}

/// Empties the queue. A query in it is upstream's again: the caller settles it.
GstTorchStream::Items
GstTorchStream::take_items () {
  queued_frames_ = 0;
  queued_bytes_ = 0;
  baton_->room.notify_all ();
  Items items (gst_torch_frame_memory ());
  items.swap (items_);
  return items;
}

/// Sticky events that a flush catches in the queue still describe what comes next: caps, stream,
/// tags.
bool
GstTorchStream::outlives_flush (const Item &item) {
  const auto event = std::get_if<GstMiniPtr<GstEvent>> (&item);
  if (event == nullptr || !*event || !GST_EVENT_IS_STICKY (event->get ()))
    return false;
  const auto type = GST_EVENT_TYPE (event->get ());
  return type != GST_EVENT_SEGMENT && type != GST_EVENT_EOS;
}

void
GstTorchStream::store_sticky_events (const Items &items) {
  for (const auto &item : items)
    if (outlives_flush (item))
      gst_pad_store_sticky_event (src_pad_, std::get<GstMiniPtr<GstEvent>> (item).get ());
}

/// As long as we can keep frames without blocking upstream, once the pipeline asks for it.
GstClockTime
GstTorchStream::longest_hold () const {
  const Lock lock (baton_->lock);
  if (frame_bytes_ == 0)
    return kOutputTime;
  return std::min<GstClockTime> (kOutputTime, kOutputBytes / frame_bytes_ * frame_duration_);
}

gboolean
GstTorchStream::activate_sink (bool active) {
  if (active) {
    const Lock lock (baton_->lock);
    flow_ = GST_FLOW_OK;
    eos_ = false;
    refusing_ = false;
    return TRUE;
  }
  {
    const Lock lock (baton_->lock);
    flow_ = GST_FLOW_FLUSHING;
    baton_->wake_all ();
  }
  frames_.interrupt (true);
  frames_.cancel ();
  GST_PAD_STREAM_LOCK (sink_pad_);
  Items items (gst_torch_frame_memory ());
  {
    const Lock lock (baton_->lock);
    settle_query (false);
    items = take_items ();
  }
  items.clear ();
  GST_PAD_STREAM_UNLOCK (sink_pad_);
  return TRUE;
}

gboolean
GstTorchStream::activate_src (bool active) {
  if (active) {
    frames_.interrupt (false);
    {
      const Lock lock (baton_->lock);
      flow_ = GST_FLOW_OK;
      failed_ = false;
      eos_ = false;
      refusing_ = false;
    }
    // Without the lock: making the task posts STREAM_STATUS, and a handler of that may ask us
    // anything. Later starts find a task and post nothing.
    return gst_pad_start_task (src_pad_, run_task, this, nullptr);
  }
  {
    const Lock lock (baton_->lock);
    flow_ = GST_FLOW_FLUSHING;
    baton_->wake_all ();
  }
  frames_.interrupt (true);
  frames_.cancel ();
  const auto stopped = gst_pad_stop_task (src_pad_);
  const Lock lock (baton_->lock);
  settle_query (false);
  return stopped;
}
