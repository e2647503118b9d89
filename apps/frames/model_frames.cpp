// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frames/model_frames.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <memory>
#include <optional>

#include "engine/block_pool.h"
#include "frame_mapper.h"
#include "preprocess/plan.h"
#include "video_caps.h"

namespace torchinfer::frames {
namespace {

struct Unref {
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstBus* bus) const { gst_object_unref(bus); }
  void operator()(GstMessage* message) const { gst_message_unref(message); }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
  void operator()(GError* error) const { g_error_free(error); }
};
template <class T>
using Ptr = std::unique_ptr<T, Unref>;

constexpr GstClockTime kWait = 50 * GST_MSECOND;
// A broken file may make a pipeline stall without a word; this long for one frame is that.
constexpr GstClockTime kLongestStall = 20 * GST_SECOND;

/// The decoded frames of a file; brought to NULL whichever way it is left. videoconvert passes
/// through what the element takes, as it does before torchinference.
class Decoder {
 public:
  explicit Decoder(const std::string& path) : path_(path) {
    GError* error = nullptr;
    pipeline_.reset(
        gst_parse_launch("filesrc name=source ! decodebin ! videoconvert "
                         "! video/x-raw,format=(string)" GST_TORCH_VIDEO_FORMATS
                         " ! appsink name=sink sync=false max-buffers=4",
                         &error));
    if (error != nullptr) {
      problem_ = Ptr<GError>(error)->message;
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

  /// The next frame, or null at the end and after a failure, which status() tells apart.
  Ptr<GstSample> next() {
    if (!sink_) return nullptr;
    // Short waits: that there is no file, or none that can be decoded, is said on the bus alone.
    for (GstClockTime waited = 0; waited < kLongestStall; waited += kWait) {
      Ptr<GstSample> sample(gst_app_sink_try_pull_sample(GST_APP_SINK(sink_.get()), kWait));
      if (sample) return sample;
      if (note_problem() || gst_app_sink_is_eos(GST_APP_SINK(sink_.get()))) return nullptr;
    }
    problem_ = "no frame came for twenty seconds";
    return nullptr;
  }

  Status status() const {
    if (problem_.empty()) return {};
    return {Code::kUnreadable, path_ + " cannot be decoded: " + problem_};
  }

 private:
  bool note_problem() {
    const Ptr<GstBus> bus(gst_element_get_bus(pipeline_.get()));
    const Ptr<GstMessage> message(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
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

/// Preprocesses frames as one stream of the element does.
class Preprocessor {
 public:
  explicit Preprocessor(const PreprocessParams& params)
      : params_(params), pool_(BlockPool::create(params.input.bytes())) {}

  Result<std::vector<std::byte>> item(GstSample* sample) {
    if (auto status = take_caps(gst_sample_get_caps(sample)); !status.ok()) return status;
    const auto image = mapper_.map(gst_sample_get_buffer(sample));
    if (!image) return image.status();
    const auto block = pool_->take();
    if (!block) return block.status();
    if (auto status = preprocess_on_cpu(*plan_, *image, block->data()); !status.ok()) return status;
    return std::vector<std::byte>(block->data(), block->data() + pool_->block_bytes());
  }

 private:
  Status take_caps(const GstCaps* caps) {
    GstVideoInfo info;
    if (caps == nullptr || !gst_video_info_from_caps(&info, caps))
      return {Code::kUnsupported, "the frames have no known format"};
    if (plan_ && gst_video_info_is_equal(&info, &info_)) return {};
    const auto format = gst_torch_image_format(info);
    if (!format || !mapper_.set_info(info))
      return {Code::kUnsupported, "the frames have a format that cannot be preprocessed"};
    auto plan = make_plan(*format, std::nullopt, params_);
    if (!plan) return plan.status();
    info_ = info;
    plan_ = std::move(*plan);
    return {};
  }

  PreprocessParams params_;
  std::shared_ptr<BlockPool> pool_;
  GstVideoInfo info_ = {};
  GstTorchFrameMapper mapper_;
  std::shared_ptr<const PreprocessPlan> plan_;
};

/// Keeps the first of every two, so that what is left is spread as before at twice the distance.
void thin_out(ModelFrames& frames) {
  std::size_t kept = 1;  // the first stays where it is
  for (std::size_t i = 2; i < frames.items.size(); i += 2)
    frames.items[kept++] = std::move(frames.items[i]);
  frames.items.resize(kept);
  frames.every *= 2;
}

}  // namespace

Result<ModelFrames> read_model_frames(const std::string& path, const PreprocessParams& params,
                                      std::size_t most) {
  Decoder decoder(path);
  Preprocessor preprocessor(params);
  ModelFrames frames;
  while (const auto sample = decoder.next()) {
    if (frames.decoded++ % frames.every != 0) continue;
    if (frames.items.size() == most) {
      thin_out(frames);
      if ((frames.decoded - 1) % frames.every != 0) continue;
    }
    auto item = preprocessor.item(sample.get());
    if (!item) return Status(item.status().code(), path + ": " + item.status().message());
    frames.items.push_back(std::move(*item));
  }
  if (auto status = decoder.status(); !status.ok()) return status;
  if (frames.items.empty()) return Status(Code::kUnreadable, path + " holds no frame");
  return frames;
}

}  // namespace torchinfer::frames
