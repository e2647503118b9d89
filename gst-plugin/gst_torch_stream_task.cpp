// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <utility>

#include "gst_error.h"
#include "gst_guard.h"
#include "gst_torch_stream.h"

// The side of the src pad: its task, and what downstream sends and asks.

GST_DEBUG_CATEGORY_EXTERN (gst_torch_inference_debug);
#define GST_CAT_DEFAULT gst_torch_inference_debug

void
GstTorchStream::run_task (gpointer data) {
  const auto stream = static_cast<GstTorchStream *> (data);
  const bool done = gst_torch_guard (stream->element_, false, [stream] {
    stream->loop ();
    return true;
  });
  if (!done)
    stream->fail ();
}

/// One turn: waits for the head of the queue, takes it, and lets it out.
void
GstTorchStream::loop () {
  Lock lock (baton_->lock);
  while (flow_ == GST_FLOW_OK && !head_is_ready ()) baton_->item.wait (lock);
  if (flow_ != GST_FLOW_OK)
    return end_task (lock);

  auto item = take_head ();
  const bool is_frame = std::holds_alternative<GstTorchFrame> (item);
  relinked_ = false;
  lock.unlock ();
  auto flow = push (std::move (item));
  lock.lock ();
  // Linked while we were on our way back: nobody will tell us again.
  if (flow == GST_FLOW_NOT_LINKED && relinked_)
    flow = GST_FLOW_OK;
  // A flush, a state change or an error while we were out counts more.
  if (flow_ != GST_FLOW_OK)
    return end_task (lock);
  if (is_frame && flow == GST_FLOW_EOS)
    return discard_to_revival (lock);
  // Behind EOS comes only a new stream, which may have begun while EOS was still on its way out.
  const bool revived = flow == GST_FLOW_EOS && !items_.empty ();
  if (!revived)
    flow_ = flow;
  if (flow_ != GST_FLOW_OK)
    end_task (lock);
}

bool
GstTorchStream::head_is_ready () const {
  if (items_.empty ())
    return false;
  const auto frame = std::get_if<GstTorchFrame> (&items_.front ());
  return frame == nullptr || frame->ready ();
}

GstTorchStream::Item
GstTorchStream::take_head () {
  auto item = std::move (items_.front ());
  items_.pop_front ();
  if (const auto frame = std::get_if<GstTorchFrame> (&item)) {
    queued_frames_--;
    queued_bytes_ -= gst_buffer_get_size (frame->buffer.get ());
    baton_->room.notify_one ();
  }
  return item;
}

GstFlowReturn
GstTorchStream::push (Item item) {
  if (const auto frame = std::get_if<GstTorchFrame> (&item))
    return push_frame (std::move (*frame));
  if (const auto query = std::get_if<GstQuery *> (&item)) {
    answer_query (*query);
    return GST_FLOW_OK;
  }
  auto &event = std::get<GstMiniPtr<GstEvent>> (item);
  const bool eos = GST_EVENT_TYPE (event.get ()) == GST_EVENT_EOS;
  if (eos)
    frames_.post_stats ();
  gst_pad_push_event (src_pad_, event.release ());
  return eos ? GST_FLOW_EOS : GST_FLOW_OK;
}

GstFlowReturn
GstTorchStream::push_frame (GstTorchFrame frame) {
  auto departure = frames_.leave (std::move (frame));
  if (!departure.error.ok ()) {
    {
      const Lock lock (baton_->lock);
      // What stops the stream at this very moment need not hear of it.
      if (flow_ != GST_FLOW_OK)
        return flow_;
      failed_ = true;
    }
    GST_TORCH_POST_ERROR (element_, departure.error);
    return GST_FLOW_ERROR;
  }
  const auto flow = gst_pad_push (src_pad_, departure.buffer.release ());
  if (flow == GST_FLOW_OK)
    frames_.note_pushed ();
  frames_.post_stats_if_due ();
  return flow;
}

void
GstTorchStream::answer_query (GstQuery *query) {
  // What came before has left, but with it the engine's views of it only where a device does not
  // still read them.
  bool result = GST_QUERY_TYPE (query) != GST_QUERY_DRAIN || frames_.drain ();
  result = result && gst_pad_peer_query (src_pad_, query);
  if (result && GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION)
    raise_pools (query);
  const Lock lock (baton_->lock);
  settle_query (result);
}

/// Downstream takes no more data: up to a new beginning or the end, which it would take, all that
/// is queued goes nowhere.
void
GstTorchStream::discard_to_revival (Lock &lock) {
  Items discarded (gst_torch_frame_memory ());
  refusing_ = true;
  while (!items_.empty ()) {
    const auto event = std::get_if<GstMiniPtr<GstEvent>> (&items_.front ());
    if (event != nullptr &&
        (revives (event->get ()) || GST_EVENT_TYPE (event->get ()) == GST_EVENT_EOS)) {
      refusing_ = false;
      break;
    }
    if (std::holds_alternative<GstQuery *> (items_.front ()))
      settle_query (false);
    discarded.push_back (take_head ());
  }
  // What is at the engine is left to it: without the lock, a frame behind the revival could be
  // there by now.
  lock.unlock ();
  GST_DEBUG_OBJECT (
      element_, "downstream is EOS, discarded %" G_GSIZE_FORMAT " items", discarded.size ());
  store_sticky_events (discarded);
}

