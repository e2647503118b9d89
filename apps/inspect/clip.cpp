// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspect/clip.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "preprocess/plan.h"

namespace torchinfer::inspect {
namespace {

constexpr std::size_t kMostFrames = 64;
constexpr std::align_val_t kAlignment{64};  // preprocess_on_cpu() asks for it
// A broken file may make a pipeline stall without a word; this long for one frame is that.
constexpr GstClockTime kWait = 50 * GST_MSECOND, kLongestStall = 10 * GST_SECOND;

struct Unref {
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstBus* bus) const { gst_object_unref(bus); }
  void operator()(GstMessage* message) const { gst_message_unref(message); }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
  void operator()(GError* error) const { g_error_free(error); }
};
template <class T>
using Ptr = std::unique_ptr<T, Unref>;

struct FreeAligned {
  void operator()(std::byte* data) const { operator delete(data, kAlignment); }
};

/// A pipeline that is brought to NULL whichever way it is left.
class Decoder {
 public:
  explicit Decoder(const std::string& path) {
    GError* error = nullptr;
    pipeline_.reset(
        gst_parse_launch("filesrc name=source ! decodebin ! videoconvert ! "
                         "video/x-raw,format=RGB ! appsink name=sink sync=false max-buffers=4",
                         &error));
    if (error != nullptr) {
      problem = Ptr<GError>(error)->message;
      return;
    }
    const Ptr<GstElement> source(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "source"));
    g_object_set(source.get(), "location", path.c_str(), nullptr);
    sink_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sink"));
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() {
    if (pipeline_) gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  }

  /// Null at the end, and after an error.
  Ptr<GstSample> next() {
    if (!sink_) return nullptr;
    for (GstClockTime waited = 0; waited < kLongestStall; waited += kWait) {
      Ptr<GstSample> sample(gst_app_sink_try_pull_sample(GST_APP_SINK(sink_.get()), kWait));
      if (sample) return sample;
      if (note_problem() || gst_app_sink_is_eos(GST_APP_SINK(sink_.get()))) return nullptr;
    }
    problem = "it gave no frame for ten seconds";
    return nullptr;
  }

  std::string problem;

 private:
  bool note_problem() {
    const Ptr<GstBus> bus(gst_element_get_bus(pipeline_.get()));
    const Ptr<GstMessage> message(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    if (!message) return false;
    GError* error = nullptr;
    gst_message_parse_error(message.get(), &error, nullptr);
    problem = Ptr<GError>(error)->message;
    return true;
  }

  Ptr<GstElement> pipeline_, sink_;
};

/// One frame to one item.
Result<std::vector<std::byte>> prepare(GstSample* sample, const PreprocessParams& params) {
  GstVideoInfo info;
  GstVideoFrame frame;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
    return Status(Code::kUnreadable, "a frame cannot be mapped");
  const std::unique_ptr<GstVideoFrame, void (*)(GstVideoFrame*)> unmap(&frame,
                                                                       gst_video_frame_unmap);
  ImageView image;
  image.format.format = PixelFormat::kRgb;
  image.format.width = GST_VIDEO_FRAME_WIDTH(&frame);
  image.format.height = GST_VIDEO_FRAME_HEIGHT(&frame);
  image.format.color.matrix = ColorMatrix::kRgb;
  image.format.color.range = ColorRange::kFull;
  image.planes[0] = {static_cast<const std::byte*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)),
                     GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0)};
  const auto plan = make_plan(image.format, {}, params);
  if (!plan) return plan.status();
  const auto bytes = params.input.bytes();
  const std::unique_ptr<std::byte, FreeAligned> item(
      static_cast<std::byte*>(operator new(bytes, kAlignment)));
  if (auto status = preprocess_on_cpu(**plan, image, item.get()); !status.ok()) return status;
  return std::vector<std::byte>(item.get(), item.get() + bytes);
}

}  // namespace

Result<std::vector<std::vector<std::byte>>> read_clip(const std::string& path,
                                                      const PreprocessParams& params) {
  GError* error = nullptr;
  if (!gst_init_check(nullptr, nullptr, &error)) {
    const Ptr<GError> owned(error);
    return Status(Code::kUnreadable, std::string("GStreamer does not start: ") +
                                         (owned ? owned->message : "no reason given"));
  }
  std::vector<std::vector<std::byte>> items;
  Decoder decoder(path);
  while (items.size() < kMostFrames) {
    const auto sample = decoder.next();
    if (!sample) break;
    auto item = prepare(sample.get(), params);
    if (!item) return item.status();
    items.push_back(std::move(*item));
  }
  if (!decoder.problem.empty() || items.empty())
    return Status(Code::kUnreadable,
                  path + " cannot be decoded: " +
                      (decoder.problem.empty() ? "it has no frames" : decoder.problem));
  return items;
}

}  // namespace torchinfer::inspect
