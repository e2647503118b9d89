// SPDX-License-Identifier: LGPL-2.1-or-later
// What fails, how far that reaches, and that nothing else does.
#include <future>

#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Not;

class EngineFaultsTest : public SessionTest {
 protected:
  /// Frames of these greys as one batch: a first frame of grey 0 keeps the only worker busy at the
  /// gate "fill", which the model must have as `forward gate fill once`.
  std::vector<ItemResult> infer_together(Session& session, const std::vector<int>& greys) {
    const auto first = submit(session, grey_frame(0));
    EXPECT_TRUE(control.await_at_gate("fill", 1));
    std::vector<std::shared_ptr<FrameResult>> frames;
    for (const int grey : greys) frames.push_back(submit(session, grey_frame(grey)));
    control.open_gate("fill");
    std::vector<ItemResult> items;
    for (const auto& frame : frames) {
      EXPECT_TRUE(waker->await(*frame));
      items.push_back(frame->items.at(0));
      EXPECT_EQ(items.back().timing.batch_size, greys.size());
    }
    return items;
  }

  void expect_sticky(Session& session, Code code) {
    EXPECT_THAT(session.engine_status(), HasCode(code));
    EXPECT_THAT(session.submit(grey_frame(1), {}, waker).status(), HasCode(code));
    EXPECT_FALSE(session.wait_credit());
    EXPECT_TRUE(session.drain());
  }
};

TEST_F(EngineFaultsTest, AForwardThatThrowsOnceCostsNoFrame) {
  for (const char* fault : {"throw", "throw-int", "fail", "oom"}) {
    const auto session = open(request(std::string("forward ") + fault + " once", 1));
    EXPECT_THAT(infer(*session, 5), ShowsGrey(5)) << fault;
    EXPECT_EQ(session->engine_statistics().failed_batches, 1U);
    EXPECT_EQ(session->engine_statistics().failed_items, 0U);
  }
}

TEST_F(EngineFaultsTest, OnlyTheRowsThatFailAgainFail) {
  const auto session = open(request("forward gate fill once\nforward throw mean 66"));
  const auto items = infer_together(*session, {10, 66, 20, 30});
  EXPECT_THAT(items[0], ShowsGrey(10));
  EXPECT_THAT(items[1].status, FailsWith(Code::kForwardFailed, "the fake model throws"));
  EXPECT_THAT(items[1].status.message(), Not(testing::HasSubstr("long trace")));
  EXPECT_THAT(items[1].status.detail(), testing::HasSubstr("long trace"));
  EXPECT_THAT(items[2], ShowsGrey(20));
  EXPECT_THAT(items[3], ShowsGrey(30));
  EXPECT_EQ(control.forwards(), 1U + 1U + 4U);
}

TEST_F(EngineFaultsTest, ARowOfNanFailsAloneWithoutARerun) {
  const auto session = open(request("forward gate fill once\nforward nan mean 66"));
  const auto items = infer_together(*session, {10, 66, 20});
  EXPECT_THAT(items[0], ShowsGrey(10));
  EXPECT_THAT(items[1].status, HasCode(Code::kBadOutput));
  EXPECT_THAT(items[2], ShowsGrey(20));
  EXPECT_EQ(control.forwards(), 2U);
}

TEST_F(EngineFaultsTest, AnOutputOfAnotherShapeOrNoneFailsItsItem) {
  std::string labels = "labels 0,1,2";
  for (const char* fault : {"wrong-shape", "no-output"}) {
    const auto session = open(request("classes 3\n" + labels +
                                      "\nforward gate fill once\nforward " + fault + " mean 66"));
    const auto items = infer_together(*session, {1, 66, 2});
    EXPECT_THAT(items[0], ShowsGrey(1)) << fault;
    EXPECT_THAT(items[1].status, HasCode(Code::kBadOutput)) << fault;
    EXPECT_THAT(items[2], ShowsGrey(2)) << fault;
    control.close_gate("fill");
  }
}

