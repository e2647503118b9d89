// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "preprocess/color_matrix.h"

namespace torchinfer {
namespace {

using Values = std::array<double, 3>;

PreprocessParams params_of(ColorOrder color) {
  PreprocessParams params;
  params.input.channels = color == ColorOrder::kGray ? 1 : 3;
  params.color = color;
  return params;
}

ImageFormat format_of(PixelFormat format, ColorMatrix matrix, ColorRange range) {
  return {format, 16, 16, {matrix, range, {}}};
}

Values convert(const ColorTransform& transform, const Values& samples) {
  Values out{};
  for (std::size_t c = 0; c < static_cast<std::size_t>(transform.channels); ++c) {
    out[c] = transform.offset[c];
    for (std::size_t i = 0; i < static_cast<std::size_t>(transform.inputs); ++i) {
      out[c] += transform.weights[c][i] * samples[i];
    }
    out[c] = std::clamp<double>(out[c], transform.low[c], transform.high[c]);
  }
  return out;
}

Values rgb_of(ColorMatrix matrix, ColorRange range, const Values& yuv) {
  return convert(make_color_transform(format_of(PixelFormat::kI420, matrix, range),
                                      params_of(ColorOrder::kRgb)),
                 yuv);
}

void expect_near(const Values& got, const Values& expected, double tolerance) {
  for (std::size_t c = 0; c < 3; ++c)
    EXPECT_NEAR(got[c], expected[c], tolerance) << "channel " << c;
}

constexpr ColorMatrix kYuvMatrices[] = {ColorMatrix::kFcc, ColorMatrix::kBt601, ColorMatrix::kBt709,
                                        ColorMatrix::kSmpte240m, ColorMatrix::kBt2020};

TEST(Color, GraysOfEveryMatrixAreGray) {
  for (const ColorMatrix matrix : kYuvMatrices) {
    expect_near(rgb_of(matrix, ColorRange::kLimited, {16, 128, 128}), {0, 0, 0}, 1e-4);
    expect_near(rgb_of(matrix, ColorRange::kLimited, {60, 128, 128}), {51.23, 51.23, 51.23}, 0.01);
    expect_near(rgb_of(matrix, ColorRange::kLimited, {235, 128, 128}), {255, 255, 255}, 1e-4);
    expect_near(rgb_of(matrix, ColorRange::kFull, {0, 128, 128}), {0, 0, 0}, 1e-4);
    expect_near(rgb_of(matrix, ColorRange::kFull, {77, 128, 128}), {77, 77, 77}, 1e-4);
    expect_near(rgb_of(matrix, ColorRange::kFull, {255, 128, 128}), {255, 255, 255}, 1e-4);
  }
}

// The full-intensity primaries as each standard codes them, rounded to 8 bits; hence the tolerance.
TEST(Color, PrimariesOfEveryMatrixAreThePrimaries) {
  struct Row {
    ColorMatrix matrix;
    ColorRange range;
    Values red, green, blue;
  };
  for (const Row& row :
       {Row{ColorMatrix::kBt601,
            ColorRange::kLimited,
            {81, 90, 240},
            {145, 54, 34},
            {41, 240, 110}},
        Row{ColorMatrix::kBt601, ColorRange::kFull, {76, 85, 255}, {150, 44, 21}, {29, 255, 107}},
        Row{ColorMatrix::kBt709,
            ColorRange::kLimited,
            {63, 102, 240},
            {173, 42, 26},
            {32, 240, 118}},
        Row{ColorMatrix::kBt2020,
            ColorRange::kLimited,
            {74, 97, 240},
            {164, 47, 25},
            {29, 240, 119}},
        Row{ColorMatrix::kFcc, ColorRange::kLimited, {82, 90, 240}, {145, 54, 34}, {40, 240, 110}},
        Row{ColorMatrix::kSmpte240m,
            ColorRange::kLimited,
            {62, 102, 240},
            {170, 42, 28},
            {35, 240, 116}}}) {
    expect_near(rgb_of(row.matrix, row.range, row.red), {255, 0, 0}, 2);
    expect_near(rgb_of(row.matrix, row.range, row.green), {0, 255, 0}, 2);
    expect_near(rgb_of(row.matrix, row.range, row.blue), {0, 0, 255}, 2);
  }
}

TEST(Color, MatricesDiffer) {
  expect_near(rgb_of(ColorMatrix::kBt601, ColorRange::kLimited, {100, 90, 200}),
              {212.7, 54.2, 21.2}, 0.1);
  expect_near(rgb_of(ColorMatrix::kBt709, ColorRange::kLimited, {100, 90, 200}),
              {226.9, 67.5, 17.5}, 0.1);
}

TEST(Color, OvershootIsClampedBeforeTheValueRanges) {
  PreprocessParams params = params_of(ColorOrder::kRgb);
  params.ranges = {{{-2, 2}, {3, -1}, {0, 1}}};  // the second upside down
  const ColorTransform transform = make_color_transform(
      format_of(PixelFormat::kI420, ColorMatrix::kBt601, ColorRange::kLimited), params);
  expect_near(convert(transform, {255, 128, 128}), {2, -1, 1}, 0);
  expect_near(convert(transform, {0, 128, 128}), {-2, 3, 0}, 0);
}

TEST(Color, OrderOfChannelsIsTheModels) {
  PreprocessParams params = params_of(ColorOrder::kBgr);
  params.ranges = {{{0, 1}, {0, 10}, {0, 100}}};
  const ColorTransform transform = make_color_transform(
      format_of(PixelFormat::kRgb, ColorMatrix::kRgb, ColorRange::kFull), params);
  expect_near(convert(transform, {51, 102, 204}), {0.8, 4, 20}, 1e-5);
}

TEST(Color, RgbOfLimitedRangeIsExpanded) {
  const ColorTransform transform =
      make_color_transform(format_of(PixelFormat::kRgb, ColorMatrix::kRgb, ColorRange::kLimited),
                           params_of(ColorOrder::kRgb));
  expect_near(convert(transform, {16, 235, 125.5}), {0, 255, 127.5}, 1e-4);
}

TEST(Color, RgbIgnoresAMatrixOfYuv) {
  const auto with = [](ColorMatrix matrix) {
    return convert(make_color_transform(format_of(PixelFormat::kRgb, matrix, ColorRange::kFull),
                                        params_of(ColorOrder::kRgb)),
                   {1, 2, 3});
  };
  EXPECT_EQ(with(ColorMatrix::kBt709), with(ColorMatrix::kRgb));
}

TEST(Color, GrayModelsGetYOfYuvAndPillowsLumaOfRgb) {
  const PreprocessParams gray = params_of(ColorOrder::kGray);
  const ColorTransform from_yuv = make_color_transform(
      format_of(PixelFormat::kNV12, ColorMatrix::kBt709, ColorRange::kLimited), gray);
  EXPECT_EQ(from_yuv.inputs, 1);
  EXPECT_NEAR(convert(from_yuv, {125.5, 9, 9})[0], 127.5, 1e-4);
  const ColorTransform from_rgb = make_color_transform(
      format_of(PixelFormat::kBgra, ColorMatrix::kRgb, ColorRange::kFull), gray);
  EXPECT_NEAR(convert(from_rgb, {10, 200, 60})[0], 127.23, 1e-4);
  const ColorTransform from_gray = make_color_transform(
      format_of(PixelFormat::kGray8, ColorMatrix::kRgb, ColorRange::kFull), gray);
  EXPECT_NEAR(convert(from_gray, {77, 0, 0})[0], 77, 1e-4);
}

TEST(Color, ColouredModelsGetGrayThreeTimes) {
  const ColorTransform transform =
      make_color_transform(format_of(PixelFormat::kGray8, ColorMatrix::kRgb, ColorRange::kLimited),
                           params_of(ColorOrder::kRgb));
  EXPECT_EQ(transform.inputs, 1);
  expect_near(convert(transform, {125.5, 0, 0}), {127.5, 127.5, 127.5}, 1e-4);
}

}  // namespace
}  // namespace torchinfer
