// SPDX-License-Identifier: LGPL-2.1-or-later
// One stream's way through its engine: element-rules 2, 5, 12, 14, 20 and 22 as far as a session
// goes.
#include "engine/session.h"

#include <future>
#include <set>
#include <thread>

#include "support/fake_clock.h"
#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

TEST_F(SessionTest, AResultBelongsToItsFrameWhateverItsBatchAndWorker) {
  const auto session = open(request("", 4, 3));
  std::vector<std::shared_ptr<FrameResult>> frames;
  for (int grey = 0; grey < 250; grey += 5) frames.push_back(submit(*session, grey_frame(grey)));
  for (std::size_t i = 0; i < frames.size(); ++i) {
    ASSERT_TRUE(waker->await(*frames[i]));
    EXPECT_THAT(frames[i]->items.at(0), ShowsGrey(static_cast<int>(i) * 5));
  }
  EXPECT_LE(control.largest_batch(), 4U);
  EXPECT_EQ(control.wrong_calls(), 0U);
}

TEST_F(SessionTest, AResultNamesItsModelAndItsBatch) {
  const auto session = open(request("labels " + [] {
    std::string labels;
    for (int i = 0; i < 256; ++i) labels += (i > 0 ? ",grey" : "grey") + std::to_string(i);
    return labels;
  }()));
  const auto frame = submit(*session, grey_frame(7));
  ASSERT_TRUE(waker->await(*frame));
  EXPECT_EQ(frame->model->labels.at(7), "grey7");
  EXPECT_EQ(frame->model_id, session->engine().model_sha256.substr(0, 12));
  const ItemTiming& timing = frame->items[0].timing;
  EXPECT_EQ(timing.batch_id, 1U);
  EXPECT_EQ(timing.batch_size, 1U);
  EXPECT_EQ(timing.reason, CloseReason::kTimeout);
  EXPECT_EQ(timing.worker, 0U);
  EXPECT_LE(timing.submitted, timing.started);
  EXPECT_LE(timing.started, timing.done);
}

TEST_F(SessionTest, ABatchIsFilledWhileItsWorkerIsBusy) {
  const auto session = open(request("forward gate busy once"));
  const auto first = submit(*session, grey_frame(1));
  ASSERT_TRUE(control.await_at_gate("busy", 1));
  std::vector<std::shared_ptr<FrameResult>> rest;
  for (int i = 0; i < 4; ++i) rest.push_back(submit(*session, grey_frame(2)));
  control.open_gate("busy");
  for (const auto& frame : rest) {
    ASSERT_TRUE(waker->await(*frame));
    EXPECT_EQ(frame->items[0].timing.batch_size, 4U);
  }
}

TEST_F(SessionTest, RegionsAreItemsOfOneFrameThatWakesOnce) {
  const auto session = open(request());
  // Left half black, right half white.
  auto image = grey_frame(0);
  auto* pixels = const_cast<std::byte*>(image.planes[0].data);
  for (int y = 0; y < 8; ++y) std::memset(pixels + y * 24 + 12, 255, 12);
  const std::array<Region, 3> regions{{{0, 0, 4, 8}, {4, 0, 4, 8}, {4, 4, 2, 2}}};
  const auto frame = session->submit(image, regions, waker);
  ASSERT_THAT(frame.status(), IsOk());
  ASSERT_TRUE(waker->await(**frame));
  ASSERT_EQ((*frame)->items.size(), 3U);
  EXPECT_THAT((*frame)->items[0], ShowsGrey(0));
  EXPECT_THAT((*frame)->items[1], ShowsGrey(255));
  EXPECT_THAT((*frame)->items[2], ShowsGrey(255));
  EXPECT_TRUE(session->drain());
  EXPECT_EQ(waker->wakes(), 1);
}

/// Keeps what it sees.
class KeepingTap final : public InputTap {
 public:
  void see(std::span<const std::byte> item) noexcept override {
    items.emplace_back(item.begin(), item.end());
  }
  std::vector<std::vector<std::byte>> items;
};

