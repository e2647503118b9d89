// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/plan.h"

#include <cmath>
#include <string>

#include "preprocess/plan_data.h"

namespace torchinfer {
namespace {

constexpr int kMaxSide = 32768;
constexpr double kMaxFloat16 = 65504.0;
constexpr double kMaxBfloat16 = 3.38e38;  // float32 reaches a little further

std::string size_text(int width, int height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

Status check_format(const ImageFormat& format) {
  if (format.width < 1 || format.height < 1) {
    return {Code::kInvalidArgument,
            "A frame of " + size_text(format.width, format.height) + " pixels is empty."};
  }
  if (format.width > kMaxSide || format.height > kMaxSide) {
    return {Code::kUnsupported, "A frame of " + size_text(format.width, format.height) +
                                    " pixels is larger than 32768 a side; scale it down first."};
  }
  if (layout_of(format.format).family == ColorFamily::kYuv &&
      format.color.matrix == ColorMatrix::kRgb) {
    return {Code::kUnsupported,
            "The frames are Y'CbCr, but their colorimetry names no Y'CbCr matrix; correct the "
            "colorimetry of the caps."};
  }
  return {};
}

Status check_region(const ImageFormat& format, const Region& region) {
  const bool inside = region.x >= 0 && region.y >= 0 && region.width >= 1 && region.height >= 1 &&
                      region.width <= format.width - region.x &&
                      region.height <= format.height - region.y;
  if (inside) return {};
  return {Code::kInvalidArgument, "The region of " + size_text(region.width, region.height) +
                                      " pixels at " + std::to_string(region.x) + "," +
                                      std::to_string(region.y) + " is not within the frame of " +
                                      size_text(format.width, format.height) + "."};
}

Status check_input(const InputSpec& input) {
  switch (input.dtype) {
    case DType::kUint8:
    case DType::kFloat16:
    case DType::kBfloat16:
    case DType::kFloat32: break;
    default:
      return {Code::kInvalidArgument, "Frames cannot become a model input of type " +
                                          std::string(to_string(input.dtype)) +
                                          "; uint8, float16, bfloat16 and float32 can be made."};
  }
  if (input.channels != 1 && input.channels != 3) {
    return {Code::kInvalidArgument, "A model input of " + std::to_string(input.channels) +
                                        " channels cannot be made from video; 1 or 3 can."};
  }
  if (input.width < 1 || input.height < 1 || input.width > kMaxSide || input.height > kMaxSide) {
    return {Code::kInvalidArgument, "A model input of " + size_text(input.width, input.height) +
                                        " pixels is outside 1..32768 a side."};
  }
  return {};
}

Status check_ranges(const PreprocessParams& params) {
  for (int c = 0; c < params.input.channels; ++c) {
    const ValueRange& range = params.ranges[static_cast<std::size_t>(c)];
    const double most = params.input.dtype == DType::kFloat16 ? kMaxFloat16 : kMaxBfloat16;
    if (!(std::abs(range.min) <= most && std::abs(range.max) <= most)) {
      return {Code::kInvalidArgument,
              "A value range of the model input goes beyond what its type can hold."};
    }
    if (params.input.dtype == DType::kUint8 && range != ValueRange{}) {
      return {Code::kInvalidArgument, "A uint8 model input has the value range 0..255."};
    }
  }
  return {};
}

Status check_params(const PreprocessParams& params) {
  if (Status status = check_input(params.input); !status.ok()) return status;
  if ((params.color == ColorOrder::kGray) != (params.input.channels == 1)) {
    return {Code::kInvalidArgument,
            "A gray model input has 1 channel and a coloured one has 3, not the other way round."};
  }
  if (params.resize == ResizePolicy::kShortSide &&
      (params.resize_size < params.input.width || params.resize_size < params.input.height ||
       params.resize_size > kMaxSide)) {
    return {Code::kInvalidArgument,
            "The short side is resized to " + std::to_string(params.resize_size) +
                " pixels, from which no " + size_text(params.input.width, params.input.height) +
                " can be cropped; give at least the larger of the two and at most 32768."};
  }
  if (params.pad_value < 0 || params.pad_value > 255) {
    return {Code::kInvalidArgument,
            "The padding value " + std::to_string(params.pad_value) + " is outside 0..255."};
  }
  return check_ranges(params);
}

PixelStep pixel_step(const ImageFormat& format, ColorOrder color) {
  const ColorFamily family = layout_of(format.format).family;
  if (family == ColorFamily::kYuv && color != ColorOrder::kGray) return PixelStep::kYuvToRgb;
  if (family == ColorFamily::kRgb && color == ColorOrder::kGray) return PixelStep::kRgbToLuma;
  return format.color.range == ColorRange::kLimited ? PixelStep::kExpand : PixelStep::kNone;
}

std::array<int, 3> channel_order(int resized_channels, ColorOrder color) {
  if (resized_channels == 1) return {0, 0, 0};
  if (color == ColorOrder::kBgr) return {2, 1, 0};
  return {0, 1, 2};
}

}  // namespace

Result<std::shared_ptr<const PreprocessPlan>> make_plan(const ImageFormat& format,
                                                        const std::optional<Region>& region,
                                                        const PreprocessParams& params) {
  if (Status status = check_format(format); !status.ok()) return status;
  const Region source = region.value_or(Region{0, 0, format.width, format.height});
  if (Status status = check_region(format, source); !status.ok()) return status;
  if (Status status = check_params(params); !status.ok()) return status;

  auto plan = std::make_shared<PreprocessPlan>();
  plan->format = format;
  plan->params = params;
  const ColorFamily family = plan->layout().family;
  plan->step = pixel_step(format, params.color);
  plan->channels = family == ColorFamily::kGray || params.color == ColorOrder::kGray ? 1 : 3;
  plan->order = channel_order(plan->channels, params.color);
  if (family == ColorFamily::kYuv) plan->matrix = make_yuv_to_rgb(format.color);
  plan->expansion = expansion_of(format.color.range);
  for (std::size_t c = 0; c < static_cast<std::size_t>(params.input.channels); ++c) {
    plan->codes[c] = make_sample_codes(params.input.dtype, params.ranges[c]);
  }

  const Geometry geometry = make_geometry(source, params);
  plan->geometry = geometry;
  plan->x = make_axis_filter({source.x, source.width}, geometry.resized_width,
                             {geometry.crop_x, geometry.content.width}, params.interpolation);
  plan->y = make_axis_filter({source.y, source.height}, geometry.resized_height,
                             {geometry.crop_y, geometry.content.height}, params.interpolation);
  return std::shared_ptr<const PreprocessPlan>(std::move(plan));
}

}  // namespace torchinfer
