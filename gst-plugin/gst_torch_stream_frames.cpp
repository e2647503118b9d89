// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_stream_frames.h"

#include <algorithm>
#include <utility>

#include "gst_error.h"

GST_DEBUG_CATEGORY_EXTERN (gst_torch_inference_debug);
#define GST_CAT_DEFAULT gst_torch_inference_debug

namespace {

using torchinfer::Code;
using torchinfer::Duration;
using torchinfer::Status;
using torchinfer::TimePoint;

constexpr Duration kBatchTimeoutOfFiles = std::chrono::milliseconds (40);
constexpr guint kMaxBurst = 64;
constexpr Duration kQosMessageInterval = std::chrono::seconds (1);

TimePoint
now () {
  return torchinfer::steady_clock ().now ();
}

torchinfer::SessionSettings
session_settings (const GstTorchLiveSettings &settings, bool live) {
  torchinfer::SessionSettings session;
  session.live = live;
  session.batch_timeout = GST_CLOCK_TIME_IS_VALID (settings.batch_timeout)
                              ? Duration (settings.batch_timeout)
                          : live ? Duration (0)
                                 : kBatchTimeoutOfFiles;
  session.top_k = static_cast<int> (settings.top_k);
  session.threshold = settings.class_confidence_threshold;
  return session;
}

GstTorchOverloadPolicy
effective_policy (const GstTorchLiveSettings &settings, bool live) {
  if (settings.overload_policy != GST_TORCH_OVERLOAD_POLICY_AUTO)
    return settings.overload_policy;
  return live ? GST_TORCH_OVERLOAD_POLICY_SKIP : GST_TORCH_OVERLOAD_POLICY_WAIT;
}

void
log_batch (GstElement *element, const torchinfer::ItemTiming &timing) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  GST_LOG_OBJECT (element,
      "batch %" G_GUINT64_FORMAT
      " (%u frames, closed by %s, worker %u): queued for %.1f ms, "
      "done in %.1f ms",
      timing.batch_id, timing.batch_size, to_string (timing.reason), timing.worker,
      Milliseconds (timing.started - timing.submitted).count (),
      Milliseconds (timing.done - timing.started).count ());
}

}  // namespace

GstTorchFrames::GstTorchFrames (GstElement *element, GstPad *sink_pad)
    : element_ (element), sink_pad_ (sink_pad) {
  gst_segment_init (&segment_, GST_FORMAT_UNDEFINED);
}

/// The sessions that this stream has frames at, for as long as a thread calls them. They do not end
/// meanwhile, and never on that thread: whoever ends one joins its workers.
class GstTorchFrames::Use {
 public:
  enum class Which {
    kPresent,
    kAll,  ///< the one before, too, where that is not done yet
  };
  explicit Use (const GstTorchFrames &frames, Which which = Which::kPresent) : frames_ (frames) {
    const std::lock_guard guard (frames_.lock_);
    present_ = enter (frames_.present_.get ());
    past_ = which == Which::kAll ? enter (frames_.past_.get ()) : nullptr;
  }
  ~Use () {
    const std::lock_guard guard (frames_.lock_);
    for (Seat *seat : {present_, past_})
      if (seat != nullptr)
        seat->users--;
    frames_.unused_.notify_all ();
  }
  Use (const Use &) = delete;
  Use &operator= (const Use &) = delete;

  /// Null: no model looks at any frame.
  torchinfer::Session *present () const { return session_of (present_); }

  template <class Function>
  void for_each (Function &&function) const {
    for (const Seat *seat : {past_, present_})
      if (seat != nullptr)
        function (*seat->session);
  }

 private:
  static Seat *enter (Seat *seat) {
    if (seat != nullptr)
      seat->users++;
    return seat;
  }
  static torchinfer::Session *session_of (const Seat *seat) {
    return seat != nullptr ? seat->session.get () : nullptr;
  }

  const GstTorchFrames &frames_;
  Seat *present_;
  Seat *past_;
};

