// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <string>

#include "preprocess/geometry.h"

namespace torchinfer {
namespace {

PreprocessParams params_of(ResizePolicy resize, int width, int height, int resize_size = 0) {
  PreprocessParams params;
  params.input.width = width;
  params.input.height = height;
  params.resize = resize;
  params.resize_size = resize_size;
  return params;
}

// Made with torchvision 0.21.0, F being torchvision.transforms.functional:
//   F.crop = lambda image, top, left, height, width: (top, left)
//   height, width = F._compute_resized_output_size((h, w), [size])
//   top, left = F.center_crop(PIL.Image.new("L", (width, height)), [ch, cw])
TEST(Geometry, ResizesTheShortSideAndCropsAsTorchvisionDoes) {
  struct Row {
    int w, h, size, cw, ch;
    int width, height, left, top;
  };
  for (const Row& row :
       {Row{1920, 1080, 256, 224, 224, 455, 256, 116, 16},
        Row{1080, 1920, 256, 224, 224, 256, 455, 16, 116},
        Row{640, 272, 256, 224, 224, 602, 256, 189, 16},
        Row{176, 144, 256, 224, 224, 312, 256, 44, 16},
        Row{224, 224, 256, 224, 224, 256, 256, 16, 16},
        Row{641, 479, 232, 224, 224, 310, 232, 43, 4},
        Row{500, 333, 256, 224, 224, 384, 256, 80, 16},
        Row{333, 500, 256, 225, 224, 256, 384, 16, 80},
        Row{100, 101, 255, 224, 224, 255, 257, 16, 16}, Row{1000, 1, 8, 8, 8, 8000, 8, 3996, 0},
        Row{3, 7, 518, 518, 518, 518, 1208, 0, 345},
        Row{1366, 768, 342, 299, 299, 608, 342, 154, 22},
        Row{1919, 1079, 257, 224, 224, 457, 257, 116, 16},
        Row{4000, 3000, 256, 223, 256, 341, 256, 59, 0}}) {
    const Region source{0, 0, row.w, row.h};
    const Geometry expected{source,   row.width, row.height,
                            row.left, row.top,   {0, 0, row.cw, row.ch}};
    EXPECT_EQ(make_geometry(source, params_of(ResizePolicy::kShortSide, row.cw, row.ch, row.size)),
              expected)
        << row.w << "x" << row.h;
  }
}

TEST(Geometry, IgnoresWhereARegionLies) {
  const PreprocessParams params = params_of(ResizePolicy::kShortSide, 224, 224, 256);
  const Geometry there = make_geometry({300, 17, 100, 101}, params);
  Geometry expected = make_geometry({0, 0, 100, 101}, params);
  expected.source = {300, 17, 100, 101};
  EXPECT_EQ(there, expected);
}

TEST(Geometry, SquashesWithoutACrop) {
  const Region source{0, 0, 1920, 1080};
  const Geometry expected{source, 300, 200, 0, 0, {0, 0, 300, 200}};
  EXPECT_EQ(make_geometry(source, params_of(ResizePolicy::kSquash, 300, 200)), expected);
}

TEST(Geometry, LetterboxKeepsTheAspectAndCentres) {
  struct Row {
    int w, h, to_width, to_height;
    Region content;
  };
  for (const Row& row :
       {Row{1920, 1080, 640, 640, {0, 140, 640, 360}},
        Row{1080, 1920, 640, 640, {140, 0, 360, 640}}, Row{640, 640, 640, 640, {0, 0, 640, 640}},
        Row{320, 160, 640, 384, {0, 32, 640, 320}},
        // An odd rest: the smaller part goes left and above.
        Row{100, 50, 9, 9, {0, 2, 9, 4}},     // 4.5 rows, half to even
        Row{100, 50, 11, 11, {0, 2, 11, 6}},  // 5.5 rows, half to even
        Row{100, 33, 10, 10, {0, 3, 10, 3}},  // 3.3 rows
        // Never nothing.
        Row{5000, 1, 16, 16, {0, 7, 16, 1}}}) {
    const Geometry geometry = make_geometry(
        {0, 0, row.w, row.h}, params_of(ResizePolicy::kLetterbox, row.to_width, row.to_height));
    EXPECT_EQ(geometry.content, row.content) << row.w << "x" << row.h;
    EXPECT_EQ(geometry.resized_width, row.content.width);
    EXPECT_EQ(geometry.resized_height, row.content.height);
    EXPECT_EQ(geometry.crop_x, 0);
    EXPECT_EQ(geometry.crop_y, 0);
  }
}

TEST(Geometry, DoesNotOverflowAtTheLargestFrames) {
  const Geometry geometry =
      make_geometry({0, 0, 32768, 1}, params_of(ResizePolicy::kShortSide, 32768, 32768, 32768));
  EXPECT_EQ(geometry.resized_width, 1 << 30);
  EXPECT_EQ(geometry.crop_x, (1 << 29) - 16384);
}

}  // namespace
}  // namespace torchinfer
