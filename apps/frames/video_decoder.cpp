// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frames/video_decoder.h"

#include <gst/app/gstappsink.h>

#include <filesystem>
#include <system_error>

namespace torchinfer::frames {
namespace {

constexpr GstClockTime kWait = 50 * GST_MSECOND;
// A broken file may make a pipeline stall without a word; this long for one frame is that.
constexpr GstClockTime kLongestStall = 20 * GST_SECOND;

/// Takes the error.
std::string text_of(GError* error) {
  const std::string text = error->message;
  g_error_free(error);
  return text;
}

}  // namespace

VideoDecoder::VideoDecoder(const std::string& path, const std::string& caps) : path_(path) {
  // GStreamer's own words for it are longer, and warn of names that are not UTF-8.
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    problem_ = "no such file";
    return;
  }
  GError* error = nullptr;
  const std::string line = "filesrc name=source ! decodebin ! videoconvert ! " + caps +
                           " ! appsink name=sink sync=false max-buffers=4";
  pipeline_.reset(gst_parse_launch(line.c_str(), &error));
  if (error != nullptr) {
    problem_ = text_of(error);
    return;
  }
  GstElement* source = gst_bin_get_by_name(GST_BIN(pipeline_.get()), "source");
  g_object_set(source, "location", path.c_str(), nullptr);
  gst_object_unref(source);
  sink_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sink"));
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

VideoDecoder::~VideoDecoder() {
  if (pipeline_) gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

SamplePtr VideoDecoder::next() {
  if (!sink_) return nullptr;
  // Short waits: that there is no file, or none that can be decoded, is said on the bus alone.
  for (GstClockTime waited = 0; waited < kLongestStall; waited += kWait) {
    SamplePtr sample(gst_app_sink_try_pull_sample(GST_APP_SINK(sink_.get()), kWait));
    if (sample) return sample;
    if (note_problem() || gst_app_sink_is_eos(GST_APP_SINK(sink_.get()))) return nullptr;
  }
  problem_ = "no frame came for twenty seconds; it may be cut short";
  return nullptr;
}

Status VideoDecoder::status() const {
  if (problem_.empty()) return {};
  return {Code::kUnreadable, path_ + " cannot be decoded: " + problem_};
}

/// Whether an element has posted an error.
bool VideoDecoder::note_problem() {
  GstBus* bus = gst_element_get_bus(pipeline_.get());
  GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  gst_object_unref(bus);
  if (message == nullptr) return false;
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  const bool of_no_element = g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED);
  problem_ = text_of(error);
  if (of_no_element) problem_ += " Does it hold video?";
  gst_message_unref(message);
  return true;
}

}  // namespace torchinfer::frames
