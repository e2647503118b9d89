// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_model.h"

#include <system_error>
#include <utility>

#include "engine/start_thread.h"
#include "gst_error.h"
#include "gst_guard.h"
#include "gst_torch_session.h"

GST_DEBUG_CATEGORY_EXTERN (gst_torch_inference_debug);
#define GST_CAT_DEFAULT gst_torch_inference_debug

using torchinfer::Code;
using torchinfer::Session;
using torchinfer::SessionRequest;
using torchinfer::Status;

namespace {

/// What may change while the element plays; the rest stays as it was when it was opened.
SessionRequest
with_model_of (SessionRequest request, const GstTorchSettings &settings) {
  request.model_file = settings.model_file;
  request.model_info_file = settings.model_info_file;
  request.label_file = settings.label_file;
  request.model_sha256 = settings.model_sha256;
  return request;
}

bool
is_same (const Session &one, const Session &other) {
  return one.engine ().id == other.engine ().id && *one.model () == *other.model ();
}

}  // namespace

GstTorchModel::GstTorchModel (GstElement *element, GstTorchStream &stream)
    : element_ (element), stream_ (stream) {}

GstTorchModel::~GstTorchModel () {
  close ();
}

bool
GstTorchModel::open (const Read &read) {
  GstTorchSettings settings;
  bool anew = false;
  {
    const std::lock_guard guard (mutex_);
    state_ = State::kOpening;
    round_++;
    settings = read ();
    anew = std::exchange (asked_, false);
  }
  const bool loaded = load (settings, anew);
  if (loaded) {
    start_dump (settings.dump_inputs);
    stream_.start (running_.session);
  }

  Status status;
  {
    const std::lock_guard guard (mutex_);
    state_ = loaded && running_.session ? State::kOpen : State::kClosed;
    if (state_ == State::kClosed)
      wanted_.reset ();
    else if (wanted_)
      status = start_loader ();
  }
  if (!status.ok ())
    stay (status);
  return loaded;
}

/// On the way to PAUSED, when nobody else looks at running_. `anew`: model-file was set since the
/// last load, and its file may be another one under the same name.
bool
GstTorchModel::load (const GstTorchSettings &settings, bool anew) {
  if (settings.attach == 0) {
    GST_INFO_OBJECT (element_, "nothing to attach: frames pass, no model is loaded");
    running_ = {};
    return true;
  }
  auto request = gst_torch_session_request (settings);
  if (!request) {
    GST_TORCH_POST_ERROR (element_, request.status ());
    return false;
  }
  if (running_.session && !anew && *request == running_.request &&
      running_.session->engine_status ().ok ())
    return true;

  // The old seat is given up first: two models need not fit into memory at once.
  stream_.stop ();
  running_ = {};
  const auto start = gst_util_get_timestamp ();
  auto session = Session::open (*request, {});
  if (!session) {
    GST_TORCH_POST_ERROR (element_, gst_torch_name_model (session.status (), *request));
    return false;
  }
  const auto load_time = gst_util_get_timestamp () - start;
  running_ = {*std::move (session), *std::move (request)};
  GST_INFO_OBJECT (element_, "%s",
      gst_torch_loaded_line (running_.request, *running_.session, load_time).c_str ());
  gst_element_post_message (element_,
      gst_torch_loaded_message (element_, running_.request, *running_.session, load_time, false));
  return true;
}

/// On the way to PAUSED, as load().
void
GstTorchModel::start_dump (const std::string &path) {
  if (path.empty () || !running_.session)
    return;
  const auto &input = running_.session->model ()->preprocess.input;
  auto dump = GstTorchInputDump::create (element_, path, input);
  running_.session->tap (dump);
  const std::lock_guard guard (mutex_);
  dump_ = std::move (dump);
}

/// With the lock held. False where what `session`'s model takes is something else than the dump
/// holds, which then ends.
bool
GstTorchModel::keep_dump (Session &session) {
  if (!dump_)
    return true;
  if (dump_->takes (session.model ()->preprocess.input)) {
    session.tap (dump_);
    return true;
  }
  dump_.reset ();
  return false;
}

void
GstTorchModel::change (const Read &read) {
  Status status;
  {
    const std::lock_guard guard (mutex_);
    asked_ = true;
    if (state_ == State::kClosed)
      return;
    wanted_ = read ();
    if (state_ == State::kOpen)
      status = start_loader ();
  }
  if (!status.ok ())
    stay (status);
}

