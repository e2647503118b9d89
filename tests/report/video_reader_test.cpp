// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/video_reader.h"

#include <gmock/gmock.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cmath>

#include "gray_clip.h"
#include "support/status_matchers.h"

namespace torchinfer::report {
namespace {

using test::write_gray_clip;
using testing::ElementsAre;
using testing::Pair;
using torchinfer::test::FailsWith;
using torchinfer::test::IsOk;

class VideoReader : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  /// The positions that were handed over, each with the number that the picture tells.
  Status read(const std::string& path, const std::vector<std::size_t>& positions) {
    return read_frames(path, positions, [&](std::size_t position, const cv::Mat& frame) {
      // Luma 16 to 235 became 0 to 255, up to rounding.
      const double luma = 16.0 + frame.at<cv::Vec3b>(8, 8)[0] * 219.0 / 255.0;
      taken_.emplace_back(position, std::lround((luma - 16.0) / 8.0));
    });
  }

  torchinfer::test::TempFolder folder_;
  std::vector<std::pair<std::size_t, long>> taken_;
};

TEST_F(VideoReader, HandsOverTheFramesAtTheWantedPositions) {
  EXPECT_THAT(read(write_gray_clip(folder_, 20), {0, 3, 4, 19}), IsOk());
  EXPECT_THAT(taken_, ElementsAre(Pair(0, 0), Pair(3, 3), Pair(4, 4), Pair(19, 19)));
}

TEST_F(VideoReader, SaysThatAVideoEndedEarly) {
  EXPECT_THAT(read(write_gray_clip(folder_, 5), {2, 5}),
              FailsWith(Code::kUnreadable, "clip.mkv ended before the wanted frame"));
  EXPECT_THAT(taken_, ElementsAre(Pair(2, 2)));
}

TEST_F(VideoReader, SaysWhyAVideoCannotBeRead) {
  EXPECT_THAT(read(folder_.path("none.mp4"), {0}),
              FailsWith(Code::kUnreadable, "none.mp4 cannot be decoded: no such file"));
  EXPECT_THAT(read(folder_.write("text.mp4", std::string(10'000, 'a')), {0}),
              FailsWith(Code::kUnreadable, "text.mp4 cannot be decoded: "));
}

}  // namespace
}  // namespace torchinfer::report
