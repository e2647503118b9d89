// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

namespace torchinfer::report {

struct SheetLayout {
  int columns = 3;
  int rows = 4;
  int tile_width = 640;  ///< pixels; a frame's height follows from its aspect
};

/// `count` positions spread evenly over `frames` frames, each in the middle of its share; all of
/// them where there are fewer.
std::vector<std::size_t> spread(std::size_t frames, std::size_t count);

/// Puts frames side by side, each with a line of text below it.
class ContactSheet {
 public:
  explicit ContactSheet(const SheetLayout& layout) : layout_(layout) {}

  /// Copies a BGR frame, scaled to a tile's width. All frames have the size of the first.
  /// `caption` is ASCII.
  void add(const cv::Mat& frame, const std::string& caption);

  /// The sheet, BGR. Empty before the first frame.
  cv::Mat image() const;

 private:
  SheetLayout layout_;
  std::vector<cv::Mat> tiles_;
};

}  // namespace torchinfer::report
