// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/video_reader.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <memory>

namespace torchinfer::report {
namespace {

struct Unref {
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstBus* bus) const { gst_object_unref(bus); }
  void operator()(GstMessage* message) const { gst_message_unref(message); }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
  void operator()(GError* error) const { g_error_free(error); }
  void operator()(char* text) const { g_free(text); }
};
constexpr GstClockTime kWait = 50 * GST_MSECOND;
// A broken file may make a pipeline stall without a word; this long for one frame is that.
constexpr GstClockTime kLongestStall = 10 * GST_SECOND;

template <class T>
using Ptr = std::unique_ptr<T, Unref>;

/// A pipeline that is brought to NULL whichever way it is left.
class Pipeline {
 public:
  explicit Pipeline(const std::string& path) : path_(path) {
    GError* error = nullptr;
    pipeline_.reset(gst_parse_launch(
        "filesrc name=source ! decodebin ! videoconvert ! video/x-raw,format=BGR ! "
        "appsink name=sink sync=false max-buffers=4",
        &error));
    if (error != nullptr) {
      problem_ = Ptr<GError>(error)->message;
      return;
    }
    Ptr<GstElement> source(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "source"));
    g_object_set(source.get(), "location", path.c_str(), nullptr);
    sink_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sink"));
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  ~Pipeline() {
    if (pipeline_) gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  }

  /// The next frame, or nothing at the end and after an error.
  Ptr<GstSample> next() {
    if (!sink_) return nullptr;
    // Short waits: that there is no file, or none that can be decoded, is said on the bus alone.
    for (GstClockTime waited = 0; waited < kLongestStall; waited += kWait) {
      Ptr<GstSample> sample(gst_app_sink_try_pull_sample(GST_APP_SINK(sink_.get()), kWait));
      if (sample) return sample;
      if (note_problem() || gst_app_sink_is_eos(GST_APP_SINK(sink_.get()))) return nullptr;
    }
    problem_ = "it gave no frame for ten seconds";
    return nullptr;
  }

  Status status() const {
    if (problem_.empty()) return {Code::kUnreadable, path_ + " ended before the wanted frame"};
    return {Code::kUnreadable, path_ + " cannot be decoded: " + problem_};
  }

 private:
  /// Whether an element has posted an error.
  bool note_problem() {
    Ptr<GstBus> bus(gst_element_get_bus(pipeline_.get()));
    Ptr<GstMessage> message(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    if (!message) return false;
    GError* error = nullptr;
    gst_message_parse_error(message.get(), &error, nullptr);
    problem_ = Ptr<GError>(error)->message;
    return true;
  }

  std::string path_;
  std::string problem_;
  Ptr<GstElement> pipeline_;
  Ptr<GstElement> sink_;
};

bool hand_over(GstSample* sample, std::size_t position,
               const std::function<void(std::size_t, const cv::Mat&)>& take) {
  GstVideoInfo info;
  GstVideoFrame frame;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) {
    return false;
  }
  const std::unique_ptr<GstVideoFrame, void (*)(GstVideoFrame*)> unmap(&frame,
                                                                       gst_video_frame_unmap);
  take(position, cv::Mat(GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_WIDTH(&frame), CV_8UC3,
                         GST_VIDEO_FRAME_PLANE_DATA(&frame, 0),
                         static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0))));
  return true;
}

}  // namespace

Status read_frames(const std::string& path, const std::vector<std::size_t>& positions,
                   const std::function<void(std::size_t, const cv::Mat&)>& take) {
  Pipeline pipeline(path);
  std::size_t position = 0;
  for (const std::size_t wanted : positions) {
    Ptr<GstSample> sample;
    for (; position <= wanted; ++position) {
      sample = pipeline.next();
      if (!sample) return pipeline.status();
    }
    if (sample && !hand_over(sample.get(), wanted, take)) return pipeline.status();
  }
  return {};
}

}  // namespace torchinfer::report
