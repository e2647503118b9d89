// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/session.h"
#include "gst_torch_input_dump.h"
#include "gst_torch_settings.h"
#include "gst_torch_stream.h"

/// Which model a torchinference runs. Loads one on the way to PAUSED and keeps it until NULL, so
/// that a reconnecting camera does not load again. While the element plays, another one is loaded
/// beside it and takes over between two frames; where that fails, the one that runs stays.
///
/// Threads: open(), pause() and close() belong to the state changes, which come one at a time;
/// change() may be called on any thread. What change() asks for is loaded by a thread of its own,
/// "ti-swap", that lives while there is something to load. It does one thing after the other, so
/// that no more than two models of a stream are in memory.
///
/// Locks: mutex_ guards the members below it. Nothing is loaded, posted or waited for under it
/// (docs/threading.md).
class GstTorchModel {
 public:
  /// Gives the properties as they are now. Called under mutex_, so that of two threads that set
  /// properties at once none brings old ones in last.
  using Read = std::function<GstTorchSettings ()>;

  /// Both outlive this object.
  GstTorchModel (GstElement *element, GstTorchStream &stream);
  ~GstTorchModel ();
  GstTorchModel (const GstTorchModel &) = delete;
  GstTorchModel &operator= (const GstTorchModel &) = delete;

  /// READY to PAUSED. Loads what the properties name, or keeps it where it is loaded already, and
  /// starts the stream with it. False once an error has been posted.
  bool open (const Read &read);

  /// model-file was set. Between READY to PAUSED and back, the model that it names now takes over,
  /// with the model info, labels and digest that the properties name now. Returns at once; the bus
  /// hears what came of it, unless model-file is set again before. In other states open() sees to
  /// it.
  void change (const Read &read);

  /// PAUSED to READY. What is being loaded will not take over.
  void pause ();

  /// READY to NULL. Waits for a load that is under way, and for the forward that runs.
  void close ();

 private:
  enum class State {
    kClosed,
    kOpening,  ///< changes are noted
    kOpen,     ///< changes are made
  };
  struct Running {
    std::shared_ptr<torchinfer::Session> session;
    torchinfer::SessionRequest request;  ///< what it was opened for
  };

  bool load (const GstTorchSettings &settings, bool anew);
  void start_dump (const std::string &path);
  torchinfer::Status start_loader ();
  void run_loader ();
  void swap (
      const Running &running, const torchinfer::SessionRequest &request, std::uint64_t round);
  bool is_current (std::uint64_t round) const;
  bool is_wanted (std::uint64_t round) const;
  bool keep_dump (torchinfer::Session &session);
  void stay (const torchinfer::Status &why);

  GstElement *const element_;
  GstTorchStream &stream_;

  mutable std::mutex mutex_;
  State state_ = State::kClosed;
  std::uint64_t round_ = 0;                  ///< counts open()
  Running running_;                          ///< session null: nothing is loaded
  std::shared_ptr<GstTorchInputDump> dump_;  ///< null: dump-inputs is not set, or failed
  std::optional<GstTorchSettings> wanted_;   ///< by change(), and not begun yet
  bool asked_ = false;                       ///< by change(), and nothing was loaded for it yet
  bool loading_ = false;                     ///< loader_ is at work
  std::thread loader_;                       ///< may have ended
};