TEST_F(EngineFaultsTest, WhereMemoryRunsOutTheBatchIsHalvedFirst) {
  const auto session = open(request("forward gate fill once\nforward oom above 2", 8));
  const auto items = infer_together(*session, {1, 2, 3, 4, 5, 6, 7, 8});
  for (int i = 0; i < 8; ++i) EXPECT_THAT(items[static_cast<std::size_t>(i)], ShowsGrey(i + 1));
  // The first frame; 8; 4 and two of 2; 4 and two of 2.
  EXPECT_EQ(control.forwards(), 1U + 1U + 3U + 3U);
}

TEST_F(EngineFaultsTest, MemoryThatDoesNotSufficeForOneItemFailsItemsOnly) {
  const auto session = open(request("forward gate fill once\nforward oom mean 66", 4));
  const auto items = infer_together(*session, {66, 1, 2, 3});
  EXPECT_THAT(items[0].status, HasCode(Code::kOutOfMemory));
  for (std::size_t i = 1; i < 4; ++i) EXPECT_THAT(items[i], ShowsGrey(static_cast<int>(i)));
  EXPECT_THAT(session->engine_status(), IsOk());
}

TEST_F(EngineFaultsTest, AfterThreeBatchesInWhichEveryRowFailsTheEngineFailsForGood) {
  const auto session = open(request("forward throw always", 1));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(session->engine_status(), IsOk()) << i;
    EXPECT_THAT(infer(*session, i).status, HasCode(Code::kForwardFailed));
  }
  expect_sticky(*session, Code::kForwardFailed);
  EXPECT_THAT(session->engine_status(),
              FailsWith(Code::kForwardFailed, "3 batches", "the fake model throws"));
}

TEST_F(EngineFaultsTest, AModelThatGivesNanAlwaysFailsTheEngineToo) {
  const auto session = open(request("forward nan always", 1));
  for (int i = 0; i < 3; ++i) EXPECT_THAT(infer(*session, i).status, HasCode(Code::kBadOutput));
  expect_sticky(*session, Code::kBadOutput);
}

TEST_F(EngineFaultsTest, AGoodBatchInBetweenSavesTheEngine) {
  const auto session = open(request("forward throw mean 66", 1));
  for (int i = 0; i < 4; ++i) {
    (void)infer(*session, 66);
    (void)infer(*session, 66);
    EXPECT_THAT(infer(*session, 7), ShowsGrey(7));
  }
  EXPECT_THAT(session->engine_status(), IsOk());
}

TEST_F(EngineFaultsTest, AFailingStreamFailsAloneWhileAnotherSucceeds) {
  const auto wanted = request("forward throw mean 66", 1);
  const auto failing = open(wanted), good = open(wanted);
  EXPECT_THAT(infer(*good, 1), ShowsGrey(1));
  for (int i = 0; i < 10; ++i)
    EXPECT_THAT(infer(*failing, 66).status, HasCode(Code::kForwardFailed));
  EXPECT_THAT(good->engine_status(), IsOk());
  EXPECT_THAT(infer(*good, 2), ShowsGrey(2));
  EXPECT_EQ(good->statistics().failed, 0U);
  EXPECT_EQ(failing->statistics().failed, 10U);
}

TEST_F(EngineFaultsTest, AStreamWhoseOwnFramesFailNowDoesNotVouchForTheEngine) {
  const auto session = open(request("forward throw after 1", 1));
  EXPECT_THAT(infer(*session, 1), ShowsGrey(1));
  for (int i = 0; i < 3; ++i) (void)infer(*session, i);
  expect_sticky(*session, Code::kForwardFailed);
}

TEST_F(EngineFaultsTest, ALostDeviceFailsTheEngineAtOnceForAllItsStreams) {
  const auto wanted = request("forward gate hold once\nforward device-lost after 0", 1);
  const auto one = open(wanted), other = open(wanted);
  const auto running = submit(*one, grey_frame(1));
  ASSERT_TRUE(control.await_at_gate("hold", 1));
  const auto queued = submit(*other, grey_frame(2));
  control.open_gate("hold");
  ASSERT_TRUE(waker->await(*running) && waker->await(*queued));
  EXPECT_THAT(running->items[0].status, HasCode(Code::kDeviceLost));
  EXPECT_THAT(queued->items[0].status, HasCode(Code::kDeviceLost));
  expect_sticky(*one, Code::kDeviceLost);
  expect_sticky(*other, Code::kDeviceLost);
  EXPECT_EQ(control.forwards(), 1U) << "a lost device was asked again";
}

