// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace torchinfer::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr std::uint64_t kFrameNs = 40'000'000;

Frame frame(std::uint64_t number, const std::string& label, double score) {
  Frame frame;
  frame.number = number;
  frame.stream_time = number * kFrameNs;
  frame.wall_clock = 1'000'000'000 + static_cast<std::int64_t>(number) * 10'000'000;
  frame.width = 640;
  frame.height = 272;
  frame.analysed = true;
  Analysis analysis;
  analysis.model = "abc";
  analysis.latency_ns = (number + 1) * 1'000'000;
  analysis.batch = Batch{number / 4, 4};
  analysis.classes = {{label, score}, {"second", 0.01}};
  frame.analyses.push_back(analysis);
  return frame;
}

TEST(Summary, CountsABatchOnceAndNotByFrame) {
  std::vector<Frame> frames;
  for (std::uint64_t i = 0; i < 9; ++i) frames.push_back(frame(i, "a", 0.5));
  frames.back().analyses.front().batch = Batch{2, 1};
  const Summary summary = summarise(frames);
  EXPECT_EQ(summary.batches, 3U);
  EXPECT_DOUBLE_EQ(summary.mean_batch_size, 3.0);
  EXPECT_EQ(summary.largest_batch, 4U);
}

TEST(Summary, KeepsTheBatchesOfTwoModelsApart) {
  std::vector<Frame> frames = {frame(0, "a", 0.5)};
  Analysis other = frames[0].analyses[0];
  other.model = "def";
  other.batch = Batch{0, 2};
  frames[0].object_analyses.push_back(other);
  const Summary summary = summarise(frames);
  EXPECT_EQ(summary.batches, 2U);
  EXPECT_THAT(summary.models, ElementsAre("abc", "def"));
}

TEST(Summary, GivesPercentilesThatOccurred) {
  std::vector<Frame> frames;
  for (std::uint64_t i = 0; i < 200; ++i) frames.push_back(frame(199 - i, "a", 0.5));
  const Summary summary = summarise(frames);
  ASSERT_TRUE(summary.latency);
  EXPECT_DOUBLE_EQ(summary.latency->p50, 100.0);
  EXPECT_DOUBLE_EQ(summary.latency->p95, 190.0);
  EXPECT_DOUBLE_EQ(summary.latency->p99, 198.0);
  EXPECT_DOUBLE_EQ(summary.latency->most, 200.0);
}

TEST(Summary, CountsFirstLabelsMostFrequentFirst) {
  const Summary summary =
      summarise({frame(0, "b", 0.4), frame(1, "c", 0.5), frame(2, "a", 0.2), frame(3, "b", 0.6)});
  ASSERT_THAT(summary.labels, SizeIs(3));
  EXPECT_EQ(summary.labels[0].label, "b");
  EXPECT_EQ(summary.labels[0].count, 2U);
  EXPECT_DOUBLE_EQ(summary.labels[0].mean_score, 0.5);
  EXPECT_EQ(summary.labels[1].label, "a");
  EXPECT_EQ(summary.labels[2].label, "c");
}

TEST(Summary, MeasuresTheVideoAndTheRun) {
  const Summary summary = summarise({frame(0, "a", 0.5), frame(1, "a", 0.5), frame(2, "a", 0.5)});
  ASSERT_TRUE(summary.video_seconds);
  EXPECT_DOUBLE_EQ(*summary.video_seconds, 0.12);
  ASSERT_TRUE(summary.run_seconds);
  EXPECT_DOUBLE_EQ(*summary.run_seconds, 0.02);
}

TEST(Summary, ClaimsNothingThatTheFramesDoNotSay) {
  Frame bare;
  bare.width = 16;
  bare.height = 16;
  const Summary summary = summarise({bare});
  EXPECT_EQ(summary.analysed, 0U);
  EXPECT_FALSE(summary.latency);
  EXPECT_FALSE(summary.video_seconds);
  EXPECT_FALSE(summary.run_seconds);
  std::ostringstream page;
  print(page, "bare", summary, 5);
  EXPECT_THAT(page.str(), HasSubstr("1 of 16x16, 0 analysed"));
  EXPECT_THAT(page.str(), Not(HasSubstr("latency")));
  EXPECT_THAT(page.str(), Not(HasSubstr("batches")));
}

TEST(Summary, NamesAsManyLabelsAsAskedForAndCountsTheRest) {
  std::ostringstream page;
  print(page, "title", summarise({frame(0, "a", 0.5), frame(1, "b", 0.5), frame(2, "c", 0.5)}), 2);
  EXPECT_THAT(page.str(), HasSubstr("1 x a (mean score 0.50)"));
  EXPECT_THAT(page.str(), HasSubstr("and 1 more"));
  EXPECT_THAT(page.str(), Not(HasSubstr("x c")));
}

}  // namespace
}  // namespace torchinfer::report
