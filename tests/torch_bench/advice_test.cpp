// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/advice.h"

#include <gtest/gtest.h>

#include "rows.h"

namespace torchinfer::bench {
namespace {

using namespace std::chrono_literals;

constexpr Setting kSmall{1, 1, 1}, kWide{1, 1, 2}, kBatched{8, 2, 1};

TEST(Advice, IsTheShortestLatencyOfThoseThatKeepUp) {
  const auto advice = advise(
      {row(kSmall, 90, 50, 30ms), row(kWide, 110, 50, 20ms), row(kBatched, 200, 50, 60ms)}, 2, 25);
  EXPECT_EQ(advice.row, 1u);
  EXPECT_TRUE(advice.keeps_up);
  EXPECT_EQ(advice.inference_interval, 1);
}

TEST(Advice, IsTheCheapestWhereLatenciesAreAboutTheSame) {
  EXPECT_EQ(advise({row(kBatched, 200, 50, 20ms), row(kSmall, 90, 50, 21ms)}, 2, 25).row, 1u);
  EXPECT_EQ(advise({row(kBatched, 200, 50, 20ms), row(kSmall, 90, 50, 24ms)}, 2, 25).row, 0u);
}

TEST(Advice, LeavesAFifthForDecoding) {
  const auto rows = {row(kSmall, 60, 50, 5ms), row(kBatched, 63, 50, 80ms)};
  EXPECT_EQ(advise(rows, 2, 25).row, 1u);
}

TEST(Advice, IsNoneThatSkippedFrames) {
  const auto rows = {row(kSmall, 90, 50, 5ms, 6), row(kBatched, 90, 50, 80ms, 5)};
  const auto advice = advise(rows, 2, 25);
  EXPECT_EQ(advice.row, 1u);
  EXPECT_TRUE(advice.keeps_up);
}

TEST(Advice, LooksAtFewerFramesWhereNoneKeepsUp) {
  auto broken = row(kWide, 1000, 500, 1ms);
  broken.status = Status(Code::kUnsupported, "no");
  const auto advice =
      advise({broken, row(kSmall, 90, 500, 0ms), row(kBatched, 100, 500, 0ms)}, 20, 25);
  EXPECT_EQ(advice.row, 2u);
  EXPECT_FALSE(advice.keeps_up);
  EXPECT_EQ(advice.inference_interval, 7);  // 500 of 0.8 x 100
}

TEST(Advice, NeverSaysThatEveryFrameIsTooMuchAndToTakeEveryFrame) {
  const auto advice = advise({row(kSmall, 1000, 50, 5ms, 500)}, 2, 25);
  EXPECT_FALSE(advice.keeps_up);
  EXPECT_EQ(advice.inference_interval, 2);
  EXPECT_GT(advise({row(kSmall, 0, 50, 0ms)}, 2, 25).inference_interval, 1000);
}

TEST(LaunchLine, HasWhatIsToBeCopied) {
  const auto one = row({4, 2, 1, Precision::kBf16}, 100, 50, 5ms);
  SessionRequest model;
  model.model_file = "net.pt";
  EXPECT_EQ(launch_line(one, {}, model),
            "torchinference model-file=net.pt batch-size=4 workers=2 threads=1 precision=bf16");
  model.model_info_file = "a.modelinfo";
  model.label_file = "b.txt";
  EXPECT_EQ(launch_line(one, {.inference_interval = 3}, model),
            "torchinference model-file=net.pt model-info-file=a.modelinfo label-file=b.txt "
            "batch-size=4 workers=2 threads=1 precision=bf16 inference-interval=3");
}

TEST(LaunchLine, QuotesForTheShellAndForGstLaunch) {
  EXPECT_EQ(shell_word("/a/b-1.0_x=y"), "/a/b-1.0_x=y");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
  SessionRequest model;
  model.model_file = R"(/a b/"c".pt)";
  EXPECT_EQ(launch_line(row(kSmall, 1, 1, 1ms), {}, model),
            R"(torchinference 'model-file="/a b/\"c\".pt"' batch-size=1 workers=1 threads=1)");
}

}  // namespace
}  // namespace torchinfer::bench
