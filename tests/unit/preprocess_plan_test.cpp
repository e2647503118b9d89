// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "preprocess/plan.h"
#include "support/test_image.h"

namespace torchinfer {
namespace {

using test::TestImage;

const ImageFormat kFormat{
    PixelFormat::kI420, 64, 48, {ColorMatrix::kBt601, ColorRange::kLimited, {}}};

PreprocessParams good_params() {
  PreprocessParams params;
  params.input = {DType::kFloat32, Layout::kNchw, 3, 24, 20};
  params.resize_size = 24;
  return params;
}

Code code_of(const ImageFormat& format, const std::optional<Region>& region,
             const PreprocessParams& params) {
  const Status status = make_plan(format, region, params).status();
  EXPECT_EQ(status.ok(), status.message().empty());
  return status.code();
}

TEST(Plan, TakesWhatTheHeadersAllow) {
  EXPECT_EQ(code_of(kFormat, {}, good_params()), Code::kOk);
  EXPECT_EQ(code_of(kFormat, Region{0, 0, 64, 48}, good_params()), Code::kOk);
  EXPECT_EQ(code_of(kFormat, Region{63, 47, 1, 1}, good_params()), Code::kOk);
  ImageFormat huge = kFormat;
  huge.width = huge.height = 32768;
  EXPECT_EQ(code_of(huge, {}, good_params()), Code::kOk);
}

TEST(Plan, RefusesFramesThatAreEmptyOrTooLarge) {
  for (const auto& [width, height, code] :
       {std::tuple{0, 48, Code::kInvalidArgument}, std::tuple{64, -1, Code::kInvalidArgument},
        std::tuple{32769, 48, Code::kUnsupported}, std::tuple{64, 32769, Code::kUnsupported}}) {
    ImageFormat format = kFormat;
    format.width = width;
    format.height = height;
    EXPECT_EQ(code_of(format, {}, good_params()), code) << width << "x" << height;
  }
}

TEST(Plan, RefusesYuvWithoutAMatrix) {
  ImageFormat format = kFormat;
  format.color.matrix = ColorMatrix::kRgb;
  EXPECT_EQ(code_of(format, {}, good_params()), Code::kUnsupported);
  format.format = PixelFormat::kGray8;
  EXPECT_EQ(code_of(format, {}, good_params()), Code::kOk);
}

TEST(Plan, RefusesRegionsThatLeaveTheFrame) {
  constexpr int kMax = std::numeric_limits<int>::max();
  for (const Region& region :
       {Region{-1, 0, 10, 10}, Region{0, -1, 10, 10}, Region{0, 0, 0, 10}, Region{0, 0, 10, 0},
        Region{55, 0, 10, 10}, Region{0, 39, 10, 10}, Region{kMax, 0, 10, 10},
        Region{1, 1, kMax, kMax}, Region{0, 0, -5, 10}}) {
    EXPECT_EQ(code_of(kFormat, region, good_params()), Code::kInvalidArgument)
        << region.x << "," << region.y << " " << region.width << "x" << region.height;
  }
}

TEST(Plan, RefusesParametersOutsideTheirRanges) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::function<void(PreprocessParams&)>> faults = {
      [](PreprocessParams& p) { p.input.dtype = DType::kInt8; },
      [](PreprocessParams& p) { p.input.dtype = DType::kFloat64; },
      [](PreprocessParams& p) { p.input.channels = 4; },
      [](PreprocessParams& p) { p.input.channels = 0; },
      [](PreprocessParams& p) { p.input.width = 0; },
      [](PreprocessParams& p) { p.input.height = -3; },
      [](PreprocessParams& p) { p.input.width = p.resize_size = 32769; },
      [](PreprocessParams& p) { p.resize_size = 23; },
      [](PreprocessParams& p) { p.resize_size = 32769; },
      [](PreprocessParams& p) { p.color = ColorOrder::kGray; },
      [](PreprocessParams& p) { p.input.channels = 1; },
      [](PreprocessParams& p) { p.pad_value = -1; },
      [](PreprocessParams& p) { p.pad_value = 256; },
      [](PreprocessParams& p) { p.ranges[1].min = kNan; },
      [](PreprocessParams& p) { p.ranges[2].max = HUGE_VAL; },
      [](PreprocessParams& p) {
        p.input.dtype = DType::kUint8;
        p.ranges[0].max = 1;
      },
      [](PreprocessParams& p) {
        p.input.dtype = DType::kFloat16;
        p.ranges[0].max = 70000;
      },
      [](PreprocessParams& p) { p.ranges[0].min = -1e39; },
  };
  for (std::size_t i = 0; i < faults.size(); ++i) {
    PreprocessParams params = good_params();
    faults[i](params);
    EXPECT_EQ(code_of(kFormat, {}, params), Code::kInvalidArgument) << "fault " << i;
  }
}

TEST(Plan, AsksForARoomyResizeOnlyWhereThereIsACrop) {
  PreprocessParams params = good_params();
  params.resize_size = 1;
  for (const ResizePolicy resize : {ResizePolicy::kSquash, ResizePolicy::kLetterbox}) {
    params.resize = resize;
    EXPECT_EQ(code_of(kFormat, {}, params), Code::kOk);
  }
}

class RunningAPlan : public testing::Test {
 protected:
  Status run(const ImageView& view) {
    const auto plan = make_plan(kFormat, {}, good_params());
    std::vector<std::byte> out(good_params().input.bytes());
    return preprocess_on_cpu(**plan, view, out.data());
  }
  TestImage image_{kFormat};
};

TEST_F(RunningAPlan, RefusesAFrameOfAnotherFormat) {
  EXPECT_TRUE(run(image_.view()).ok());
  ImageView view = image_.view();
  view.format.color.range = ColorRange::kFull;
  EXPECT_EQ(run(view).code(), Code::kInvalidArgument);
}

TEST_F(RunningAPlan, RefusesAFrameThatMissesAPlane) {
  for (const std::size_t plane : {0U, 1U, 2U}) {
    ImageView view = image_.view();
    view.planes[plane].data = nullptr;
    EXPECT_EQ(run(view).code(), Code::kInvalidArgument) << "plane " << plane;
  }
}

TEST_F(RunningAPlan, RefusesDeviceMemory) {
  ImageView view = image_.view();
  view.where = {DeviceId::Kind::kCuda, 0};
  EXPECT_EQ(run(view).code(), Code::kUnsupported);
}

}  // namespace
}  // namespace torchinfer
