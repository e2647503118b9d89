// SPDX-License-Identifier: LGPL-2.1-or-later
//
// preprocess_on_cpu() against plain loops, with the kernels of every level of the CPU that this
// machine has. No value may differ, with one exception: a pixel of Y'CbCr whose R, G or B is half
// way between two bytes may be rounded either way, since the library computes in single precision,
// and a resized value next to it may then be off by one.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "preprocess/cpu_preprocess.h"
#include "preprocess/plan.h"
#include "support/reference_preprocess.h"
#include "support/test_image.h"

namespace torchinfer {
namespace {

using test::decode_input;
using test::is_yuv;
using test::kAllFormats;
using test::name_of;
using test::reference_preprocess;
using test::TestImage;
using test::tolerance_of;

PreprocessParams params_of(ResizePolicy resize, Interpolation interpolation, ColorOrder color,
                           int width, int height) {
  PreprocessParams params;
  params.input = {DType::kFloat32, Layout::kNchw, color == ColorOrder::kGray ? 1 : 3, height,
                  width};
  params.resize = resize;
  params.resize_size = std::max(width, height) + 1;
  params.interpolation = interpolation;
  params.color = color;
  params.pad_value = 99;
  return params;
}

/// As ImageNet models have them, but one upside down; bytes have no choice.
void set_ranges(PreprocessParams& params) {
  params.ranges = {{{-2.1, 2.25}, {2.4, -2.0}, {0.0, 1.0}}};
  if (params.input.dtype == DType::kUint8) params.ranges = {};
}

std::string text_of(const PreprocessParams& params) {
  return std::string(to_string(params.input.dtype)) + " layout " +
         std::to_string(static_cast<int>(params.input.layout)) + " resize " +
         std::to_string(static_cast<int>(params.resize)) + " interpolation " +
         std::to_string(static_cast<int>(params.interpolation)) + " colour " +
         std::to_string(static_cast<int>(params.color));
}

/// Every dtype, layout and kernel level against one reference. False after the first mismatch.
bool agrees_in_all_types(const ImageView& image, const std::optional<Region>& region,
                         PreprocessParams params) {
  const std::vector<int> expected = reference_preprocess(image, region, params);
  for (const DType dtype : {DType::kFloat32, DType::kFloat16, DType::kBfloat16, DType::kUint8}) {
    for (const Layout layout : {Layout::kNchw, Layout::kNhwc}) {
      params.input.dtype = dtype;
      params.input.layout = layout;
      set_ranges(params);
      const auto plan = make_plan(image.format, region, params);
      if (!plan.ok()) {
        ADD_FAILURE() << plan.status().message();
        return false;
      }
      for (const CpuKernels& kernels : usable_cpu_kernels()) {
        std::vector<std::byte> out(params.input.bytes());
        const Status status = preprocess_on_cpu_with(kernels, **plan, image, out.data());
        EXPECT_TRUE(status.ok()) << status.message();
        const std::vector<double> got = decode_input(params, out.data());
        const double tolerance = tolerance_of(params);
        std::size_t forgiven = is_yuv(image.format.format) ? 1 + expected.size() / 25 : 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
          const double difference = std::abs(got[i] - expected[i]);
          if (difference <= tolerance) continue;
          if (difference <= 1 + tolerance && forgiven-- > 0) continue;
          ADD_FAILURE() << kernels.name << " " << name_of(image.format.format) << " "
                        << image.format.width << "x" << image.format.height << " matrix "
                        << static_cast<int>(image.format.color.matrix) << " range "
                        << static_cast<int>(image.format.color.range) << " site "
                        << image.format.color.chroma.horizontally_cosited
                        << image.format.color.chroma.vertically_cosited << ": " << text_of(params)
                        << ": value " << i << " is " << got[i] << ", not " << expected[i];
          return false;
        }
      }
    }
  }
  return true;
}

bool agrees(const TestImage& image, const std::optional<Region>& region,
            const std::vector<ColorOrder>& colors, int width, int height) {
  for (const ResizePolicy resize :
       {ResizePolicy::kShortSide, ResizePolicy::kSquash, ResizePolicy::kLetterbox}) {
    for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
      for (const ColorOrder color : colors) {
        if (!agrees_in_all_types(image.view(), region,
                                 params_of(resize, interpolation, color, width, height))) {
          return false;
        }
      }
    }
  }
  return true;
}

