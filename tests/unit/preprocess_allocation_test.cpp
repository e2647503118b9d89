// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "preprocess/plan.h"
#include "support/allocation_probe.h"
#include "support/test_image.h"

namespace torchinfer {
namespace {

using test::AllocationProbe;
using test::kAllFormats;
using test::name_of;
using test::TestImage;

PreprocessParams params_of(ResizePolicy resize) {
  PreprocessParams params;
  params.input = {DType::kFloat16, Layout::kNhwc, 3, 32, 48};
  params.resize = resize;
  params.resize_size = 50;
  return params;
}

TEST(PreprocessAllocation, HappensInAThreadsFirstFrameOnly) {
  for (const PixelFormat format : kAllFormats) {
    for (const ResizePolicy resize : {ResizePolicy::kShortSide, ResizePolicy::kLetterbox}) {
      const PreprocessParams params = params_of(resize);
      const TestImage image({format, 130, 70, {}});
      const ImageView view = image.view();
      const auto plan = make_plan(view.format, {}, params);
      ASSERT_TRUE(plan.ok());
      std::vector<std::byte> out(params.input.bytes());
      ASSERT_TRUE(preprocess_on_cpu(**plan, view, out.data()).ok());

      const AllocationProbe probe;
      bool ok = true;
      for (int i = 0; i < 10; ++i) ok = preprocess_on_cpu(**plan, view, out.data()).ok() && ok;
      EXPECT_EQ(probe.calls(), 0U) << name_of(format);
      EXPECT_TRUE(ok);
    }
  }
}

TEST(PreprocessAllocation, ThatFailsIsAStatus) {
  // Wider than anything else in this executable, so that this thread's scratch must grow.
  const PreprocessParams params = params_of(ResizePolicy::kSquash);
  const TestImage image({PixelFormat::kRgba, 20000, 2, {}});
  const ImageView view = image.view();
  const auto plan = make_plan(view.format, {}, params);
  ASSERT_TRUE(plan.ok());
  std::vector<std::byte> out(params.input.bytes());
  {
    AllocationProbe probe;
    probe.refuse_from(10000);
    EXPECT_EQ(preprocess_on_cpu(**plan, view, out.data()).code(), Code::kOutOfMemory);
  }
  EXPECT_TRUE(preprocess_on_cpu(**plan, view, out.data()).ok());
}

}  // namespace
}  // namespace torchinfer
