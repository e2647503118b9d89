// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/run_sheet.h"

#include <gmock/gmock.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "gray_clip.h"
#include "report/video_reader.h"
#include "support/status_matchers.h"

namespace torchinfer::report {
namespace {

using test::write_gray_clip;
using torchinfer::test::FailsWith;
using torchinfer::test::IsOk;

constexpr std::uint64_t kFrameNs = 40'000'000;

std::vector<Frame> lines_of(const std::vector<std::uint64_t>& numbers) {
  std::vector<Frame> frames;
  for (const auto number : numbers) {
    Frame frame;
    frame.number = number;
    frame.stream_time = number * kFrameNs;
    frames.push_back(frame);
  }
  return frames;
}

class RunSheet : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

  torchinfer::test::TempFolder folder_;
  std::string video_ = write_gray_clip(folder_, 20);
};

TEST_F(RunSheet, ShowsThePictureThatALineIsAboutWhereNotEveryFrameHasALine) {
  ContactSheet expected({3, 1, 300});
  const std::vector<std::string> captions = {"frame 4   0:00.160", "frame 9   0:00.360",
                                             "frame 14   0:00.560"};
  ASSERT_THAT(read_frames(video_, {4, 9, 14},
                          [&, next = 0U](std::size_t, const cv::Mat& frame) mutable {
                            expected.add(frame, captions.at(next++));
                          }),
              IsOk());
  const auto sheet = make_run_sheet(video_, lines_of({4, 9, 14}), {3, 1, 300});
  ASSERT_THAT(sheet.status(), IsOk());
  ASSERT_EQ(sheet->size(), expected.image().size());
  EXPECT_EQ(cv::norm(*sheet, expected.image(), cv::NORM_INF), 0.0);
}

TEST_F(RunSheet, IsMadeOfOneRun) {
  EXPECT_THAT(make_run_sheet(video_, lines_of({0, 1, 2, 0, 1}), {}).status(),
              FailsWith(Code::kInvalidArgument, "start over"));
}

TEST_F(RunSheet, FailsWhereTheVideoLacksAFrameThatHasALine) {
  EXPECT_THAT(make_run_sheet(video_, lines_of({3, 20}), {}).status(),
              FailsWith(Code::kUnreadable, "ended before"));
}

}  // namespace
}  // namespace torchinfer::report
