// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/session.h"
#include "frame_mapper.h"
#include "gst_mini_ptr.h"
#include "gst_torch_settings.h"
#include "gst_torch_stream_latency.h"
#include "gst_torch_stream_policy.h"
#include "gst_torch_stream_stats.h"
#include "result_meta.h"

/// One frame between the pads.
struct GstTorchFrame {
  GstMiniPtr<GstBuffer> buffer;
  std::shared_ptr<torchinfer::FrameResult> result;  ///< null: no model looks at it
  torchinfer::Status refusal;                       ///< why it could not be given to the model
  torchinfer::TimePoint entered;

  /// Whether it may leave, as far as the model is concerned.
  bool ready () const { return !result || result->complete (); }
};

/// A frame whose turn it is to leave.
struct GstTorchDeparture {
  GstMiniPtr<GstBuffer> buffer;
  torchinfer::Status error;  ///< not ok: the stream ends with it, and the buffer stays
};

/// What one stream does with its frames: which of them a model looks at, and what they carry away.
/// Knows nothing of their order.
///
/// Threads: "streaming" methods run on upstream's streaming thread, "src task" ones on the src
/// pad's task, the rest anywhere; start() and stop() while both pads are inactive. No lock is held
/// while anything outside is called: lock_ guards the members below it alone.
class GstTorchFrames {
 public:
  /// Both outlive this object; neither is owned.
  GstTorchFrames (GstElement *element, GstPad *sink_pad);

  /// `session` null: no frame is looked at.
  void start (
      std::shared_ptr<torchinfer::Session> session, std::shared_ptr<torchinfer::Waker> waker);
  void stop ();

  /// `read` gives the settings as they are now. It is called here, so that of two threads that set
  /// properties at once none brings old ones in last.
  void configure (const std::function<GstTorchLiveSettings ()> &read);

  // Who loads models, one thread at a time; start() has had a session.
  /// Frames from now on go to `session`; those that are at the one before stay there, and one that
  /// is just entering may still go there. retire() has to follow. Posts nothing. True if the
  /// latency grew: post_latency() is due.
  bool replace (std::shared_ptr<torchinfer::Session> session);
  /// Where a session was replaced: waits until it has done all it was given, at most its forwards,
  /// or the stream was flushed or stopped and wants nothing of it any more. Then no thread uses it,
  /// and it may be destroyed. It must be kept alive until here.
  void retire ();
  void post_latency ();

  // Streaming.
  /// False for caps whose frames a model cannot be shown.
  bool set_caps (const GstVideoInfo &info, GstClockTime frame_duration);
  /// Whether frames can be understood: caps have come since start(), or no model will look.
  bool knows_caps () const { return caps_known_ || !infers_; }
  void set_segment (const GstSegment &segment) { segment_ = segment; }
  /// STREAM_START, FLUSH_STOP.
  void restart ();
  /// Decides about a frame and gives it to the model; may wait for credit. Nothing: the frame is
  /// dropped.
  std::optional<GstTorchFrame> enter (GstMiniPtr<GstBuffer> buffer);

  // Src task.
  /// `frame` is ready. Attaches its results.
  GstTorchDeparture leave (GstTorchFrame frame);
  void note_pushed ();
  /// Posts the statistics if they are due by stats-interval, or in any case.
  void post_stats_if_due ();
  void post_stats ();
  /// Sleeps until the engine holds no frame of this stream. False when interrupted.
  bool drain ();

  // Any thread.
  void note_qos (GstClockTime timestamp, GstClockTimeDiff jitter);
  /// This stream will not submit soon: no batch shall wait for it.
  void pause_contributing ();
  /// The same, and what it has at the engine shall leave with the next free worker.
  void hurry ();
  /// Wakes whoever waits for the engine, until set back.
  void interrupt (bool on);
  /// Takes back what is queued at the engine.
  void cancel ();
  void note_live (bool live);
  GstClockTime latency () const;
  /// Frames the engine may be working on for this stream at most, when it has the engine for
  /// itself; 0 without one.
  guint most_at_engine () const { return most_at_engine_; }
  /// Frames in a batch; 1 without an engine.
  guint batch_size () const { return batch_size_; }
  /// Frames that may become ready at once: a batch, and those between its frames that no model
  /// looks at.
  guint burst () const { return burst_; }
  GstStructure *stats () const;

 private:
  /// A session, and how many threads may be in a call of it.
  struct Seat {
    std::shared_ptr<torchinfer::Session> session;
    guint users = 0;
  };
  class Use;

  void note_engine (const torchinfer::Session *session);
  void vacate (std::unique_ptr<Seat> seat);
  static void hurry (torchinfer::Session &session);
  void find_liveness ();
  template <class Change>
  void apply (Change &&change);
  bool apply_settings (torchinfer::Session *session);
  void submit (GstTorchFrame &frame, torchinfer::Session &session);
  void note_not_inferred (GstBuffer *buffer, guint64 GstTorchCounters::*counter);
  void post_qos_if_due (GstBuffer *buffer);
  GstMiniPtr<GstBuffer> mark_discont (GstMiniPtr<GstBuffer> buffer);
  torchinfer::Status name_model (
      const torchinfer::Status &status, const torchinfer::FrameResult &result);
  torchinfer::Status note_failure (const torchinfer::Status &status);
  void note_ready (const GstTorchFrame &frame, torchinfer::TimePoint time);

  GstElement *const element_;
  GstPad *const sink_pad_;

  // Of the streaming thread.
  GstTorchFrameMapper mapper_;
  GstSegment segment_;
  bool liveness_known_ = false;
  bool caps_known_ = false;
  bool discont_ = false;  ///< a frame was dropped: the next one says so

  // Of the src task.
  GstTorchResultQuarks quarks_;
  torchinfer::TimePoint previous_ready_{};

  // Written while the pads are inactive.
  std::shared_ptr<torchinfer::Waker> waker_;
  bool infers_ = false;  ///< there is a session

  // Of the session, when it came or was replaced.
  std::atomic<guint> batch_size_ = 1;
  std::atomic<guint> burst_ = 1;
  std::atomic<guint> most_at_engine_ = 0;

  /// Held while a change of settings is passed on, or a new session gets them, so that they reach
  /// it in the order they came. Taken before lock_ and the object lock.
  std::mutex apply_lock_;
  mutable std::mutex lock_;
  std::string model_file_;  ///< of the session that frames go to
  std::string model_sha256_;
  std::unique_ptr<Seat> present_;           ///< where frames go; null: nowhere
  std::unique_ptr<Seat> past_;              ///< was replaced, and may have frames of ours still
  mutable std::condition_variable unused_;  ///< a seat has lost a user
  GstTorchLiveSettings settings_;
  GstTorchPolicy policy_;
  GstTorchLatency latency_;
  GstTorchCounters counters_;
  bool live_ = false;
  bool warned_ = false;  ///< error-policy=pass has said so of the present model
  // What QoS messages count from: the start, or the last flush.
  guint64 qos_dropped_ = 0;
  guint64 inferred_before_ = 0;
  torchinfer::TimePoint last_qos_message_{};
  torchinfer::TimePoint last_stats_{};
};
