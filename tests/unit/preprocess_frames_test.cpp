// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What preprocess_on_cpu() promises about frames, whatever the arithmetic.
#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <thread>
#include <vector>

#include "preprocess/plan.h"
#include "support/test_image.h"

namespace torchinfer {
namespace {

using test::is_yuv;
using test::kAllFormats;
using test::name_of;
using test::TestImage;

PreprocessParams byte_params(ResizePolicy resize, int width, int height) {
  PreprocessParams params;
  params.input = {DType::kUint8, Layout::kNhwc, 3, height, width};
  params.resize = resize;
  params.resize_size = std::max(width, height) + 3;
  params.pad_value = 7;
  return params;
}

ImageFormat format_of(PixelFormat format, int width, int height,
                      ColorRange range = ColorRange::kFull) {
  return {
      format, width, height, {is_yuv(format) ? ColorMatrix::kBt709 : ColorMatrix::kRgb, range, {}}};
}

std::vector<std::byte> run(const ImageView& view, const std::optional<Region>& region,
                           const PreprocessParams& params) {
  std::vector<std::byte> out(params.input.bytes());
  const auto plan = make_plan(view.format, region, params);
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_TRUE(preprocess_on_cpu(**plan, view, out.data()).ok());
  return out;
}

class Frames : public testing::TestWithParam<PixelFormat> {};

INSTANTIATE_TEST_SUITE_P(Preprocess, Frames, testing::ValuesIn(kAllFormats),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(Frames, OfOneColorStayThatColor) {
  for (const ColorRange range : {ColorRange::kFull, ColorRange::kLimited}) {
    TestImage image(format_of(GetParam(), 67, 43, range));
    // White of the limited range is 235; full range shows the value itself.
    image.fill(0, range == ColorRange::kFull ? 90 : 235);
    for (int plane = 1; plane < image.planes(); ++plane) image.fill(plane, 128);
    const std::byte expected{static_cast<unsigned char>(range == ColorRange::kFull ? 90 : 255)};
    for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
      PreprocessParams params = byte_params(ResizePolicy::kShortSide, 33, 21);
      params.interpolation = interpolation;
      for (const std::byte value : run(image.view(), {}, params)) ASSERT_EQ(value, expected);
    }
  }
}

TEST_P(Frames, AreLetterboxedWithThePadValueAlone) {
  TestImage image(format_of(GetParam(), 40, 20));
  image.fill(0, 200);
  for (int plane = 1; plane < image.planes(); ++plane) image.fill(plane, 128);
  const std::vector<std::byte> out =
      run(image.view(), {}, byte_params(ResizePolicy::kLetterbox, 16, 13));
  // 16 x 8 pixels, two rows free above and three below.
  for (std::size_t row = 0; row < 13; ++row) {
    const std::byte expected{static_cast<unsigned char>(row < 2 || row >= 10 ? 7 : 200)};
    for (std::size_t i = 0; i < 16 * 3; ++i) ASSERT_EQ(out[row * 16 * 3 + i], expected) << row;
  }
}

TEST_P(Frames, LookTheSameAtAnyStride) {
  const ImageFormat format = format_of(GetParam(), 29, 17);
  TestImage tight(format);
  TestImage wide(format, 2, 37);
  TestImage upwards(format, 3, 5, TestImage::Rows::kBottomFirst);
  for (int plane = 0; plane < tight.planes(); ++plane) {
    for (int row = 0; row < tight.rows(plane); ++row) {
      for (int byte = 0; byte < tight.row_bytes(plane); ++byte) {
        wide.at(plane, row, byte) = upwards.at(plane, row, byte) = tight.at(plane, row, byte);
      }
    }
  }
  const PreprocessParams params = byte_params(ResizePolicy::kShortSide, 12, 11);
  const std::vector<std::byte> expected = run(tight.view(), {}, params);
  EXPECT_EQ(run(wide.view(), {}, params), expected);
  EXPECT_EQ(run(upwards.view(), {}, params), expected);
}

TEST_P(Frames, HaveNoInfluenceOutsideTheRegion) {
  const ImageFormat format = format_of(GetParam(), 30, 26);
  const Region region{7, 4, 12, 9};
  TestImage image(format, 21);
  TestImage other(format, 22);
  // Samples within the region agree; chroma that covers 7..18 x 4..12 is 3..9 x 2..6.
  for (int plane = 0; plane < image.planes(); ++plane) {
    const Region inside = plane == 0 ? region : Region{3, 2, 7, 5};
    const int columns = plane == 0 ? 30 : 15;
    const int bytes = image.row_bytes(plane) / columns;
    for (int row = inside.y; row < inside.y + inside.height; ++row) {
      for (int byte = inside.x * bytes; byte < (inside.x + inside.width) * bytes; ++byte) {
        other.at(plane, row, byte) = image.at(plane, row, byte);
      }
    }
  }
  for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
    PreprocessParams params = byte_params(ResizePolicy::kSquash, 5, 8);
    params.interpolation = interpolation;
    EXPECT_EQ(run(image.view(), region, params), run(other.view(), region, params));
  }
}

TEST_P(Frames, MayBeRunThroughOnePlanByManyThreads) {
  constexpr int kThreads = 8;
  const ImageFormat format = format_of(GetParam(), 97, 61);
  PreprocessParams params = byte_params(ResizePolicy::kShortSide, 40, 40);
  params.input.dtype = DType::kFloat32;
  const auto plan = make_plan(format, {}, params);
  ASSERT_TRUE(plan.ok());

  std::vector<TestImage> images;
  std::vector<std::vector<std::byte>> expected;
  for (int i = 0; i < kThreads; ++i) {
    images.emplace_back(format, static_cast<std::uint32_t>(100 + i));
    expected.push_back(run(images.back().view(), {}, params));
  }
  std::vector<std::vector<std::byte>> got(kThreads, std::vector<std::byte>(params.input.bytes()));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 20; ++turn) {
        if (!preprocess_on_cpu(**plan, images[i].view(), got[i].data()).ok()) return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got, expected);
}

