// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/contact_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace torchinfer::report {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Spread, TakesTheMiddleOfEachShare) {
  EXPECT_THAT(spread(100, 4), ElementsAre(12, 37, 62, 87));
  EXPECT_THAT(spread(1, 12), ElementsAre(0));
  EXPECT_THAT(spread(3, 12), ElementsAre(0, 1, 2));
  EXPECT_THAT(spread(0, 12), IsEmpty());
}

cv::Mat plain(int width, int height, const cv::Scalar& colour) {
  return {height, width, CV_8UC3, colour};
}

TEST(ContactSheet, PutsFramesRowByRow) {
  ContactSheet sheet({2, 2, 64});
  const cv::Scalar colours[] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}};
  for (const auto& colour : colours) sheet.add(plain(640, 320, colour), "");
  const cv::Mat image = sheet.image();
  // Two rows of tiles of 64x32 with a caption of 30 below, 8 pixels around each.
  ASSERT_EQ(image.cols, 2 * 64 + 3 * 8);
  ASSERT_EQ(image.rows, 2 * 62 + 3 * 8);
  EXPECT_EQ(image.at<cv::Vec3b>(8 + 16, 8 + 32), cv::Vec3b(255, 0, 0));
  EXPECT_EQ(image.at<cv::Vec3b>(8 + 16, 16 + 64 + 32), cv::Vec3b(0, 255, 0));
  EXPECT_EQ(image.at<cv::Vec3b>(16 + 62 + 16, 8 + 32), cv::Vec3b(0, 0, 255));
  EXPECT_EQ(image.at<cv::Vec3b>(16 + 62 + 16, 16 + 64 + 32), image.at<cv::Vec3b>(0, 0));
}

TEST(ContactSheet, WritesTheCaptionBelowTheFrame) {
  ContactSheet plain_sheet({1, 1, 200});
  ContactSheet sheet({1, 1, 200});
  plain_sheet.add(plain(200, 100, {0, 0, 0}), "");
  sheet.add(plain(200, 100, {0, 0, 0}), "frame 12");
  const cv::Mat difference = sheet.image() != plain_sheet.image();
  EXPECT_EQ(cv::countNonZero(difference.rowRange(0, 108).reshape(1)), 0);
  EXPECT_GT(cv::countNonZero(difference.rowRange(108, 138).reshape(1)), 100);
}

TEST(ContactSheet, IsNoWiderThanItsFrames) {
  ContactSheet sheet({5, 5, 64});
  sheet.add(plain(64, 64, {1, 1, 1}), "");
  EXPECT_EQ(sheet.image().cols, 64 + 16);
}

TEST(ContactSheet, IsEmptyWithoutFrames) { EXPECT_TRUE(ContactSheet({}).image().empty()); }

}  // namespace
}  // namespace torchinfer::report
