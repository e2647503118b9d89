// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <array>

#include "preprocess/chroma_place.h"
#include "preprocess/color_matrix.h"

namespace torchinfer {
namespace {

using Values = std::array<double, 3>;

Values rgb_of(ColorMatrix matrix, ColorRange range, const Values& yuv) {
  const YuvToRgb to_rgb = make_yuv_to_rgb({matrix, range, {}});
  Values rgb{};
  for (std::size_t c = 0; c < 3; ++c) {
    rgb[c] = to_rgb.luma.gain * (yuv[0] - to_rgb.luma.black) + to_rgb.u[c] * (yuv[1] - 128) +
             to_rgb.v[c] * (yuv[2] - 128);
  }
  return rgb;
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

TEST(Color, LimitedRangeIsStretched) {
  const Expansion limited = expansion_of(ColorRange::kLimited);
  EXPECT_EQ(limited.black, 16);
  EXPECT_NEAR(limited.gain * (235 - limited.black), 255, 1e-9);
  const Expansion full = expansion_of(ColorRange::kFull);
  EXPECT_EQ(full.black, 0);
  EXPECT_EQ(full.gain, 1);
}

TEST(ChromaPlace, IsBetweenTheNearestTwoSamples) {
  const Span all{0, 6};
  // Half way between luma samples: at 0.5, 2.5 and 4.5.
  EXPECT_EQ(chroma_place(0, all, false), (ChromaPlace{0, 0, 3}));
  EXPECT_EQ(chroma_place(1, all, false), (ChromaPlace{0, 1, 1}));
  EXPECT_EQ(chroma_place(2, all, false), (ChromaPlace{0, 1, 3}));
  EXPECT_EQ(chroma_place(5, all, false), (ChromaPlace{2, 2, 1}));
  // On luma samples 0, 2 and 4.
  EXPECT_EQ(chroma_place(0, all, true), (ChromaPlace{0, 1, 0}));
  EXPECT_EQ(chroma_place(1, all, true), (ChromaPlace{0, 1, 2}));
  EXPECT_EQ(chroma_place(5, all, true), (ChromaPlace{2, 2, 2}));
}

TEST(ChromaPlace, StaysWithinTheSamplesThatCoverTheRegion) {
  const Span region{3, 4};  // luma 3..6, chroma 1..3
  EXPECT_EQ(chroma_place(3, region, false), (ChromaPlace{1, 2, 1}));
  EXPECT_EQ(chroma_place(6, region, false), (ChromaPlace{2, 3, 3}));
  const Span one{4, 1};
  EXPECT_EQ(chroma_place(4, one, false), (ChromaPlace{2, 2, 3}));
}

}  // namespace
}  // namespace torchinfer
