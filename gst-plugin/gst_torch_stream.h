// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <condition_variable>
#include <deque>
#include <memory_resource>
#include <mutex>
#include <variant>
#include <vector>

#include "gst_torch_stream_frames.h"

/// The lock of one stream's queue and what its threads sleep on. Of its own, because an engine's
/// worker may wake a stream that is just going away.
struct GstTorchBaton final : torchinfer::Waker {
  std::mutex lock;
  std::condition_variable item;    ///< the src task: something came, or a result
  std::condition_variable room;    ///< the streaming thread: something left
  std::condition_variable answer;  ///< the streaming thread: its serialized query is answered

  void wake () noexcept override;
  void wake_all ();  ///< with the lock held
};

/// Whether an application has to be told of a flow that upstream will not hear of any more.
inline bool
gst_torch_is_fatal (GstFlowReturn flow) {
  return flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS;
}

/// Whether what is queued may still leave after such a flow: when the pad is linked again, or behind
/// an EOS.
inline bool
keeps_queue (GstFlowReturn flow) {
  return flow == GST_FLOW_NOT_LINKED || flow == GST_FLOW_EOS;
}

/// Events that begin a stream anew: frames come again behind EOS, and go out again where downstream
/// had returned EOS.
inline bool
revives (const GstEvent *event) {
  const auto type = GST_EVENT_TYPE (event);
  return type == GST_EVENT_STREAM_START || type == GST_EVENT_SEGMENT;
}

/// What lies between the two pads of a torchinference: a queue of buffers, serialized events and
/// serialized queries, filled by upstream's streaming thread and emptied in the same order by the
/// src pad's task, which waits for the head's result. Behaves as core's queue does, whose way with
/// flushing, flow returns and end of stream it follows.
///
/// Locks: baton_->lock guards the members that stand below it. It is never held while anything is
/// pushed, posted, queried or asked of the engine, and nothing but a pad's object lock is taken
/// under it (docs/threading.md).
class GstTorchStream {
 public:
  /// The pads belong to `element` and outlive this object, which sets no function on them.
  GstTorchStream (GstElement *element, GstPad *sink_pad, GstPad *src_pad);
  ~GstTorchStream ();

  /// READY to PAUSED, before the pads become active. `session` null: frames only pass.
  void start (std::shared_ptr<torchinfer::Session> session);
  /// READY to NULL.
  void stop () { frames_.stop (); }

  GstTorchFrames &frames () { return frames_; }
  /// GstTorchFrames::configure(), and what follows from it for upstream.
  void configure (const std::function<GstTorchLiveSettings ()> &read);
  /// GstTorchFrames::replace() is over: pipeline and upstream hear of what has grown.
  void tell_replaced (bool latency_grew);

  // Pad functions.
  GstFlowReturn chain (GstMiniPtr<GstBuffer> buffer);
  GstFlowReturn sink_event (GstMiniPtr<GstEvent> event);
  gboolean sink_query (GstQuery *query);
  gboolean src_event (GstMiniPtr<GstEvent> event);
  gboolean src_query (GstQuery *query);
  gboolean activate_sink (bool active);
  gboolean activate_src (bool active);

 private:
  using Item = std::variant<GstTorchFrame, GstMiniPtr<GstEvent>, GstQuery *>;
  using Items = std::pmr::deque<Item>;
  using Lock = std::unique_lock<std::mutex>;
  using StickyEvents = std::vector<GstMiniPtr<GstEvent>>;

  // Streaming thread.
  GstFlowReturn wait_for_room (Lock &lock);
  bool is_full () const;
  guint output_limit () const;
  bool note_event (GstEvent *event);
  GstFlowReturn enqueue_event (GstMiniPtr<GstEvent> event);
  gboolean flush_start (GstMiniPtr<GstEvent> event);
  gboolean flush_stop (GstMiniPtr<GstEvent> event);

  // Src task.
  static void run_task (gpointer data);
  void loop ();
  void fail () noexcept;
  bool head_is_ready () const;
  Item take_head ();
  GstFlowReturn push (Item item);
  GstFlowReturn push_frame (GstTorchFrame frame);
  void answer_query (GstQuery *query);
  void discard_to_revival (Lock &lock);
  void end_task (Lock &lock);

  // Both. With the lock held:
  void start_task ();
  void settle_query (bool result);
  Items take_items ();
  // Without:
  void store_sticky_events (const Items &items);
  static bool outlives_flush (const Item &item);

  gboolean answer_latency (GstQuery *query);
  GstClockTime longest_hold () const;
  guint most_held () const;
  void raise_pools (GstQuery *query);
  void renew_pools ();

  GstElement *const element_;
  GstPad *const sink_pad_;
  GstPad *const src_pad_;
  const std::shared_ptr<GstTorchBaton> baton_;
  GstTorchFrames frames_;

  // Guarded by baton_->lock.
  Items items_;
  guint queued_frames_ = 0;
  gsize queued_bytes_ = 0;
  GstFlowReturn flow_ = GST_FLOW_FLUSHING;  ///< what upstream is told
  bool relinked_ = false;  ///< RECONFIGURE came since the task has last begun to push
  bool eos_ = false;       ///< EOS has come in: no more frames before STREAM_START or SEGMENT
  bool refusing_ =
      false;             ///< downstream returned EOS: no more frames before STREAM_START or SEGMENT
  bool failed_ = false;  ///< an error of our own was posted: no flow error on top of it
  GstQuery *query_ = nullptr;  ///< waits in items_ or is being answered; upstream's
  bool query_result_ = false;
  GstClockTime configured_latency_ = 0;  ///< of the pipeline
  GstClockTime frame_duration_ = GST_SECOND / 30;
  gsize frame_bytes_ = 0;
  guint pool_frames_ = 0;  ///< what upstream's pools were raised by; 0 = nobody has asked yet
};
