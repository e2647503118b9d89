// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/test_image.h"

#include <algorithm>
#include <random>

namespace torchinfer::test {
namespace {

int pixel_bytes(PixelFormat format) {
  if (is_yuv(format) || format == PixelFormat::kGray8) return 1;
  return format == PixelFormat::kRgb || format == PixelFormat::kBgr ? 3 : 4;
}

}  // namespace

std::string name_of(PixelFormat format) {
  constexpr const char* kNames[] = {"I420", "YV12", "NV12", "NV21", "RGB",  "BGR",  "RGBA",
                                    "BGRA", "RGBx", "BGRx", "ARGB", "ABGR", "GRAY8"};
  return kNames[static_cast<std::size_t>(format)];
}

bool is_yuv(PixelFormat format) {
  return format == PixelFormat::kI420 || format == PixelFormat::kYV12 ||
         format == PixelFormat::kNV12 || format == PixelFormat::kNV21;
}

TestImage::TestImage(const ImageFormat& format, std::uint32_t seed, int padding, Rows rows)
    : format_(format) {
  const auto add = [this](int plane_rows, int plane_row_bytes) {
    PlaneBytes plane;
    plane.rows = plane_rows;
    plane.row_bytes = plane_row_bytes;
    planes_.push_back(std::move(plane));
  };
  const int half_width = (format.width + 1) / 2;
  const int half_height = (format.height + 1) / 2;
  add(format.height, format.width * pixel_bytes(format.format));
  switch (format.format) {
    case PixelFormat::kI420:
    case PixelFormat::kYV12:
      add(half_height, half_width);
      add(half_height, half_width);
      break;
    case PixelFormat::kNV12:
    case PixelFormat::kNV21: add(half_height, 2 * half_width); break;
    default: break;
  }

  std::mt19937 random(seed);
  for (PlaneBytes& plane : planes_) {
    const std::ptrdiff_t distance = plane.row_bytes + padding;
    const std::ptrdiff_t last = (plane.rows - 1) * distance;
    plane.bytes.resize(static_cast<std::size_t>(last + plane.row_bytes));
    plane.origin = rows == Rows::kTopFirst ? 0 : last;
    plane.stride = rows == Rows::kTopFirst ? distance : -distance;
    std::generate(plane.bytes.begin(), plane.bytes.end(),
                  [&random] { return static_cast<std::uint8_t>(random()); });
  }
}

std::uint8_t& TestImage::at(int plane, int row, int byte) {
  PlaneBytes& target = planes_[static_cast<std::size_t>(plane)];
  return target.bytes.at(static_cast<std::size_t>(target.origin + row * target.stride + byte));
}

void TestImage::fill(int plane, std::uint8_t value) {
  std::fill(planes_[static_cast<std::size_t>(plane)].bytes.begin(),
            planes_[static_cast<std::size_t>(plane)].bytes.end(), value);
}

ImageView TestImage::view() const {
  ImageView view;
  view.format = format_;
  for (std::size_t i = 0; i < planes_.size(); ++i) {
    view.planes[i] = {
        reinterpret_cast<const std::byte*>(planes_[i].bytes.data()) + planes_[i].origin,
        planes_[i].stride};
  }
  return view;
}

}  // namespace torchinfer::test