TEST_F(SessionTest, ATapSeesWhatTheModelIsGivenAndThatCanBeSubmittedAgain) {
  const auto session = open(request("input 3x4x4 uint8"));
  const auto tap = std::make_shared<KeepingTap>();
  infer(*session, 1);
  session->tap(tap);
  infer(*session, 2);
  session->configure(live());
  infer(*session, 3);
  session->tap(nullptr);
  infer(*session, 4);
  ASSERT_EQ(tap->items.size(), 2U);
  EXPECT_EQ(tap->items[0], std::vector<std::byte>(48, std::byte{2}));
  EXPECT_EQ(tap->items[1], std::vector<std::byte>(48, std::byte{3}));

  const auto again = session->submit(tap->items[1], waker);
  ASSERT_THAT(again.status(), IsOk());
  ASSERT_TRUE(waker->await(**again));
  EXPECT_THAT((*again)->items.at(0), ShowsGrey(3));
}

TEST_F(SessionTest, AnItemOfAnotherSizeIsRefused) {
  const auto session = open(request("input 3x4x4 uint8"));
  const std::vector<std::byte> item(47);
  EXPECT_THAT(session->submit(item, waker).status(),
              FailsWith(Code::kInvalidArgument, "47 bytes", "takes 48"));
  EXPECT_EQ(session->statistics().submitted, 0U);
}

TEST_F(SessionTest, ARegionOutsideTheFrameFailsAloneAndQueuesNothing) {
  const auto session = open(request());
  const std::array<Region, 2> regions{{{0, 0, 4, 8}, {4, 0, 40, 8}}};
  const auto frame = session->submit(grey_frame(0), regions, waker);
  EXPECT_THAT(frame.status(), HasCode(Code::kInvalidArgument));
  EXPECT_TRUE(session->drain());
  EXPECT_EQ(control.items(), 0U);
  EXPECT_THAT(infer(*session, 3), ShowsGrey(3));
}

TEST_F(SessionTest, SettingsHoldForFramesFromThenOn) {
  auto settings = live();
  settings.top_k = 2;
  const auto session = open(request("classes 5\nforward gate hold once"), settings);
  const auto before = submit(*session, grey_frame(3));
  settings.top_k = 5;
  settings.threshold = 0.5F;
  settings.keep_tensors = true;
  session->configure(settings);
  const auto after = submit(*session, grey_frame(4));
  control.open_gate("hold");
  ASSERT_TRUE(waker->await(*before) && waker->await(*after));
  EXPECT_EQ(before->items[0].classes.size(), 2U);
  EXPECT_TRUE(before->items[0].tensors.empty());
  EXPECT_EQ(after->items[0].classes.size(), 1U) << "the threshold leaves the others out";
  ASSERT_EQ(after->items[0].tensors.size(), 1U);
  const TensorView& tensor = after->items[0].tensors[0];
  EXPECT_EQ(tensor.dims, std::vector<std::int64_t>{5});
  EXPECT_EQ(reinterpret_cast<const float*>(tensor.host)[4], 1.0F);
}

TEST_F(SessionTest, KeptTensorsOutliveTheirBatchAndTheSession) {
  auto settings = live();
  settings.keep_tensors = true;
  auto session = open(request("classes 5"), settings);
  const ItemResult kept = infer(*session, 2);
  for (int i = 0; i < 5; ++i) (void)infer(*session, 3);
  session.reset();
  EXPECT_EQ(reinterpret_cast<const float*>(kept.tensors.at(0).host)[2], 1.0F);
}

/// Looks at a frame's buffer at the moment the engine says that it is done.
class BufferWatcher final : public Waker {
 public:
  explicit BufferWatcher(const std::shared_ptr<const void>& buffer) : buffer_(buffer) {}
  void wake() noexcept override { references.set_value(buffer_.use_count()); }
  std::promise<long> references;

 private:
  const std::weak_ptr<const void> buffer_;
};

// One reference more, and making the buffer writable would copy it.
TEST_F(SessionTest, TheBufferIsLetGoBeforeItsResultIsAnnounced) {
  struct Case {
    const char* model;
    int references;  // while the forward runs, the test's own included
  };
  for (const Case& test : {Case{"", 1}, Case{"stage late", 2}}) {
    const auto session = open(request(std::string("forward gate hold\n") + test.model));
    const auto image = grey_frame(9);
    const auto watcher = std::make_shared<BufferWatcher>(image.owner);
    ASSERT_THAT(session->submit(image, {}, watcher).status(), IsOk());
    ASSERT_TRUE(control.await_at_gate("hold", 1));
    EXPECT_EQ(image.owner.use_count(), test.references) << test.model;
    control.open_gate("hold");
    auto references = watcher->references.get_future();
    ASSERT_EQ(references.wait_for(kSoon), std::future_status::ready);
    EXPECT_EQ(references.get(), 1) << test.model;
    control.close_gate("hold");
  }
}

