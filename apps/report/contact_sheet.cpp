// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/contact_sheet.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace torchinfer::report {
namespace {

constexpr int kGap = 8;       // pixels around tiles
constexpr int kCaption = 30;  // height of the line below a frame
const cv::Scalar kPaper(32, 32, 32);
const cv::Scalar kInk(220, 220, 220);

}  // namespace

std::vector<std::size_t> spread(std::size_t frames, std::size_t count) {
  count = std::min(count, frames);
  std::vector<std::size_t> positions;
  positions.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    positions.push_back((2 * i + 1) * frames / (2 * count));
  }
  return positions;
}

void ContactSheet::add(const cv::Mat& frame, const std::string& caption) {
  const int width = layout_.tile_width;
  const int height = tiles_.empty() ? std::max(1, width * frame.rows / frame.cols)
                                    : tiles_.front().rows - kCaption;
  cv::Mat tile(height + kCaption, width, CV_8UC3, kPaper);
  cv::Mat picture = tile.rowRange(0, height);
  cv::resize(frame, picture, picture.size(), 0.0, 0.0,
             frame.cols > width ? cv::INTER_AREA : cv::INTER_CUBIC);
  cv::putText(tile, caption, cv::Point(4, height + kCaption - 9), cv::FONT_HERSHEY_SIMPLEX, 0.6,
              kInk, 1, cv::LINE_AA);
  tiles_.push_back(tile);
}

cv::Mat ContactSheet::image() const {
  if (tiles_.empty()) return {};
  const int count = static_cast<int>(tiles_.size());
  const int columns = std::min(layout_.columns, count);
  const int rows = (count + columns - 1) / columns;
  const cv::Size tile = tiles_.front().size();
  cv::Mat sheet(rows * (tile.height + kGap) + kGap, columns * (tile.width + kGap) + kGap, CV_8UC3,
                kPaper);
  for (int i = 0; i < count; ++i) {
    const cv::Rect place(kGap + i % columns * (tile.width + kGap),
                         kGap + i / columns * (tile.height + kGap), tile.width, tile.height);
    tiles_[static_cast<std::size_t>(i)].copyTo(sheet(place));
  }
  return sheet;
}

}  // namespace torchinfer::report
