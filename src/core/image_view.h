// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/device_id.h"

namespace torchinfer {

/// Layouts of 8-bit frames that can be preprocessed; the names are GStreamer's. `x` and `A` bytes
/// are ignored.
enum class PixelFormat : std::uint8_t {
  kI420,
  kYV12,
  kNV12,
  kNV21,
  kRgb,
  kBgr,
  kRgba,
  kBgra,
  kRgbx,
  kBgrx,
  kArgb,
  kAbgr,
  kGray8,
};

/// Which matrix turns Y'CbCr into R'G'B'. kRgb: the samples are R'G'B' already (and GRAY8 is luma
/// of no matrix).
enum class ColorMatrix : std::uint8_t { kRgb, kFcc, kBt601, kBt709, kSmpte240m, kBt2020 };

/// kFull: 0..255. kLimited: luma 16..235, chroma 16..240.
enum class ColorRange : std::uint8_t { kFull, kLimited };

/// Where 4:2:0 chroma samples sit between the luma samples; true = on a luma sample, false = half
/// way between two. MPEG-2 (GStreamer's default for most video) is horizontally cosited only; JPEG
/// neither; DV and "cosited" both.
struct ChromaSite {
  bool horizontally_cosited = true;
  bool vertically_cosited = false;
  bool operator==(const ChromaSite&) const = default;
};

struct Colorimetry {
  ColorMatrix matrix = ColorMatrix::kBt601;
  ColorRange range = ColorRange::kLimited;
  ChromaSite chroma;
  bool operator==(const Colorimetry&) const = default;
};

/// All that is the same for every frame of a stream between two caps changes. width, height in
/// pixels, >= 1.
struct ImageFormat {
  PixelFormat format = PixelFormat::kI420;
  int width = 0;
  int height = 0;
  Colorimetry color;
  bool operator==(const ImageFormat&) const = default;
};

/// First byte of a plane's first row and the distance in bytes to the next row. Planes stand in the
/// format's memory order: YV12 is Y, V, U.
struct Plane {
  const std::byte* data = nullptr;
  std::ptrdiff_t stride = 0;
};

/// Borrowed pixels of one frame. `owner` keeps them mapped; dropping the last copy of it unmaps the
/// frame and lets the buffer go. Reading is safe from any one thread at a time and from many at
/// once, since nobody writes.
struct ImageView {
  ImageFormat format;
  std::array<Plane, 4> planes;
  DeviceId where;               ///< host memory (kCpu) or a CUDA device
  void* ready_event = nullptr;  ///< a CUDA event to wait for before reading; null on the host
  std::shared_ptr<const void> owner;
};

/// A region of a frame in pixels, right and bottom exclusive; lies within the frame and is not
/// empty.
struct Region {
  int x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Region&) const = default;
};

}  // namespace torchinfer
