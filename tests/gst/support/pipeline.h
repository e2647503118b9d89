// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace torchinfer::test {

struct UnrefObject {
  void operator()(gpointer object) const { gst_object_unref(object); }
};
using ElementPtr = std::unique_ptr<GstElement, UnrefObject>;
using PadPtr = std::unique_ptr<GstPad, UnrefObject>;

/// A pipeline of real elements. Waits are bounded by a minute; what exceeds them, and an error on
/// the bus while waiting, fails the test.
class Pipeline {
 public:
  /// As gst-launch-1.0 takes it. Throws where that cannot be parsed.
  explicit Pipeline(const std::string& launch);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  GstElement* element() const { return pipeline_; }
  GstBin* bin() const { return GST_BIN(pipeline_); }
  ElementPtr find(const std::string& name) const;
  /// A static pad of the element of that name.
  PadPtr pad(const std::string& element, const char* name) const;

  /// Sets the state and waits until it is there.
  bool reaches(GstState state);
  void set_state(GstState state) { gst_element_set_state(pipeline_, state); }
  /// Waits for the state change that is under way.
  bool settles();
  /// Waits for EOS, or another kind of message.
  bool reaches_eos() { return reaches_message(GST_MESSAGE_EOS); }
  bool reaches_message(GstMessageType type);

 private:
  GstElement* pipeline_;
};

/// Writes a frame's number, its PTS in frames of 40 ms, into each byte of the frames that pass a
/// pad, so that a model of the fake back-end sees it as that class.
void number_frames(GstPad* pad);

/// A frame as it passed a pad.
struct SeenFrame {
  guint64 number;      ///< by its PTS
  std::string result;  ///< its best class, see best_class()
  int width;
  bool operator==(const SeenFrame&) const = default;
};

/// Writes down what passes a pad. Outlived by the pad's streaming.
class FrameRecorder {
 public:
  explicit FrameRecorder(PadPtr pad);
  ~FrameRecorder();
  FrameRecorder(const FrameRecorder&) = delete;
  FrameRecorder& operator=(const FrameRecorder&) = delete;

  std::vector<SeenFrame> frames() const;
  void forget();
  /// Waits, at most a minute, until that many frames have passed.
  bool reaches(std::size_t count) const;

 private:
  static GstPadProbeReturn note(GstPad* pad, GstPadProbeInfo* info, gpointer self);

  const PadPtr pad_;
  gulong probe_;
  mutable std::mutex lock_;
  std::vector<SeenFrame> frames_;
};

}  // namespace torchinfer::test