TEST_F(SessionTest, TheBufferOfAFrameThatFailsIsLetGoBeforeThatIsAnnouncedToo) {
  const auto session = open(request("stage late\nforward fail"));
  const auto image = grey_frame(9);
  const auto watcher = std::make_shared<BufferWatcher>(image.owner);
  ASSERT_THAT(session->submit(image, {}, watcher).status(), IsOk());
  auto references = watcher->references.get_future();
  ASSERT_EQ(references.wait_for(kSoon), std::future_status::ready);
  EXPECT_EQ(references.get(), 1);
}

TEST_F(SessionTest, CancelReturnsWhileAForwardRunsAndItsResultsWakeNobody) {
  const auto session = open(request("forward gate hold", 1));
  const auto running = submit(*session, grey_frame(1));
  const auto queued = submit(*session, grey_frame(2));
  ASSERT_TRUE(control.await_at_gate("hold", 1));
  session->cancel();  // would hang here
  EXPECT_TRUE(queued->complete());
  EXPECT_THAT(queued->items[0].status, HasCode(Code::kCancelled));
  EXPECT_FALSE(running->complete());
  const auto fresh = submit(*session, grey_frame(3));
  control.open_gate("hold");
  ASSERT_TRUE(waker->await(*fresh));
  EXPECT_THAT(fresh->items[0], ShowsGrey(3));
  EXPECT_TRUE(session->drain());
  EXPECT_EQ(waker->wakes(), 1) << "of the fresh one";
  EXPECT_EQ(session->statistics().cancelled, 1U);
}

TEST_F(SessionTest, OneStreamsFlushLeavesTheOthersAlone) {
  const auto wanted = request("forward gate hold once", 2);
  const auto flushed = open(wanted), other = open(wanted);
  (void)submit(*flushed, grey_frame(1));
  ASSERT_TRUE(control.await_at_gate("hold", 1));
  const auto theirs = submit(*other, grey_frame(2));
  (void)submit(*flushed, grey_frame(3));
  flushed->cancel();
  control.open_gate("hold");
  ASSERT_TRUE(waker->await(*theirs));
  EXPECT_THAT(theirs->items[0], ShowsGrey(2));
  EXPECT_EQ(other->statistics().cancelled, 0U);
}

TEST_F(SessionTest, InterruptWakesWhoWaitsForCreditOrDrains) {
  const auto session = open(request("forward gate hold", 1));
  while (session->has_credit()) (void)submit(*session, grey_frame(1));
  auto credit = std::async(std::launch::async, [&] { return session->wait_credit(); });
  auto drained = std::async(std::launch::async, [&] { return session->drain(); });
  session->interrupt(true);
  EXPECT_FALSE(credit.get());
  EXPECT_FALSE(drained.get());
  session->interrupt(false);
  control.open_gate("hold");
  EXPECT_TRUE(session->wait_credit());
  EXPECT_TRUE(session->drain());
  EXPECT_GE(session->statistics().credit_wait.count(), 1U);
}

TEST_F(SessionTest, DrainEndsTheWaitOfABatchAndItsReturnMeansThatAllIsDone) {
  auto settings = SessionSettings();
  settings.batch_timeout = 10s;
  const auto session = open(request("stage late"), settings);
  std::weak_ptr<const void> buffer;
  std::shared_ptr<FrameResult> frame;
  {
    const auto image = grey_frame(1);
    buffer = image.owner;
    frame = submit(*session, image);
  }
  EXPECT_TRUE(session->drain());
  EXPECT_TRUE(frame->complete());
  EXPECT_TRUE(buffer.expired());
  EXPECT_EQ(session->engine_statistics().closed[static_cast<int>(CloseReason::kDrain)], 1U);
}

TEST_F(SessionTest, ABatchWaitsByTheClockItsSessionWasOpenedWith) {
  FakeClock clock;
  auto settings = SessionSettings();
  settings.batch_timeout = 10s;
  const auto session = Session::open(request(), settings, clock);
  ASSERT_THAT(session.status(), IsOk());
  const auto frame = submit(**session, grey_frame(1));
  ASSERT_TRUE(clock.await_sleeps(1));
  EXPECT_FALSE(frame->complete());
  clock.advance(10s);
  ASSERT_TRUE(waker->await(*frame));
  EXPECT_EQ(frame->items[0].timing.started - frame->items[0].timing.submitted, 10s);
}

