// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/reference_preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace torchinfer::test {
namespace {

using Pixel = std::array<int, 3>;

int to_byte(double value) {
  return static_cast<int>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

double byte_at(const ImageView& image, int plane, int row, int byte) {
  const Plane& source = image.planes[static_cast<std::size_t>(plane)];
  return static_cast<double>(source.data[row * source.stride + byte]);
}

/// One chroma sample at the place of a luma pixel, interpolated between the four around it.
double chroma_at(const ImageView& image, const Region& region, int plane, int pixel_bytes,
                 int offset, int x, int y) {
  const ChromaSite site = image.format.color.chroma;
  const double cx = site.horizontally_cosited ? x / 2.0 : (x - 0.5) / 2.0;
  const double cy = site.vertically_cosited ? y / 2.0 : (y - 0.5) / 2.0;
  const int left = static_cast<int>(std::floor(cx));
  const int top = static_cast<int>(std::floor(cy));
  const double fx = cx - left;
  const double fy = cy - top;
  const auto sample = [&](int column, int row) {
    column = std::clamp(column, region.x / 2, (region.x + region.width - 1) / 2);
    row = std::clamp(row, region.y / 2, (region.y + region.height - 1) / 2);
    return byte_at(image, plane, row, column * pixel_bytes + offset);
  };
  return (1 - fy) * ((1 - fx) * sample(left, top) + fx * sample(left + 1, top)) +
         fy * ((1 - fx) * sample(left, top + 1) + fx * sample(left + 1, top + 1));
}

Pixel yuv_to_rgb(const Colorimetry& color, double y, double u, double v) {
  double kr = 0.0;
  double kb = 0.0;
  switch (color.matrix) {
    case ColorMatrix::kRgb: break;
    case ColorMatrix::kFcc: kr = 0.30, kb = 0.11; break;
    case ColorMatrix::kBt601: kr = 0.299, kb = 0.114; break;
    case ColorMatrix::kBt709: kr = 0.2126, kb = 0.0722; break;
    case ColorMatrix::kSmpte240m: kr = 0.212, kb = 0.087; break;
    case ColorMatrix::kBt2020: kr = 0.2627, kb = 0.0593; break;
  }
  const bool full = color.range == ColorRange::kFull;
  const double luma = full ? y / 255 : (y - 16) / 219;
  const double pb = (u - 128) / (full ? 255 : 224);
  const double pr = (v - 128) / (full ? 255 : 224);
  const double r = luma + 2 * (1 - kr) * pr;
  const double b = luma + 2 * (1 - kb) * pb;
  const double g = (luma - kr * r - kb * b) / (1 - kr - kb);
  return {to_byte(255 * r), to_byte(255 * g), to_byte(255 * b)};
}

int expand(const Colorimetry& color, double value) {
  return to_byte(color.range == ColorRange::kFull ? value : (value - 16) * 255 / 219);
}

/// R'G'B', or luma three times for a model of one channel.
Pixel pixel_at(const ImageView& image, const Region& region, bool gray, int x, int y) {
  const Colorimetry& color = image.format.color;
  const auto packed = [&](int bytes, int r, int g, int b) -> Pixel {
    const Pixel rgb{expand(color, byte_at(image, 0, y, x * bytes + r)),
                    expand(color, byte_at(image, 0, y, x * bytes + g)),
                    expand(color, byte_at(image, 0, y, x * bytes + b))};
    const int luma = (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16;
    return gray ? Pixel{luma, luma, luma} : rgb;
  };
  const auto planar = [&](int bytes, int u_plane, int u_offset, int v_plane,
                          int v_offset) -> Pixel {
    const double luma = byte_at(image, 0, y, x);
    if (gray) return {expand(color, luma), expand(color, luma), expand(color, luma)};
    return yuv_to_rgb(color, luma, chroma_at(image, region, u_plane, bytes, u_offset, x, y),
                      chroma_at(image, region, v_plane, bytes, v_offset, x, y));
  };
  switch (image.format.format) {
    case PixelFormat::kI420: return planar(1, 1, 0, 2, 0);
    case PixelFormat::kYV12: return planar(1, 2, 0, 1, 0);
    case PixelFormat::kNV12: return planar(2, 1, 0, 1, 1);
    case PixelFormat::kNV21: return planar(2, 1, 1, 1, 0);
    case PixelFormat::kRgb: return packed(3, 0, 1, 2);
    case PixelFormat::kBgr: return packed(3, 2, 1, 0);
    case PixelFormat::kRgba:
    case PixelFormat::kRgbx: return packed(4, 0, 1, 2);
    case PixelFormat::kBgra:
    case PixelFormat::kBgrx: return packed(4, 2, 1, 0);
    case PixelFormat::kArgb: return packed(4, 1, 2, 3);
    case PixelFormat::kAbgr: return packed(4, 3, 2, 1);
    case PixelFormat::kGray8: break;
  }
  const int luma = expand(color, byte_at(image, 0, y, x));
  return {luma, luma, luma};
}

double kernel(Interpolation interpolation, double x) {
  x = std::abs(x);
  if (interpolation == Interpolation::kBilinear) return x < 1 ? 1 - x : 0;
  if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
  if (x < 2) return -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2;
  return 0;
}

/// The weight of each of `size` samples in one output of an antialiased resize to `resized`, in
/// multiples of 2^-22.
std::vector<std::int64_t> weights_of(int size, int resized, int output,
                                     Interpolation interpolation) {
  const double scale = static_cast<double>(size) / resized;
  const double stretch = std::max(1.0, scale);
  const double support = (interpolation == Interpolation::kBilinear ? 1 : 2) * stretch;
  const double center = (output + 0.5) * scale;
  std::vector<double> weights(static_cast<std::size_t>(size));
  double sum = 0;
  for (int i = 0; i < size; ++i) {
    // A sample takes part when it lies within the support, rounded outwards at half a sample.
    if (i < std::trunc(center - support + 0.5) || i >= std::trunc(center + support + 0.5)) continue;
    weights[static_cast<std::size_t>(i)] = kernel(interpolation, (i + 0.5 - center) / stretch);
    sum += weights[static_cast<std::size_t>(i)];
  }
  std::vector<std::int64_t> fixed;
  for (const double weight : weights) fixed.push_back(std::llround(weight / sum * (1 << 22)));
  return fixed;
}

int fixed_to_byte(std::int64_t sum) {
  return static_cast<int>(std::clamp<std::int64_t>((sum + (std::int64_t{1} << 21)) >> 22, 0, 255));
}

/// In the terms of Python's torchvision; floating-point where it is.
struct Place {
  int resized_width, resized_height, crop_x, crop_y, x, y, width, height;
};

Place place_of(int width, int height, const PreprocessParams& params) {
  const int to_width = params.input.width;
  const int to_height = params.input.height;
  switch (params.resize) {
    case ResizePolicy::kShortSide: {
      const double size = params.resize_size;
      const int w = width <= height ? params.resize_size : static_cast<int>(size * width / height);
      const int h = width <= height ? static_cast<int>(size * height / width) : params.resize_size;
      return {w,
              h,
              static_cast<int>(std::nearbyint((w - to_width) / 2.0)),
              static_cast<int>(std::nearbyint((h - to_height) / 2.0)),
              0,
              0,
              to_width,
              to_height};
    }
    case ResizePolicy::kSquash: return {to_width, to_height, 0, 0, 0, 0, to_width, to_height};
    case ResizePolicy::kLetterbox: break;
  }
  const double ratio =
      std::min(static_cast<double>(to_width) / width, static_cast<double>(to_height) / height);
  const int w = std::max(1, static_cast<int>(std::nearbyint(width * ratio)));
  const int h = std::max(1, static_cast<int>(std::nearbyint(height * ratio)));
  return {w, h, 0, 0, (to_width - w) / 2, (to_height - h) / 2, w, h};
}

}  // namespace

std::vector<int> reference_preprocess(const ImageView& image, const std::optional<Region>& wanted,
                                      const PreprocessParams& params) {
  const Region region = wanted.value_or(Region{0, 0, image.format.width, image.format.height});
  const Place place = place_of(region.width, region.height, params);
  const bool gray = params.color == ColorOrder::kGray;

  std::vector<std::vector<std::int64_t>> across;
  for (int column = 0; column < place.width; ++column) {
    across.push_back(
        weights_of(region.width, place.resized_width, place.crop_x + column, params.interpolation));
  }
  // [row of the region][column of the output]
  std::vector<std::vector<Pixel>> narrow(static_cast<std::size_t>(region.height));
  for (int y = 0; y < region.height; ++y) {
    std::vector<Pixel> pixels;
    for (int x = 0; x < region.width; ++x) {
      pixels.push_back(pixel_at(image, region, gray, region.x + x, region.y + y));
    }
    for (const std::vector<std::int64_t>& weights : across) {
      Pixel filtered{};
      for (std::size_t c = 0; c < 3; ++c) {
        std::int64_t sum = 0;
        for (std::size_t x = 0; x < pixels.size(); ++x) sum += weights[x] * pixels[x][c];
        filtered[c] = fixed_to_byte(sum);
      }
      narrow[static_cast<std::size_t>(y)].push_back(filtered);
    }
  }

  const std::size_t area =
      static_cast<std::size_t>(params.input.width) * static_cast<std::size_t>(params.input.height);
  std::vector<int> out(static_cast<std::size_t>(params.input.channels) * area, params.pad_value);
  for (int row = 0; row < place.height; ++row) {
    const std::vector<std::int64_t> weights =
        weights_of(region.height, place.resized_height, place.crop_y + row, params.interpolation);
    for (int column = 0; column < place.width; ++column) {
      const std::size_t at =
          static_cast<std::size_t>(place.y + row) * static_cast<std::size_t>(params.input.width) +
          static_cast<std::size_t>(place.x + column);
      for (std::size_t c = 0; c < static_cast<std::size_t>(params.input.channels); ++c) {
        const std::size_t from = params.color == ColorOrder::kBgr ? 2 - c : c;
        std::int64_t sum = 0;
        for (std::size_t y = 0; y < narrow.size(); ++y) {
          sum += weights[y] * narrow[y][static_cast<std::size_t>(column)][from];
        }
        out[c * area + at] = fixed_to_byte(sum);
      }
    }
  }
  return out;
}

namespace {

double decode_half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

double decode_value(DType dtype, const std::byte* from) {
  switch (dtype) {
    case DType::kUint8: return load<std::uint8_t>(from);
    case DType::kFloat16: return decode_half(load<std::uint16_t>(from));
    case DType::kBfloat16: {
      const std::uint32_t bits = std::uint32_t{load<std::uint16_t>(from)} << 16;
      return load<float>(reinterpret_cast<const std::byte*>(&bits));
    }
    default: return load<float>(from);
  }
}

}  // namespace

std::vector<double> decode_input(const PreprocessParams& params, const std::byte* input) {
  const InputSpec& spec = params.input;
  const std::size_t channels = static_cast<std::size_t>(spec.channels);
  const std::size_t area =
      static_cast<std::size_t>(spec.width) * static_cast<std::size_t>(spec.height);
  std::vector<double> values;
  values.reserve(channels * area);
  for (std::size_t c = 0; c < channels; ++c) {
    const ValueRange& range = params.ranges[c];
    for (std::size_t i = 0; i < area; ++i) {
      const std::size_t at = spec.layout == Layout::kNchw ? c * area + i : i * channels + c;
      const double value = decode_value(spec.dtype, input + at * size_of(spec.dtype));
      values.push_back((value - range.min) / (range.max - range.min) * 255);
    }
  }
  return values;
}

double tolerance_of(const PreprocessParams& params) {
  double rounding = 0;
  for (const ValueRange& range : params.ranges) {
    // Half a unit in the last place of the largest value, in steps of 1/255 of the range.
    const double largest = std::max(std::abs(range.min), std::abs(range.max));
    const double levels = largest / std::abs(range.max - range.min) * 255;
    switch (params.input.dtype) {
      case DType::kUint8: break;
      case DType::kFloat16: rounding = std::max(rounding, levels / 2048); break;
      case DType::kBfloat16: rounding = std::max(rounding, levels / 256); break;
      default: rounding = std::max(rounding, levels / (1 << 24)); break;
    }
  }
  return rounding;
}

}  // namespace torchinfer::test