void
GstTorchFrames::start (
    std::shared_ptr<torchinfer::Session> session, std::shared_ptr<torchinfer::Waker> waker) {
  stop ();
  waker_ = std::move (waker);
  infers_ = session != nullptr;
  note_engine (session.get ());
  caps_known_ = false;
  liveness_known_ = false;
  discont_ = false;
  previous_ready_ = {};
  gst_segment_init (&segment_, GST_FORMAT_UNDEFINED);
  auto seat = session ? std::make_unique<Seat> (Seat{std::move (session)}) : nullptr;
  apply ([&] {
    const std::lock_guard guard (lock_);
    present_ = std::move (seat);
    policy_.restart ();
    counters_ = {};
    live_ = false;
    warned_ = false;
    qos_dropped_ = 0;
    inferred_before_ = 0;
    last_qos_message_ = {};
    last_stats_ = now ();
  });
}

void
GstTorchFrames::note_engine (const torchinfer::Session *session) {
  if (session == nullptr) {
    batch_size_ = 1;
    most_at_engine_ = 0;
    return;
  }
  const auto engine = session->engine ();
  batch_size_ = engine.facts.batch_size;
  most_at_engine_ = engine.facts.batch_size * (engine.workers + 1);
  const std::lock_guard guard (lock_);
  model_file_ = engine.model_path;
  model_sha256_ = engine.model_sha256;
}

bool
GstTorchFrames::replace (std::shared_ptr<torchinfer::Session> session) {
  auto seat = std::make_unique<Seat> (Seat{std::move (session)});
  const std::lock_guard in_order (apply_lock_);
  note_engine (seat->session.get ());
  const bool grew = apply_settings (seat->session.get ());
  {
    const std::lock_guard guard (lock_);
    seat.swap (present_);
    past_ = std::move (seat);
    warned_ = false;
  }
  hurry (*past_->session);
  return grew;
}

void
GstTorchFrames::retire () {
  {
    std::unique_lock lock (lock_);
    if (!past_)
      return;
    // The frame that was entering then is there, and the next ones go elsewhere.
    unused_.wait (lock, [&] { return past_->users == 0; });
  }
  // When interrupted, its frames are cancelled or about to be.
  past_->session->drain ();
  std::unique_ptr<Seat> seat;
  {
    const std::lock_guard guard (lock_);
    seat = std::move (past_);
  }
  vacate (std::move (seat));
}

/// Nobody finds the seat any more; those who have found it are waited for.
void
GstTorchFrames::vacate (std::unique_ptr<Seat> seat) {
  std::unique_lock lock (lock_);
  unused_.wait (lock, [&] { return !seat || seat->users == 0; });
}

void
GstTorchFrames::stop () {
  std::unique_ptr<Seat> seat;
  {
    const std::lock_guard guard (lock_);
    seat.swap (present_);
  }
  vacate (std::move (seat));
  waker_ = nullptr;
}

void
GstTorchFrames::configure (const std::function<GstTorchLiveSettings ()> &read) {
  apply ([&] {
    const auto settings = read ();
    const std::lock_guard guard (lock_);
    settings_ = settings;
  });
}

/// Makes a change, of settings or of liveness, and tells the engine of it before the next one.
template <class Change>
void
GstTorchFrames::apply (Change &&change) {
  bool grew;
  {
    const std::lock_guard in_order (apply_lock_);
    change ();
    const Use use (*this);
    grew = apply_settings (use.present ());
  }
  if (grew)
    post_latency ();
}

/// True if the latency grew. With apply_lock_ held.
bool
GstTorchFrames::apply_settings (torchinfer::Session *session) {
  torchinfer::SessionSettings settings;
  {
    const std::lock_guard guard (lock_);
    settings = session_settings (settings_, live_);
    burst_ = std::min<guint64> (guint64{settings_.inference_interval} * batch_size_, kMaxBurst);
  }
  if (session)
    session->configure (settings);
  const auto expected = session ? session->expected_latency () : Duration (0);
  const std::lock_guard guard (lock_);
  // Before the first frame nobody relies on it, and the source may only now be known to be live.
  if (counters_.received != 0)
    return latency_.expect (expected) && live_;
  latency_.start (expected);
  return false;
}