TEST_F(EngineFaultsTest, AFailureWakesWhoWaitsForCredit) {
  const auto session = open(request("forward gate hold once\nforward device-lost after 0", 1));
  while (session->has_credit()) (void)submit(*session, grey_frame(1));
  auto credit = std::async(std::launch::async, [&] { return session->wait_credit(); });
  control.open_gate("hold");
  EXPECT_FALSE(credit.get());
}

TEST_F(EngineFaultsTest, AnEngineThatFailedStillReleasesItsModelOnAWorker) {
  {
    const auto session = open(request("forward throw always", 1, 2));
    for (int i = 0; i < 3; ++i) (void)infer(*session, i);
    expect_sticky(*session, Code::kForwardFailed);
    EXPECT_EQ(control.models(), 1) << "streams may be inside stage()";
  }
  EXPECT_EQ(control.models(), 0);
  EXPECT_FALSE(control.called_on_this_thread());
}

TEST_F(EngineFaultsTest, WhatTheLoadFailsWithIsWhatOpenSays) {
  struct Case {
    const char* lines;
    Code code;
  };
  for (const Case& test :
       {Case{"inspect fail TooLarge", Code::kTooLarge},
        Case{"load fail ForbiddenOperator", Code::kForbiddenOperator},
        Case{"load fail OutOfMemory", Code::kOutOfMemory}, Case{"load throw", Code::kInternal},
        Case{"lane fail", Code::kOutOfMemory}, Case{"lane throw", Code::kInternal},
        Case{"no-info", Code::kBadModelInfo}, Case{"what is this", Code::kCorruptModel}}) {
    const auto session = Session::open(request(test.lines, 4, 3), live());
    EXPECT_THAT(session.status(), HasCode(test.code)) << test.lines;
    EXPECT_EQ(control.models(), 0) << test.lines;
    EXPECT_EQ(control.lanes(), 0) << test.lines;
  }
}

TEST_F(EngineFaultsTest, AModelThatIsNotWhatItsInfoSaysIsRefusedWithBothNumbers) {
  EXPECT_THAT(Session::open(request("classes 5\ninfo-outputs 7"), live()).status(),
              FailsWith(Code::kBadModelInfo, "[7]", "[5]"));
  EXPECT_THAT(Session::open(request("classes 5\nlabels a,b,c"), live()).status(),
              FailsWith(Code::kBadLabels, "labels (3)", "classes (5)"));
  EXPECT_THAT(Session::open(request("classes 3\nlabels a,b,c\ninfo-outputs 3"), live()).status(),
              IsOk());
}

TEST_F(EngineFaultsTest, SettingsOutsideTheirRangeAreRefusedByName) {
  auto settings = live();
  settings.batch_timeout = 11s;
  EXPECT_THAT(Session::open(request(), settings).status(),
              FailsWith(Code::kInvalidArgument, "batch-timeout", "10 s"));
  settings = live();
  settings.top_k = 0;
  EXPECT_THAT(Session::open(request(), settings).status(),
              FailsWith(Code::kInvalidArgument, "top-k"));
  settings = live();
  settings.threshold = 1.5F;
  EXPECT_THAT(Session::open(request(), settings).status(),
              FailsWith(Code::kInvalidArgument, "threshold"));
  EXPECT_THAT(Session::open({}, live()).status(), FailsWith(Code::kInvalidArgument, "model-file"));
  EXPECT_THAT(Session::open(request("", -1), live()).status(),
              FailsWith(Code::kInvalidArgument, "batch-size"));
  auto wanted = request();
  wanted.device = {DeviceId::Kind::kCuda, 1};
  EXPECT_THAT(Session::open(wanted, live()).status(), FailsWith(Code::kNoDevice, "cuda:1"));
}

}  // namespace
}  // namespace torchinfer::test
