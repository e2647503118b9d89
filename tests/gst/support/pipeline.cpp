// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/pipeline.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "results.h"

namespace torchinfer::test {
namespace {

constexpr GstClockTime kPatience = 60 * GST_SECOND;
constexpr GstClockTime kFrameDuration = 40 * GST_MSECOND;

}  // namespace

Pipeline::Pipeline(const std::string& launch) {
  GError* error = nullptr;
  pipeline_ = gst_parse_launch_full(launch.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (pipeline_ != nullptr) return;
  const std::string text = error->message;
  g_error_free(error);
  throw std::runtime_error(launch + ": " + text);
}

Pipeline::~Pipeline() {
  gst_element_set_state(pipeline_, GST_STATE_NULL);
  gst_object_unref(pipeline_);
}

ElementPtr Pipeline::find(const std::string& name) const {
  ElementPtr element(gst_bin_get_by_name(bin(), name.c_str()));
  if (!element) throw std::runtime_error("no element " + name);
  return element;
}

PadPtr Pipeline::pad(const std::string& element, const char* name) const {
  return PadPtr(gst_element_get_static_pad(find(element).get(), name));
}

bool Pipeline::reaches(GstState state) {
  set_state(state);
  return settles();
}

bool Pipeline::settles() {
  return gst_element_get_state(pipeline_, nullptr, nullptr, kPatience) == GST_STATE_CHANGE_SUCCESS;
}

bool Pipeline::reaches_message(GstMessageType type) {
  GstBus* bus = gst_element_get_bus(pipeline_);
  GstMessage* message = gst_bus_timed_pop_filtered(
      bus, kPatience, static_cast<GstMessageType>(type | GST_MESSAGE_ERROR));
  gst_object_unref(bus);
  if (message == nullptr) return false;
  const bool found = GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR;
  if (!found) {
    GError* error = nullptr;
    gchar* debug = nullptr;
    gst_message_parse_error(message, &error, &debug);
    ADD_FAILURE() << error->message << "\n" << debug;
    g_error_free(error);
    g_free(debug);
  }
  gst_message_unref(message);
  return found;
}

void number_frames(GstPad* pad) {
  const auto write = [](GstPad*, GstPadProbeInfo* info, gpointer) {
    GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    info->data = buffer;
    const auto number = GST_BUFFER_PTS(buffer) / kFrameDuration;
    gst_buffer_memset(buffer, 0, static_cast<guint8>(number), gst_buffer_get_size(buffer));
    return GST_PAD_PROBE_OK;
  };
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, write, nullptr, nullptr);
}

FrameRecorder::FrameRecorder(PadPtr pad)
    : pad_(std::move(pad)),
      probe_(gst_pad_add_probe(pad_.get(), GST_PAD_PROBE_TYPE_BUFFER, note, this, nullptr)) {}

FrameRecorder::~FrameRecorder() { gst_pad_remove_probe(pad_.get(), probe_); }

GstPadProbeReturn FrameRecorder::note(GstPad* pad, GstPadProbeInfo* info, gpointer self) {
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  SeenFrame frame{GST_BUFFER_PTS(buffer) / kFrameDuration, best_class(buffer), 0};
  if (GstCaps* caps = gst_pad_get_current_caps(pad)) {
    gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &frame.width);
    gst_caps_unref(caps);
  }
  auto* const recorder = static_cast<FrameRecorder*>(self);
  const std::lock_guard guard(recorder->lock_);
  recorder->frames_.push_back(std::move(frame));
  return GST_PAD_PROBE_OK;
}

std::vector<SeenFrame> FrameRecorder::frames() const {
  const std::lock_guard guard(lock_);
  return frames_;
}

void FrameRecorder::forget() {
  const std::lock_guard guard(lock_);
  frames_.clear();
}

bool FrameRecorder::reaches(std::size_t count) const {
  for (GstClockTime waited = 0; waited < kPatience; waited += GST_MSECOND) {
    if (frames().size() >= count) return true;
    g_usleep(1000);
  }
  return false;
}

}  // namespace torchinfer::test