bool
GstTorchFrames::set_caps (const GstVideoInfo &info, GstClockTime frame_duration) {
  {
    const std::lock_guard guard (lock_);
    latency_.set_frame_duration (frame_duration);
  }
  caps_known_ = mapper_.set_info (info);
  return caps_known_;
}

void
GstTorchFrames::restart () {
  liveness_known_ = false;
  discont_ = false;
  const std::lock_guard guard (lock_);
  policy_.restart ();
  qos_dropped_ = 0;
  inferred_before_ = counters_.inferred;
  last_qos_message_ = {};
}

std::optional<GstTorchFrame>
GstTorchFrames::enter (GstMiniPtr<GstBuffer> buffer) {
  if (!liveness_known_)
    find_liveness ();
  GstTorchFrame frame;
  frame.entered = now ();
  frame.buffer = mark_discont (std::move (buffer));

  // Another model may take over meanwhile, but this frame is for the one that is here now.
  const Use use (*this);
  const auto session = use.present ();
  const bool eligible = gst_torch_is_eligible (frame.buffer.get (), segment_);
  const auto running_time = gst_torch_running_time (frame.buffer.get (), segment_);
  GstTorchVerdict verdict;
  GstTorchOverloadPolicy overload;
  {
    const std::lock_guard guard (lock_);
    counters_.received++;
    if (!session)
      return frame;
    verdict = policy_.judge (eligible, running_time, settings_, frame.entered);
    overload = effective_policy (settings_, live_);
  }

  switch (verdict) {
    case GstTorchVerdict::kIneligible:
      session->set_contributing (false);
      note_not_inferred (frame.buffer.get (), &GstTorchCounters::ineligible);
      return frame;
    case GstTorchVerdict::kInterval:
      note_not_inferred (frame.buffer.get (), &GstTorchCounters::skipped_interval);
      return frame;
    case GstTorchVerdict::kLate:
      note_not_inferred (frame.buffer.get (), &GstTorchCounters::skipped_late);
      return frame;
    case GstTorchVerdict::kInfer: break;
  }
  if (!session->has_credit ()) {
    if (overload == GST_TORCH_OVERLOAD_POLICY_SKIP) {
      note_not_inferred (frame.buffer.get (), &GstTorchCounters::skipped_overload);
      return frame;
    }
    if (overload == GST_TORCH_OVERLOAD_POLICY_DROP) {
      discont_ = true;
      note_not_inferred (frame.buffer.get (), &GstTorchCounters::dropped);
      return std::nullopt;
    }
    // False when interrupted, and then the frame goes nowhere; also when the engine has failed,
    // which submit() will say.
    if (!session->wait_credit () && session->engine_status ().ok ())
      return frame;
  }
  submit (frame, *session);
  return frame;
}

void
GstTorchFrames::submit (GstTorchFrame &frame, torchinfer::Session &session) {
  auto view = mapper_.map (frame.buffer.get ());
  if (!view) {
    frame.refusal = view.status ();
    return;
  }
  auto result = session.submit (*view, {}, waker_);
  if (!result) {
    frame.refusal = result.status ();
    return;
  }
  frame.result = *std::move (result);
  const std::lock_guard guard (lock_);
  policy_.note_inferred (frame.entered);
}

/// A source's liveness decides about waiting and dropping, so it must be known before the first
/// frame, not when the pipeline happens to ask for its latency.
void
GstTorchFrames::find_liveness () {
  const GstMiniPtr<GstQuery> query (gst_query_new_latency ());
  if (!gst_pad_peer_query (sink_pad_, query.get ()))
    return;
  liveness_known_ = true;
  gboolean live;
  gst_query_parse_latency (query.get (), &live, nullptr, nullptr);
  note_live (live);
}

