// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/image_view.h"

namespace torchinfer::test {

/// Every format, for tests that promise something about all of them.
inline constexpr PixelFormat kAllFormats[] = {
    PixelFormat::kI420, PixelFormat::kYV12, PixelFormat::kNV12, PixelFormat::kNV21,
    PixelFormat::kRgb,  PixelFormat::kBgr,  PixelFormat::kRgba, PixelFormat::kBgra,
    PixelFormat::kRgbx, PixelFormat::kBgrx, PixelFormat::kArgb, PixelFormat::kAbgr,
    PixelFormat::kGray8};

/// GStreamer's name, without the punctuation that GoogleTest forbids.
std::string name_of(PixelFormat format);

bool is_yuv(PixelFormat format);

/// A frame of random bytes whose planes are heap blocks of exactly the size that the format needs,
/// so that the address sanitizer sees any access beyond them. Owns the pixels; views borrow them.
class TestImage {
 public:
  /// Where the first row lies in memory.
  enum class Rows { kTopFirst, kBottomFirst };

  /// Rows are `padding` bytes further apart than they are long.
  explicit TestImage(const ImageFormat& format, std::uint32_t seed = 1, int padding = 0,
                     Rows rows = Rows::kTopFirst);

  int planes() const { return static_cast<int>(planes_.size()); }
  int rows(int plane) const { return planes_[static_cast<std::size_t>(plane)].rows; }
  int row_bytes(int plane) const { return planes_[static_cast<std::size_t>(plane)].row_bytes; }
  std::uint8_t& at(int plane, int row, int byte);
  void fill(int plane, std::uint8_t value);

  ImageView view() const;

 private:
  struct PlaneBytes {
    int rows = 0;
    int row_bytes = 0;
    std::vector<std::uint8_t> bytes;
    std::ptrdiff_t origin = 0;
    std::ptrdiff_t stride = 0;
  };
  ImageFormat format_;
  std::vector<PlaneBytes> planes_;
};

}  // namespace torchinfer::test
