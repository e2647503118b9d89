// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/plan.h"

#include <cmath>
#include <string>

#include "preprocess/plan_data.h"

namespace torchinfer {
namespace {

constexpr int kMaxSide = 32768;
constexpr double kMaxFloat16 = 65504.0;

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
    if (!std::isfinite(range.min) || !std::isfinite(range.max)) {
      return {Code::kInvalidArgument, "The model input's value ranges must be finite."};
    }
    if (params.input.dtype == DType::kUint8 && range != ValueRange{}) {
      return {Code::kInvalidArgument, "A uint8 model input has the value range 0..255."};
    }
    if (params.input.dtype == DType::kFloat16 &&
        (std::abs(range.min) > kMaxFloat16 || std::abs(range.max) > kMaxFloat16)) {
      return {Code::kInvalidArgument,
              "A float16 model input cannot have a value range beyond +-65504."};
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

ChromaAxis chroma_axis(bool has_chroma, bool cosited) {
  if (!has_chroma) return ChromaAxis::kNone;
  return cosited ? ChromaAxis::kCosited : ChromaAxis::kBetween;
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
  plan->geometry = make_geometry(source, params);
  plan->color = make_color_transform(format, params);
  for (std::size_t c = 0; c < plan->pad.size(); ++c) {
    const ValueRange& range = params.ranges[c];
    plan->pad[c] =
        static_cast<float>(range.min + (range.max - range.min) * params.pad_value / 255.0);
  }

  const Geometry& geometry = plan->geometry;
  const bool has_chroma = plan->reads_plane(1) || plan->reads_plane(2);
  const ChromaSite& site = format.color.chroma;
  plan->x = make_axis_filters({source.x, source.width}, geometry.resized_width,
                              {geometry.crop_x, geometry.content.width}, params.interpolation,
                              chroma_axis(has_chroma, site.horizontally_cosited));
  plan->y = make_axis_filters({source.y, source.height}, geometry.resized_height,
                              {geometry.crop_y, geometry.content.height}, params.interpolation,
                              chroma_axis(has_chroma, site.vertically_cosited));
  return std::shared_ptr<const PreprocessPlan>(std::move(plan));
}

}  // namespace torchinfer