void
GstTorchFrames::note_live (bool live) {
  {
    const std::lock_guard guard (lock_);
    if (live_ == live)
      return;
  }
  apply ([&] {
    const std::lock_guard guard (lock_);
    live_ = live;
  });
}

GstMiniPtr<GstBuffer>
GstTorchFrames::mark_discont (GstMiniPtr<GstBuffer> buffer) {
  if (!discont_)
    return buffer;
  discont_ = false;
  buffer = gst_torch_make_writable (std::move (buffer));
  GST_BUFFER_FLAG_SET (buffer.get (), GST_BUFFER_FLAG_DISCONT);
  return buffer;
}

void
GstTorchFrames::note_not_inferred (GstBuffer *buffer, guint64 GstTorchCounters::*counter) {
  {
    const std::lock_guard guard (lock_);
    (counters_.*counter)++;
  }
  // The reasons that an application may want to do something about.
  if (counter == &GstTorchCounters::skipped_late ||
      counter == &GstTorchCounters::skipped_overload || counter == &GstTorchCounters::dropped)
    post_qos_if_due (buffer);
}

void
GstTorchFrames::post_qos_if_due (GstBuffer *buffer) {
  const auto time = now ();
  guint64 processed, dropped;
  bool live;
  GstClockTime earliest;
  {
    const std::lock_guard guard (lock_);
    qos_dropped_++;
    if (last_qos_message_ != TimePoint () && time - last_qos_message_ < kQosMessageInterval)
      return;
    last_qos_message_ = time;
    dropped = qos_dropped_;
    processed = counters_.inferred - inferred_before_;
    live = live_;
    earliest = policy_.earliest ();
  }
  const auto running_time = gst_torch_running_time (buffer, segment_);
  auto stream_time = GST_CLOCK_TIME_NONE;
  if (GST_CLOCK_TIME_IS_VALID (running_time))
    stream_time = gst_segment_to_stream_time (&segment_, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  const auto message = gst_message_new_qos (GST_OBJECT_CAST (element_), live, running_time,
      stream_time, GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));
  const bool late = GST_CLOCK_TIME_IS_VALID (earliest) && GST_CLOCK_TIME_IS_VALID (running_time);
  gst_message_set_qos_values (
      message, late ? GST_CLOCK_DIFF (running_time, earliest) : 0, 1.0, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, processed, dropped);
  gst_element_post_message (element_, message);
}

GstTorchDeparture
GstTorchFrames::leave (GstTorchFrame frame) {
  note_ready (frame, now ());
  if (frame.result)
    log_batch (element_, frame.result->items.front ().timing);
  GstTorchDeparture departure;
  const auto status = frame.result ? frame.result->items.front ().status : frame.refusal;
  if (!status.ok () && status.code () != Code::kCancelled) {
    departure.error = note_failure (frame.result ? name_model (status, *frame.result) : status);
  } else if (frame.result && status.ok ()) {
    frame.buffer = gst_torch_attach_results (std::move (frame.buffer), *frame.result, quarks_);
    const std::lock_guard guard (lock_);
    counters_.inferred++;
  }
  if (infers_ && (!frame.result || !status.ok ()))
    gst_torch_remove_stale_results (frame.buffer.get ());
  departure.buffer = std::move (frame.buffer);
  return departure;
}

/// A frame's failure with the file of the model that failed, unless another one has replaced it.
Status
GstTorchFrames::name_model (const Status &status, const torchinfer::FrameResult &result) {
  const std::lock_guard guard (lock_);
  auto text = status.message ();
  if (text.find (model_file_) != std::string::npos || !model_sha256_.starts_with (result.model_id))
    return status;
  if (text.ends_with ('.'))
    text.pop_back ();
  return Status (status.code (), text + " (model \"" + model_file_ + "\")", status.detail ());
}