/// The task pauses, and with the lock held: whoever starts it again must find it paused.
void
GstTorchStream::end_task (Lock &lock) {
  const auto flow = flow_;
  const bool resumable = keeps_queue (flow);
  const bool unheard = eos_ && gst_torch_is_fatal (flow);
  const bool told = failed_;
  gst_pad_pause_task (src_pad_);
  Items discarded (gst_torch_frame_memory ());
  if (!resumable) {
    discarded = take_items ();
    // For FLUSH_STOP to store: while the pad is flushing it would not keep them.
    for (auto &item : discarded)
      if (outlives_flush (item))
        items_.push_back (std::move (item));
  } else if (query_ != nullptr) {
    std::erase_if (
        items_, [] (const Item &item) { return std::holds_alternative<GstQuery *> (item); });
  }
  settle_query (false);
  baton_->room.notify_all ();
  lock.unlock ();

  GST_DEBUG_OBJECT (element_, "task pauses: %s", gst_flow_get_name (flow));
  if (!resumable)
    frames_.cancel ();
  discarded.clear ();
  // Upstream hears of a flow with its next buffer. After EOS there is none.
  if (!unheard)
    return;
  if (!told)
    GST_ELEMENT_FLOW_ERROR (element_, flow);
  gst_pad_push_event (src_pad_, gst_event_new_eos ());
}

/// An exception ended a turn of the task; its error has been posted. Memory may be what is missing,
/// so nothing is allocated here, and the queue stays for the flush or the state change that follows.
void
GstTorchStream::fail () noexcept {
  bool eos;
  {
    const Lock lock (baton_->lock);
    failed_ = true;
    if (flow_ == GST_FLOW_OK)
      flow_ = GST_FLOW_ERROR;
    eos = eos_;
    gst_pad_pause_task (src_pad_);
    settle_query (false);
    baton_->room.notify_all ();
  }
  if (eos)
    gst_pad_push_event (src_pad_, gst_event_new_eos ());
}

gboolean
GstTorchStream::src_event (GstMiniPtr<GstEvent> event) {
  switch (GST_EVENT_TYPE (event.get ())) {
    case GST_EVENT_RECONFIGURE: {
      const Lock lock (baton_->lock);
      // Linked again, by all we know.
      relinked_ = true;
      if (flow_ == GST_FLOW_NOT_LINKED)
        start_task ();
      break;
    }
    case GST_EVENT_QOS: {
      GstClockTimeDiff jitter;
      GstClockTime timestamp;
      gst_event_parse_qos (event.get (), nullptr, nullptr, &jitter, &timestamp);
      frames_.note_qos (timestamp, jitter);
      break;
    }
    case GST_EVENT_LATENCY: {
      {
        const Lock lock (baton_->lock);
        gst_event_parse_latency (event.get (), &configured_latency_);
        baton_->room.notify_all ();
      }
      renew_pools ();
      break;
    }
    default: break;
  }
  return gst_pad_event_default (src_pad_, GST_OBJECT_CAST (element_), event.release ());
}

gboolean
GstTorchStream::src_query (GstQuery *query) {
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_LATENCY: return answer_latency (query);
    case GST_QUERY_SCHEDULING:
      gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
      return TRUE;
    default: return gst_pad_query_default (src_pad_, GST_OBJECT_CAST (element_), query);
  }
}

gboolean
GstTorchStream::answer_latency (GstQuery *query) {
  if (!gst_pad_peer_query (sink_pad_, query))
    return FALSE;
  gboolean live;
  GstClockTime min, max;
  gst_query_parse_latency (query, &live, &min, &max);
  frames_.note_live (live);
  const auto ours = frames_.latency ();
  const auto room = longest_hold ();
  min += ours;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max = std::max (max + room, min);
  GST_DEBUG_OBJECT (element_,
      "adding %" GST_TIME_FORMAT " to the latency, room for %" GST_TIME_FORMAT,
      GST_TIME_ARGS (ours), GST_TIME_ARGS (room));
  gst_query_set_latency (query, live, min, max);
  return TRUE;
}

/// With the lock held: the most frames that are ever here at once.
guint
GstTorchStream::most_held () const {
  return frames_.most_at_engine () + output_limit ();
}

/// Upstream's pool must have buffers to go on with while we hold as many as we may. Downstream's
/// metas stay as they are: what it has not asked for, it may not understand.
void
GstTorchStream::raise_pools (GstQuery *query) {
  guint held;
  {
    const Lock lock (baton_->lock);
    held = most_held ();
    pool_frames_ = held;
  }
  const auto pools = gst_query_get_n_allocation_pools (query);
  for (guint i = 0; i < pools; i++) {
    GstBufferPool *pool;
    guint size, min, max;
    gst_query_parse_nth_allocation_pool (query, i, &pool, &size, &min, &max);
    gst_query_set_nth_allocation_pool (query, i, pool, size, min + held, max == 0 ? 0 : max + held);
    gst_clear_object (&pool);
  }
  GstCaps *caps;
  GstVideoInfo info;
  gst_query_parse_allocation (query, &caps, nullptr);
  if (pools == 0 && caps != nullptr && gst_video_info_from_caps (&info, caps))
    gst_query_add_allocation_pool (query, nullptr, GST_VIDEO_INFO_SIZE (&info), held, 0);
}

/// We may hold more now than upstream's pools were made for: it shall ask again before it runs dry.
void
GstTorchStream::renew_pools () {
  {
    const Lock lock (baton_->lock);
    const auto held = most_held ();
    if (pool_frames_ == 0 || held <= pool_frames_)
      return;
    // Asked once: upstream need not follow.
    pool_frames_ = held;
  }
  GST_DEBUG_OBJECT (element_, "may hold more frames than upstream's pools were made for");
  gst_pad_push_event (sink_pad_, gst_event_new_reconfigure ());
}