const std::vector<ColorOrder> kEveryColor = {ColorOrder::kRgb, ColorOrder::kBgr, ColorOrder::kGray};

class EveryFormat : public testing::TestWithParam<PixelFormat> {
 protected:
  bool yuv() const { return is_yuv(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Preprocess, EveryFormat, testing::ValuesIn(kAllFormats),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(EveryFormat, MatchesPlainLoopsForEachMatrixRangeAndChromaSite) {
  const std::vector<ColorMatrix> matrices =
      yuv() ? std::vector{ColorMatrix::kFcc, ColorMatrix::kBt601, ColorMatrix::kBt709,
                          ColorMatrix::kSmpte240m, ColorMatrix::kBt2020}
            : std::vector{ColorMatrix::kRgb};
  const std::vector<ChromaSite> sites =
      yuv() ? std::vector<ChromaSite>{{true, false}, {false, false}, {true, true}, {false, true}}
            : std::vector<ChromaSite>{{}};
  for (const ColorMatrix matrix : matrices) {
    for (const ColorRange range : {ColorRange::kLimited, ColorRange::kFull}) {
      for (const ChromaSite site : sites) {
        const TestImage image({GetParam(), 13, 9, {matrix, range, site}}, 7, 5);
        ASSERT_TRUE(agrees(image, {}, {ColorOrder::kRgb}, 6, 5));
      }
    }
  }
}

TEST_P(EveryFormat, MatchesPlainLoopsForEachColorOrder) {
  const ColorMatrix matrix = yuv() ? ColorMatrix::kBt709 : ColorMatrix::kRgb;
  for (const ColorRange range : {ColorRange::kLimited, ColorRange::kFull}) {
    const TestImage image({GetParam(), 10, 12, {matrix, range, {}}}, 11);
    ASSERT_TRUE(agrees(image, {}, kEveryColor, 5, 7));
  }
}

TEST_P(EveryFormat, MatchesPlainLoopsForAnySize) {
  struct Sizes {
    int width, height, to_width, to_height;
  };
  // Single pixels, lines, odd and even, growing and shrinking, rows longer than a vector register.
  for (const Sizes& sizes : {Sizes{1, 1, 3, 2}, Sizes{2, 2, 2, 2}, Sizes{1, 7, 4, 3},
                             Sizes{9, 1, 3, 4}, Sizes{3, 3, 9, 8}, Sizes{17, 33, 17, 33},
                             Sizes{101, 57, 24, 24}, Sizes{64, 48, 1, 1}, Sizes{150, 7, 40, 3}}) {
    const TestImage image(
        {GetParam(),
         sizes.width,
         sizes.height,
         {yuv() ? ColorMatrix::kBt601 : ColorMatrix::kRgb, ColorRange::kLimited, {}}},
        3, 1);
    ASSERT_TRUE(agrees(image, {}, {ColorOrder::kRgb}, sizes.to_width, sizes.to_height));
  }
}

TEST_P(EveryFormat, MatchesPlainLoopsForAnyRegion) {
  const TestImage image({GetParam(),
                         31,
                         23,
                         {yuv() ? ColorMatrix::kBt709 : ColorMatrix::kRgb, ColorRange::kFull, {}}},
                        5, 3);
  // Odd and even corners and sizes, one pixel, one at each edge, the whole frame.
  for (const Region& region :
       {Region{3, 5, 11, 9}, Region{4, 2, 10, 8}, Region{7, 7, 1, 1}, Region{30, 22, 1, 1},
        Region{0, 0, 2, 23}, Region{29, 0, 2, 2}, Region{0, 0, 31, 23}}) {
    ASSERT_TRUE(agrees(image, region, {ColorOrder::kRgb}, 7, 6));
  }
}

TEST_P(EveryFormat, ReadsRowsThatRunUpwards) {
  const TestImage image(
      {GetParam(),
       21,
       15,
       {yuv() ? ColorMatrix::kBt709 : ColorMatrix::kRgb, ColorRange::kLimited, {}}},
      9, 4, TestImage::Rows::kBottomFirst);
  ASSERT_TRUE(agrees(image, {}, {ColorOrder::kRgb}, 8, 8));
  ASSERT_TRUE(agrees(image, Region{5, 3, 9, 11}, {ColorOrder::kBgr}, 8, 8));
}

}  // namespace
}  // namespace torchinfer