/// Counts a failed frame, and returns the status, with the remedy, if it ends the stream.
Status
GstTorchFrames::note_failure (const Status &status) {
  const auto &text = status.message ();
  const std::string stop = text.ends_with ('.') ? "" : ".";
  bool warn;
  {
    const std::lock_guard guard (lock_);
    counters_.failed++;
    if (settings_.error_policy == GST_TORCH_ERROR_POLICY_FAIL)
      return Status (status.code (),
          text + stop + " With error-policy=pass such frames go on without results.",
          status.detail ());
    warn = !std::exchange (warned_, true);
  }
  GST_LOG_OBJECT (element_, "frame goes on without results: %s", text.c_str ());
  if (warn)
    GST_TORCH_POST_WARNING (element_,
        Status (status.code (), text + stop + " Frames go on without results.", status.detail ()));
  return {};
}

/// A frame can leave when its result is there and the frame before it could. What comes after that
/// is downstream's time, not ours.
void
GstTorchFrames::note_ready (const GstTorchFrame &frame, TimePoint time) {
  const auto done = frame.result ? frame.result->items.front ().timing.done : TimePoint ();
  const auto ready = std::max ({frame.entered, done, previous_ready_});
  previous_ready_ = ready;
  bool grew;
  {
    const std::lock_guard guard (lock_);
    counters_.output_wait.add (std::max (time - ready, Duration (0)));
    grew = live_ && latency_.observe (ready - frame.entered, ready);
  }
  if (grew)
    post_latency ();
}

void
GstTorchFrames::post_latency () {
  GST_INFO_OBJECT (element_, "latency is now %" GST_TIME_FORMAT, GST_TIME_ARGS (latency ()));
  gst_element_post_message (element_, gst_message_new_latency (GST_OBJECT_CAST (element_)));
}

void
GstTorchFrames::note_pushed () {
  const std::lock_guard guard (lock_);
  counters_.pushed++;
}

void
GstTorchFrames::post_stats_if_due () {
  const auto time = now ();
  {
    const std::lock_guard guard (lock_);
    if (settings_.stats_interval == 0)
      return;
    const auto passed = static_cast<GstClockTime> (Duration (time - last_stats_).count ());
    if (passed < settings_.stats_interval)
      return;
    last_stats_ = time;
  }
  post_stats ();
}

void
GstTorchFrames::post_stats () {
  gst_element_post_message (
      element_, gst_message_new_element (GST_OBJECT_CAST (element_), stats ()));
}

bool
GstTorchFrames::drain () {
  bool drained = true;
  const Use use (*this, Use::Which::kAll);
  use.for_each ([&] (torchinfer::Session &session) { drained = session.drain () && drained; });
  return drained;
}

void
GstTorchFrames::note_qos (GstClockTime timestamp, GstClockTimeDiff jitter) {
  const std::lock_guard guard (lock_);
  policy_.note_qos (timestamp, jitter);
}

void
GstTorchFrames::pause_contributing () {
  const Use use (*this);
  if (const auto session = use.present ())
    session->set_contributing (false);
}

void
GstTorchFrames::interrupt (bool on) {
  // One that takes over meanwhile is new: nobody can be waiting for it yet.
  const Use use (*this, Use::Which::kAll);
  use.for_each ([&] (torchinfer::Session &session) { session.interrupt (on); });
}

void
GstTorchFrames::hurry () {
  const Use use (*this, Use::Which::kAll);
  use.for_each ([] (torchinfer::Session &session) { hurry (session); });
}

void
GstTorchFrames::hurry (torchinfer::Session &session) {
  session.set_contributing (false);
  session.hurry ();
}

void
GstTorchFrames::cancel () {
  const Use use (*this, Use::Which::kAll);
  use.for_each ([] (torchinfer::Session &session) {
    session.cancel ();
    session.set_contributing (false);
  });
}

GstClockTime
GstTorchFrames::latency () const {
  const std::lock_guard guard (lock_);
  return latency_.value ();
}

GstStructure *
GstTorchFrames::stats () const {
  const Use use (*this);
  GstTorchCounters counters;
  GstClockTime latency;
  bool live;
  {
    const std::lock_guard guard (lock_);
    counters = counters_;
    latency = latency_.value ();
    live = live_;
  }
  return gst_torch_stats_new (counters, latency, live, use.present ());
}
