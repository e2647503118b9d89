// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/image_view.h"
#include "preprocess/cpu_kernels.h"
#include "preprocess/plan_data.h"

namespace torchinfer {

/// Reads a frame in blocks of kLanes rows: the columns that the plan needs, taken through
/// PreprocessPlan::step, turned for CpuKernels::filter_across().
class SourceRows {
 public:
  /// Scratch that one instance needs, in bytes.
  static std::size_t scratch_bytes(const PreprocessPlan& plan);

  /// Borrows all arguments; `scratch` is aligned to 64 bytes.
  SourceRows(const CpuKernels& kernels, const PreprocessPlan& plan, const ImageView& image,
             std::uint8_t* scratch);

  /// The resized channels of rows `row` to `row` + kLanes of the frame; beyond the last row that
  /// the plan needs, that one is repeated. Valid until the next call.
  const TurnedRows& read(int row);

 private:
  const std::uint8_t* at(int plane, int row, int column) const;
  const std::uint8_t* convert_bytes(int row, std::uint8_t* to);
  void convert_luma(int row, std::uint8_t* to);
  void convert_yuv(int row, std::uint8_t* const* rgb);
  void interpolate_chroma(int row);

  const CpuKernels& kernels_;
  const PreprocessPlan& plan_;
  const ImageView& image_;
  const FormatLayout& layout_;
  const int columns_;      ///< that the plan needs
  const int pixel_bytes_;  ///< of plane 0
  TurnedRows rows_;
  std::uint8_t* turned_;             ///< a block, turned
  std::uint8_t* converted_;          ///< a block before it is turned, channel by channel
  std::uint8_t* stretched_;          ///< a row of pixels
  std::uint16_t* blended_;           ///< chroma of one row and plane, in quarters
  std::array<std::int16_t*, 2> uv_;  ///< U and V of one row, from CpuKernels::spread_chroma()
};

}  // namespace torchinfer
