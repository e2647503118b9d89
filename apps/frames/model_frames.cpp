// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frames/model_frames.h"

#include <gst/video/video.h>

#include <optional>

#include "engine/block_pool.h"
#include "frame_mapper.h"
#include "frames/video_decoder.h"
#include "preprocess/plan.h"
#include "video_caps.h"

namespace torchinfer::frames {
namespace {

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
  // As before torchinference, videoconvert passes through what the element takes.
  VideoDecoder decoder(path, "video/x-raw,format=(string)" GST_TORCH_VIDEO_FORMATS);
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