/// With the lock held.
Status
GstTorchModel::start_loader () {
  if (loading_)
    return {};
  // It has let go of the lock for the last time.
  if (loader_.joinable ())
    loader_.join ();
  try {
    loader_ = torchinfer::start_thread ("ti-swap", [this] { run_loader (); });
  } catch (const std::system_error &e) {
    wanted_.reset ();
    return Status (Code::kInternal, "There is no thread to load a model on.", e.what ());
  }
  loading_ = true;
  return {};
}

void
GstTorchModel::run_loader () {
  for (;;) {
    Running running;
    GstTorchSettings settings;
    std::uint64_t round;
    {
      const std::lock_guard guard (mutex_);
      if (!wanted_ || state_ != State::kOpen) {
        loading_ = false;
        return;
      }
      settings = *std::exchange (wanted_, std::nullopt);
      running = running_;
      round = round_;
    }
    gst_torch_guard (element_, false, [&] {
      swap (running, with_model_of (running.request, settings), round);
      return true;
    });
    // Here and with `running` still held: a session ends on this thread, which may wait for its
    // workers.
    stream_.frames ().retire ();
  }
}

/// On the loader.
void
GstTorchModel::swap (const Running &running, const SessionRequest &request, std::uint64_t round) {
  if (request.model_file.empty ())
    return stay (Status (
        Code::kInvalidArgument, "model-file cannot be taken away while the element plays."));
  const auto start = gst_util_get_timestamp ();
  auto opened = Session::open (request, {});
  const auto load_time = gst_util_get_timestamp () - start;
  if (!opened) {
    GST_INFO_OBJECT (element_, "not loaded: %s", opened.status ().message ().c_str ());
    if (is_wanted (round))
      stay (gst_torch_name_model (opened.status (), request));
    return;
  }

  std::shared_ptr<Session> session = *std::move (opened);
  const bool unchanged = is_same (*session, *running.session);
  bool latency_grew = false;
  bool dump_goes_on = true;
  {
    const std::lock_guard guard (mutex_);
    if (!is_current (round))
      return;
    asked_ = false;
    running_.request = request;
    if (!unchanged) {
      running_.session = session;
      dump_goes_on = keep_dump (*session);
      latency_grew = stream_.frames ().replace (session);
    }
  }
  const auto line = gst_torch_loaded_line (request, *session, load_time);
  GST_INFO_OBJECT (element_, "%s%s", unchanged ? "unchanged, " : "", line.c_str ());
  gst_element_post_message (
      element_, gst_torch_loaded_message (element_, request, *session, load_time, unchanged));
  if (!dump_goes_on)
    GST_ELEMENT_WARNING (element_, RESOURCE, WRITE,
        ("No more inputs are dumped: the model that has taken over takes others."), (nullptr));
  if (!unchanged)
    stream_.tell_replaced (latency_grew);
}

/// With the lock held: whether what began in that round may still change anything.
bool
GstTorchModel::is_current (std::uint64_t round) const {
  return state_ == State::kOpen && round_ == round && !wanted_;
}

bool
GstTorchModel::is_wanted (std::uint64_t round) const {
  const std::lock_guard guard (mutex_);
  return is_current (round);
}

void
GstTorchModel::stay (const Status &why) {
  GST_TORCH_POST_WARNING (element_,
      Status (why.code (), why.message () + " The model that runs stays.", why.detail ()));
}

void
GstTorchModel::pause () {
  std::shared_ptr<GstTorchInputDump> dump;
  {
    const std::lock_guard guard (mutex_);
    state_ = State::kClosed;
    wanted_.reset ();
    dump.swap (dump_);
    // The session may be kept for the next start.
    if (dump)
      running_.session->tap (nullptr);
  }
}

void
GstTorchModel::close () {
  pause ();
  std::thread loader;
  {
    const std::lock_guard guard (mutex_);
    // As with any thread that posts messages: it cannot be the one that waits for itself.
    if (loader_.get_id () == std::this_thread::get_id ())
      GST_ERROR_OBJECT (element_, "a synchronous bus handler must not change states");
    else
      loader.swap (loader_);
  }
  if (loader.joinable ())
    loader.join ();
  stream_.stop ();
  running_ = {};
}
