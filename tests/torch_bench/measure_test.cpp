// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads and measurements, on the fake back-end: what is counted, and what ends them.
#include "bench/measure.h"

#include "engine/input_file.h"
#include "support/session_fixture.h"

namespace torchinfer::bench {
namespace {

using namespace std::chrono_literals;
using test::FailsWith;
using test::HasCode;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MeasureTest : public test::SessionTest {
 protected:
  std::vector<std::unique_ptr<Session>> sessions(const SessionRequest& wanted, int count) {
    std::vector<std::unique_ptr<Session>> sessions;
    for (int i = 0; i < count; ++i) sessions.push_back(open(wanted));
    return sessions;
  }

  Plan plan(const std::string& lines, std::vector<Setting> settings) {
    Plan plan;
    plan.model.model_file = write_model(lines);
    plan.settings = std::move(settings);
    plan.frame_rate = 10.0;  // of which any machine is capable
    plan.time = 500ms;
    return plan;
  }

  Result<Report> measure(const Plan& plan, const Inputs& inputs) {
    return bench::measure(plan, inputs, [&](const std::string& text) { progress.push_back(text); });
  }
  Result<Report> measure(const Plan& plan) { return measure(plan, *make_frames(32, 24)); }

  /// A file of items of one grey each, for a model of 3x4x4 bytes.
  std::string dump(const std::vector<int>& greys) {
    const InputSpec input{DType::kUint8, Layout::kNchw, 3, 4, 4};
    auto path = folder.path("inputs.npy");
    const auto writer = InputFileWriter::create(path, input, 1 << 20);
    for (const int grey : greys)
      if (!(*writer)->add(std::vector<std::byte>(input.bytes(), std::byte(grey))).ok())
        throw std::runtime_error("cannot write " + path);
    return path;
  }

  std::vector<std::string> progress;
};

constexpr auto kBytes = "input 3x4x4 uint8\n";

TEST_F(MeasureTest, FilesBringAFrameWheneverThereIsCredit) {
  const auto seats = sessions(request("", 4, 2), 3);
  const auto outcome = run_load(seats, *make_frames(33, 25), {0.0, 20ms, 1s});
  ASSERT_TRUE(outcome.ok()) << outcome.status().message();
  EXPECT_GT(outcome->frames, 0u);
  EXPECT_EQ(outcome->latency.count(), outcome->frames);
  EXPECT_DOUBLE_EQ(outcome->rate, static_cast<double>(outcome->frames));
  EXPECT_EQ(outcome->skipped, 0u);
  EXPECT_GE(outcome->mean_batch, 1.0);
  EXPECT_LE(outcome->mean_batch, 4.0);
  EXPECT_GE(outcome->preprocess.count(), outcome->frames);
  for (const auto& seat : seats) EXPECT_GT(seat->statistics().finished, 0u);
  EXPECT_EQ(control.wrong_calls(), 0u);
}

TEST_F(MeasureTest, CamerasSkipWhatFindsNoCredit) {
  const auto seats = sessions(request("forward slow 20ms", 1, 1), 2);
  const auto outcome = run_load(seats, *make_frames(32, 24), {500.0, 20ms, 1s});
  ASSERT_TRUE(outcome.ok()) << outcome.status().message();
  EXPECT_GT(outcome->skipped, outcome->frames);
  EXPECT_GT(outcome->frames, 0u);
}

TEST_F(MeasureTest, AFailureEndsALoadAtOnce) {
  const auto seats = sessions(request("forward fail after 5", 1, 1), 2);
  const auto outcome = run_load(seats, *make_frames(32, 24), {0.0, 10s, 1h});
  EXPECT_THAT(outcome.status(), FailsWith(Code::kForwardFailed, "the fake model fails"));
}

TEST_F(MeasureTest, EachSettingHasItsRow) {
  const auto report = measure(plan("", {{1, 1, 1}, {4, 2, 1}}));
  ASSERT_TRUE(report.ok()) << report.status().message();
  ASSERT_THAT(report->rows, SizeIs(2));
  EXPECT_EQ(report->rows[1].setting, (Setting{4, 2, 1}));
  EXPECT_EQ(report->rows[1].engine.workers, 2);
  for (const auto& row : report->rows) {
    EXPECT_TRUE(row.status.ok());
    EXPECT_GT(row.files.rate, 0.0);
    EXPECT_TRUE(row.cameras.has_value());
    EXPECT_THAT(row.answers, IsEmpty());
  }
  EXPECT_EQ(progress.front(), "[1/2] batch-size=1 workers=1 threads=1: loading");
  EXPECT_EQ(progress.back(), "[2/2] batch-size=4 workers=2 threads=1: as cameras");
  EXPECT_EQ(control.models(), 0) << "an engine outlived its measurement";
}

TEST_F(MeasureTest, CamerasAreNotTriedWhereTheModelIsTooSlow) {
  auto slow = plan("forward slow 200ms", {{1, 1, 1}});
  const auto report = measure(slow);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_FALSE(report->rows[0].cameras.has_value());
}

TEST_F(MeasureTest, ABatchThatTheModelCannotTakeIsMeasuredAsWhatItBears) {
  const auto report = measure(plan("batch-limit 2", {{1, 1, 1}, {4, 1, 1}, {8, 1, 1}}));
  ASSERT_TRUE(report.ok()) << report.status().message();
  ASSERT_THAT(report->rows, SizeIs(2));
  EXPECT_EQ(report->rows[1].setting.batch_size, 2);
  EXPECT_THAT(report->rows[1].note, HasSubstr("takes 2"));
}

TEST_F(MeasureTest, WhatIsWrongWithTheModelIsSaidOnce) {
  const auto report = measure(plan("load fail CorruptModel", {{1, 1, 1}, {4, 1, 1}}));
  EXPECT_THAT(report.status(), FailsWith(Code::kCorruptModel, "the fake load fails"));
  EXPECT_THAT(progress, Each(HasSubstr("[1/2]")));
}

TEST_F(MeasureTest, ASettingThatCannotBeLeavesTheOthers) {
  const auto report = measure(
      plan("load fail Unsupported", {{1, 1, 1, Precision::kBf16}, {1, 1, 2, Precision::kFp32}}));
  EXPECT_THAT(report.status(), HasCode(Code::kUnsupported));
  EXPECT_THAT(progress.back(), HasSubstr("[2/2]")) << "the second one was not tried";
}

TEST_F(MeasureTest, ADumpIsReplayedAndAnswered) {
  auto asked =
      plan(kBytes + std::string("classes 10\nlabels a,b,c,d,e,f,g,h,i,j"), {{4, 2, 1}, {1, 1, 1}});
  asked.answers = true;
  const auto inputs = open_dump(dump({3, 1, 4, 1, 5}));
  ASSERT_TRUE(inputs.ok()) << inputs.status().message();
  const auto report = measure(asked, **inputs);
  ASSERT_TRUE(report.ok()) << report.status().message();
  for (const auto& row : report->rows)
    EXPECT_THAT(row.answers,
                testing::ElementsAre(Answer{"d", 1.0F}, Answer{"b", 1.0F}, Answer{"e", 1.0F},
                                     Answer{"b", 1.0F}, Answer{"f", 1.0F}));
  EXPECT_EQ(agreement(report->rows[0], report->rows[1]), 1.0);
  EXPECT_EQ(report->rows[0].files.preprocess.count(), 0u);
}

TEST_F(MeasureTest, ADumpOfAnotherModelIsRefused) {
  const auto inputs = open_dump(dump({1}));
  ASSERT_TRUE(inputs.ok()) << inputs.status().message();
  const auto report = measure(plan("", {{1, 1, 1}, {2, 1, 1}}), **inputs);
  EXPECT_THAT(report.status(), FailsWith(Code::kInvalidArgument, "inputs.npy", "uint8[3,4,4]",
                                         "takes float32[3,4,4]"));
  EXPECT_THAT(progress, SizeIs(1));
}

TEST_F(MeasureTest, AnEmptyDumpIsRefused) {
  EXPECT_THAT(open_dump(dump({})).status(),
              FailsWith(Code::kInvalidArgument, "inputs.npy", "no inputs"));
  EXPECT_THAT(open_dump(folder.path("none.npy")).status(), HasCode(Code::kNotFound));
}

}  // namespace
}  // namespace torchinfer::bench
