// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/geometry.h"

#include <algorithm>
#include <cstdint>

namespace torchinfer {
namespace {

/// numerator / denominator to the nearest integer, halves to even; both positive or numerator 0.
int divide_to_nearest_even(std::int64_t numerator, std::int64_t denominator) {
  const std::int64_t floor = numerator / denominator;
  const std::int64_t twice_rest = 2 * (numerator % denominator);
  const bool up = twice_rest > denominator || (twice_rest == denominator && floor % 2 != 0);
  return static_cast<int>(floor + (up ? 1 : 0));
}

/// Python computes int(size * longer / shorter) through a double. For sides up to 32768 a double is
/// fine enough never to round up to the next integer, so the integer division is the same number.
int resized_longer_side(int size, int longer, int shorter) {
  return static_cast<int>(std::int64_t{size} * longer / shorter);
}

void short_side(const PreprocessParams& params, Geometry& geometry) {
  const int width = geometry.source.width;
  const int height = geometry.source.height;
  const int size = params.resize_size;
  geometry.resized_width = width <= height ? size : resized_longer_side(size, width, height);
  geometry.resized_height = width <= height ? resized_longer_side(size, height, width) : size;
  geometry.crop_x = divide_to_nearest_even(geometry.resized_width - params.input.width, 2);
  geometry.crop_y = divide_to_nearest_even(geometry.resized_height - params.input.height, 2);
}

void squash(const PreprocessParams& params, Geometry& geometry) {
  geometry.resized_width = params.input.width;
  geometry.resized_height = params.input.height;
}

void letterbox(const PreprocessParams& params, Geometry& geometry) {
  const std::int64_t width = geometry.source.width;
  const std::int64_t height = geometry.source.height;
  const std::int64_t room_x = params.input.width;
  const std::int64_t room_y = params.input.height;
  const bool width_fills = room_x * height <= room_y * width;
  geometry.resized_width = static_cast<int>(
      width_fills ? room_x : std::max(1, divide_to_nearest_even(width * room_y, height)));
  geometry.resized_height = static_cast<int>(
      width_fills ? std::max(1, divide_to_nearest_even(height * room_x, width)) : room_y);
  geometry.content = {static_cast<int>(room_x - geometry.resized_width) / 2,
                      static_cast<int>(room_y - geometry.resized_height) / 2,
                      geometry.resized_width, geometry.resized_height};
}

}  // namespace

Geometry make_geometry(const Region& source, const PreprocessParams& params) {
  Geometry geometry;
  geometry.source = source;
  geometry.content = {0, 0, params.input.width, params.input.height};
  switch (params.resize) {
    case ResizePolicy::kShortSide: short_side(params, geometry); break;
    case ResizePolicy::kSquash: squash(params, geometry); break;
    case ResizePolicy::kLetterbox: letterbox(params, geometry); break;
  }
  return geometry;
}

}  // namespace torchinfer
