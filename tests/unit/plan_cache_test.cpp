// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/plan_cache.h"

#include <gtest/gtest.h>

#include "engine/frame_pool.h"

namespace torchinfer {
namespace {

PreprocessParams tiny() {
  PreprocessParams params;
  params.input = {DType::kFloat32, Layout::kNchw, 3, 4, 4};
  params.resize = ResizePolicy::kSquash;
  return params;
}

ImageFormat rgb(int width) {
  return {PixelFormat::kRgb, width, 8, {ColorMatrix::kRgb, ColorRange::kFull, {}}};
}

TEST(PlanCache, MakesAPlanOnceForAFormatAndRegion) {
  PlanCache cache(tiny());
  const auto whole = *cache.get(rgb(8), std::nullopt);
  const auto part = *cache.get(rgb(8), Region{0, 0, 4, 4});
  EXPECT_NE(whole, part);
  EXPECT_EQ(*cache.get(rgb(8), std::nullopt), whole);
  EXPECT_EQ(*cache.get(rgb(8), Region{0, 0, 4, 4}), part);
  EXPECT_NE(*cache.get(rgb(16), std::nullopt), whole);
}

TEST(PlanCache, TellsFormatsApartThatDifferInColourAlone) {
  PlanCache cache(tiny());
  ImageFormat format{PixelFormat::kI420, 8, 8, {ColorMatrix::kBt601, ColorRange::kLimited, {}}};
  const auto bt601 = *cache.get(format, std::nullopt);
  format.color.matrix = ColorMatrix::kBt709;
  EXPECT_NE(*cache.get(format, std::nullopt), bt601);
}

TEST(PlanCache, ForgetsWhatWasUsedLongestAgo) {
  PlanCache cache(tiny());
  const auto kept = *cache.get(rgb(8), std::nullopt);
  std::weak_ptr<const PreprocessPlan> forgotten = *cache.get(rgb(9), std::nullopt);
  for (int i = 0; i < static_cast<int>(PlanCache::kMost); ++i) {
    (void)cache.get(rgb(10 + i), std::nullopt);
    EXPECT_EQ(*cache.get(rgb(8), std::nullopt), kept);
  }
  EXPECT_TRUE(forgotten.expired());
}

TEST(PlanCache, AFailureIsNotKept) {
  PlanCache cache(tiny());
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(cache.get(rgb(8), Region{0, 0, 9, 9}).status().code(), Code::kInvalidArgument);
  EXPECT_TRUE(cache.get(rgb(8), std::nullopt).ok());
}

TEST(FramePool, GivesAFrameOutAgainAsGoodAsNew) {
  const auto pool = FramePool::create();
  const FrameResult* first = nullptr;
  {
    const auto frame = pool->make(2);
    first = frame.get();
    EXPECT_EQ(frame->open, 2);
    frame->items[1].status = Status(Code::kBadOutput, "bad");
    frame->items[1].classes.push_back({3, 0.5F});
    frame->items[1].tensors.resize(1);
    frame->items[1].timing.batch_id = 7;
    frame->model = std::make_shared<const ModelInfo>();
    frame->open = 0;
  }
  const auto again = pool->make(2);
  EXPECT_EQ(again.get(), first);
  EXPECT_EQ(again->open, 2);
  EXPECT_EQ(again->model, nullptr);
  EXPECT_TRUE(again->items[1].status.ok());
  EXPECT_TRUE(again->items[1].classes.empty());
  EXPECT_TRUE(again->items[1].tensors.empty());
  EXPECT_EQ(again->items[1].timing.batch_id, 0U);
  EXPECT_EQ(pool->make(3)->items.size(), 3U);
}

TEST(FramePool, LivesAsLongAsItsFrames) {
  std::shared_ptr<FrameResult> kept;
  std::weak_ptr<FramePool> watched;
  {
    const auto pool = FramePool::create();
    watched = pool;
    kept = pool->make(1);
  }
  EXPECT_FALSE(watched.expired());
  kept.reset();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace torchinfer