TEST(FramesWithFourBytes, AreNotAskedForTheFourth) {
  for (const auto& [format, unused] :
       {std::pair{PixelFormat::kRgba, 3}, std::pair{PixelFormat::kBgra, 3},
        std::pair{PixelFormat::kRgbx, 3}, std::pair{PixelFormat::kBgrx, 3},
        std::pair{PixelFormat::kArgb, 0}, std::pair{PixelFormat::kAbgr, 0}}) {
    TestImage image(format_of(format, 20, 20));
    const PreprocessParams params = byte_params(ResizePolicy::kShortSide, 9, 9);
    const std::vector<std::byte> before = run(image.view(), {}, params);
    for (int row = 0; row < 20; ++row) {
      for (int column = 0; column < 20; ++column) image.at(0, row, 4 * column + unused) ^= 0xff;
    }
    EXPECT_EQ(run(image.view(), {}, params), before) << name_of(format);
  }
}

TEST(FramesForGrayModels, NeedNoChromaPlanes) {
  const TestImage image(format_of(PixelFormat::kI420, 20, 20));
  PreprocessParams params = byte_params(ResizePolicy::kShortSide, 9, 9);
  params.input.channels = 1;
  params.color = ColorOrder::kGray;
  ImageView view = image.view();
  view.planes[1] = view.planes[2] = {};
  EXPECT_EQ(run(view, {}, params), run(image.view(), {}, params));
}

// Made with Pillow 11.1.0:
//   x, y = numpy.meshgrid(numpy.arange(7), numpy.arange(5))
//   Image.fromarray(((x * 37 + y * 91) % 256).astype(numpy.uint8)).resize((3, 4), Image.BILINEAR)
TEST(FramesResized, AreByteForByteWhatPillowMakes) {
  TestImage image(format_of(PixelFormat::kGray8, 7, 5));
  for (int row = 0; row < 5; ++row) {
    for (int column = 0; column < 7; ++column) {
      image.at(0, row, column) = static_cast<std::uint8_t>((column * 37 + row * 91) % 256);
    }
  }
  const auto resized = [&](int width, int height, Interpolation interpolation) {
    PreprocessParams params = byte_params(ResizePolicy::kSquash, width, height);
    params.interpolation = interpolation;
    params.input.channels = 1;
    params.color = ColorOrder::kGray;
    std::vector<int> values;
    for (const std::byte value : run(image.view(), {}, params)) {
      values.push_back(std::to_integer<int>(value));
    }
    return values;
  };
  EXPECT_EQ(resized(3, 4, Interpolation::kBilinear),
            (std::vector{55, 130, 163, 138, 131, 95, 95, 96, 169, 117, 140, 83}));
  EXPECT_EQ(resized(9, 2, Interpolation::kBilinear),
            (std::vector{79, 104, 107, 103, 132, 161, 132, 113, 138, 87, 112, 114, 111, 140, 105,
                         110, 133, 158}));
  EXPECT_EQ(resized(3, 4, Interpolation::kBicubic),
            (std::vector{42, 136, 170, 146, 135, 84, 89, 85, 185, 119, 146, 76}));
  EXPECT_EQ(resized(9, 2, Interpolation::kBicubic),
            (std::vector{77, 105, 105, 97, 128, 171, 134, 111, 143, 89, 117, 117, 111, 140, 96, 101,
                         133, 157}));
}

}  // namespace
}  // namespace torchinfer