TEST_F(SessionTest, HurryBringsTheResultsWithoutWaiting) {
  auto settings = SessionSettings();
  settings.batch_timeout = 10s;
  const auto session = open(request(), settings);
  const auto other = open(request(), settings);  // could still add to the batch
  (void)submit(*other, grey_frame(2));
  const auto frame = submit(*session, grey_frame(1));
  session->hurry();
  ASSERT_TRUE(waker->await(*frame));
  const auto closed = session->engine_statistics().closed;
  EXPECT_EQ(closed.at(static_cast<std::size_t>(CloseReason::kDrain)), 1U);
}

TEST_F(SessionTest, GoingAwayWaitsForTheRunningForwardAndForNoMore) {
  auto session = open(request("forward gate hold", 1));
  (void)submit(*session, grey_frame(1));
  const auto queued = submit(*session, grey_frame(2));
  ASSERT_TRUE(control.await_at_gate("hold", 1));
  auto gone = std::async(std::launch::async, [&] { session.reset(); });
  // It gives up what is queued, and then waits.
  while (!queued->complete()) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(gone.wait_for(50ms), std::future_status::timeout);
  control.open_gate("hold");
  gone.get();
  EXPECT_EQ(control.forwards(), 1U);
  EXPECT_EQ(control.models(), 0);
  EXPECT_EQ(control.lanes(), 0);
}

TEST_F(SessionTest, CountsAndTimesWhatItDid) {
  const auto session = open(request("forward fail mean 66", 1));
  for (int grey : {1, 2, 3}) EXPECT_THAT(infer(*session, grey), ShowsGrey(grey));
  EXPECT_THAT(infer(*session, 66).status, HasCode(Code::kForwardFailed));
  const auto stream = session->statistics();
  EXPECT_EQ(stream.submitted, 4U);
  EXPECT_EQ(stream.finished, 3U);
  EXPECT_EQ(stream.failed, 1U);
  EXPECT_EQ(stream.cancelled, 0U);
  EXPECT_EQ(stream.preprocess.count(), 4U);
  EXPECT_EQ(stream.queue.count(), 4U);
  EXPECT_EQ(stream.inference.count(), 4U);
  const auto engine = session->engine_statistics();
  EXPECT_EQ(engine.batches, 4U);
  EXPECT_EQ(engine.items, 4U);
  EXPECT_EQ(engine.failed_batches, 1U);
  EXPECT_EQ(engine.failed_items, 1U);
  EXPECT_EQ(engine.batch_sizes, (std::map<int, std::uint64_t>{{1, 4}}));
  EXPECT_EQ(engine.closed[static_cast<int>(CloseReason::kFull)], 4U);
  EXPECT_EQ(engine.forward.count(), 4U);
}

TEST_F(SessionTest, LatencyIsTheTimeoutAndTheForwardsThatMayComeBefore) {
  auto settings = live();
  settings.batch_timeout = 30ms;
  // One stream, one worker: 2 x 4 tasks may be unfinished, two rounds, and one's own forward.
  EXPECT_EQ(open(request("batch-time 20ms", 4, 1), settings)->expected_latency(), 30ms + 3 * 20ms);
  // Three workers: 16 tasks in rounds of 12.
  EXPECT_EQ(open(request("batch-time 20ms", 4, 3), settings)->expected_latency(), 30ms + 3 * 20ms);
}

TEST_F(SessionTest, LatencyGrowsWithWhatForwardsReallyTake) {
  const auto session = open(request("batch-time 1ms\nforward slow 5ms", 1));
  const auto promised = session->expected_latency();
  for (int i = 0; i < 20; ++i) (void)infer(*session, i);
  EXPECT_GE(session->expected_latency(), 3 * 4900us);
  EXPECT_GT(session->expected_latency(), promised);
}

TEST_F(SessionTest, PreprocessingThatThrowsIsAFailureOfThatFrame) {
  const auto session = open(request("stage throw"));
  EXPECT_THAT(session->submit(grey_frame(1), {}, waker).status(),
              FailsWith(Code::kInternal, "the fake stage throws"));
  EXPECT_THAT(session->engine_status(), IsOk());
  EXPECT_EQ(session->statistics().submitted, 0U);
}

}  // namespace
}  // namespace torchinfer::test
