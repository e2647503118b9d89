// SPDX-License-Identifier: LGPL-2.1-or-later
// Credit, and taking work back: element-rules 2, 12 and 14 as far as the queue goes.
#include <gmock/gmock.h>

#include <functional>

#include "support/batch_queue_fixture.h"

namespace torchinfer::test {
namespace {

class BatchCreditTest : public BatchQueueTest {
 protected:
  static bool sleeps(std::future<bool>& future) {
    return future.wait_for(50ms) == std::future_status::timeout;
  }
};

TEST_F(BatchCreditTest, OneStreamMayKeepEveryWorkerBusyAndABatchInReserve) {
  use(8, 2);
  EXPECT_EQ(queue->credit(live()), 24);
}

TEST_F(BatchCreditTest, ActiveStreamsShareTheCreditAndNobodyFallsBelowTwo) {
  use(8, 2);
  std::vector<StreamId> streams;
  for (int i = 0; i < 5; ++i) streams.push_back(live());
  for (auto stream : streams) submit(stream, "x");
  EXPECT_EQ(queue->credit(streams[0]), 5);  // 24 / 5, rounded up
  for (int i = 0; i < 59; ++i) submit(streams.emplace_back(live()), "x");
  EXPECT_EQ(queue->credit(streams[0]), 2);
}

TEST_F(BatchCreditTest, LiveStreamsShareNoMoreThanTheirLimit) {
  queue.emplace(Queue::Limits{.batch_size = 8, .workers = 2, .live = 5}, clock);
  EXPECT_EQ(queue->load(), 5);
  const auto camera = live(), clip = file();
  EXPECT_EQ(queue->credit(camera), 5);
  EXPECT_EQ(queue->credit(clip), 24);
  submit(camera, "x");
  submit(clip, "x");
  EXPECT_EQ(queue->credit(camera), 3);
  EXPECT_EQ(queue->credit(clip), 12);
  EXPECT_EQ(queue->load(), 15);
}

TEST_F(BatchCreditTest, AStreamThatHasNotBegunTakesNothingFromOthers) {
  use(8);
  const auto busy = live();
  (void)live();
  submit(busy, "x");
  EXPECT_EQ(queue->credit(busy), 16);
}

TEST_F(BatchCreditTest, ASilentStreamGivesItsPartBack) {
  use(8);
  const auto steady = live(), silent = live();
  for (int i = 0; i < 2; ++i) {
    submit(steady, "x");
    submit(silent, "x");
    clock.advance(40ms);
    finish(pull_now());
  }
  EXPECT_EQ(queue->credit(steady), 8);
  clock.advance(250ms);
  EXPECT_EQ(queue->credit(steady), 16);
}

TEST_F(BatchCreditTest, AStreamAtItsEndGivesItsPartBackAtOnce) {
  use(8);
  const auto steady = live(), ended = live();
  submit(ended, "x");
  work_off(ended);
  submit(steady, "x");
  EXPECT_EQ(queue->credit(steady), 8);
  queue->set_contributing(ended, false);
  EXPECT_EQ(queue->credit(steady), 16);
}

TEST_F(BatchCreditTest, CreditIsWaitedForUntilATaskIsDone) {
  use(1);
  const auto stream = file(0ms);
  submit(stream, "a");
  EXPECT_TRUE(queue->wait_credit(stream));
  submit(stream, "b");
  EXPECT_FALSE(queue->has_credit(stream));
  auto credit = std::async(std::launch::async, [&] { return queue->wait_credit(stream); });
  const auto batch = pull_now();
  EXPECT_TRUE(sleeps(credit));  // running is not done
  finish(batch);
  EXPECT_TRUE(credit.get());
}

TEST_F(BatchCreditTest, CreditThatAnotherStreamLeavesEndsTheWaitToo) {
  struct Case {
    const char* what;
    std::function<void(StreamId)> stop;
  };
  for (const Case& test : {Case{"leave", [this](StreamId other) { (void)queue->leave(other); }},
                           Case{"not contributing",
                                [this](StreamId other) {
                                  (void)queue->cancel(other);
                                  queue->set_contributing(other, false);
                                }},
                           Case{"not contributing, then cancelled",
                                [this](StreamId other) {
                                  queue->set_contributing(other, false);
                                  (void)queue->cancel(other);
                                }},
                           Case{"drained",
                                [this](StreamId other) {
                                  (void)queue->cancel(other);
                                  EXPECT_TRUE(queue->drain(other));
                                }},
                           Case{"silent",
                                [this](StreamId other) {
                                  (void)queue->cancel(other);
                                  clock.advance(1s);
                                }},
                           Case{"silent sooner than it had seemed", [this](StreamId other) {
                                  (void)queue->cancel(other);
                                  clock.advance(10ms);
                                  submit(other, "y");
                                  (void)queue->cancel(other);
                                  clock.advance(250ms);
                                }}}) {
    use(8);
    const auto waiting = file(10s), other = file(10s);
    submit(other, "x");
    for (int i = 0; i < 8; ++i) submit(waiting, "a");
    const auto sleeps = clock.sleeps();
    auto credit = std::async(std::launch::async, [&] { return queue->wait_credit(waiting); });
    EXPECT_TRUE(clock.await_sleeps(sleeps + 1)) << test.what;
    test.stop(other);
    const bool woken = credit.wait_for(kSoon) == std::future_status::ready;
    EXPECT_TRUE(woken) << test.what;
    queue->interrupt(waiting, true);  // so that a failure is one, and does not hang
    EXPECT_EQ(credit.get(), woken) << test.what;
  }
}

TEST_F(BatchCreditTest, ARunningTaskOfAStreamThatHasEndedLeavesItsCreditWhenItIsDone) {
  use(8);
  const auto waiting = file(10s), other = live();
  submit(other, "x");
  const auto batch = pull_now();
  queue->set_contributing(other, false);
  for (int i = 0; i < 8; ++i) submit(waiting, "a");
  auto credit = std::async(std::launch::async, [&] { return queue->wait_credit(waiting); });
  EXPECT_TRUE(sleeps(credit));
  finish(batch);
  const bool woken = credit.wait_for(kSoon) == std::future_status::ready;
  EXPECT_TRUE(woken);
  queue->interrupt(waiting, true);
}

TEST_F(BatchCreditTest, SubmitNeverBlocksOrRefusesForLackOfCredit) {
  use(1);
  const auto stream = file(0ms);
  for (int i = 0; i < 100; ++i) submit(stream, std::to_string(i));
  EXPECT_FALSE(queue->has_credit(stream));
  EXPECT_EQ(queue->cancel(stream).size(), 100U);
  EXPECT_TRUE(queue->has_credit(stream));
}

TEST_F(BatchCreditTest, InterruptEndsTheWaitForCreditUntilItIsTakenBack) {
  use(1);
  const auto stream = file(0ms);
  submit(stream, "a");
  submit(stream, "b");
  auto credit = std::async(std::launch::async, [&] { return queue->wait_credit(stream); });
  queue->interrupt(stream, true);
  EXPECT_FALSE(credit.get());
  EXPECT_FALSE(queue->wait_credit(stream));
  (void)queue->cancel(stream);
  queue->interrupt(stream, false);
  EXPECT_TRUE(queue->wait_credit(stream));
}

TEST_F(BatchCreditTest, CancelTakesTheStreamsQueuedTasksAndNobodyElses) {
  use(2);
  const auto one = live(), other = live();
  submit(one, "a");
  submit(other, "x");
  submit(one, "b");
  EXPECT_EQ(queue->cancel(one), (Names{"a", "b"}));
  EXPECT_EQ(pull_now().tasks, (Names{"x"}));
}

TEST_F(BatchCreditTest, CancelDisownsWhatRunsAndNotWhatComesLater) {
  use(1);
  const auto stream = live();
  submit(stream, "old");
  const auto old = pull_now();
  EXPECT_TRUE(queue->cancel(stream).empty());
  submit(stream, "new");
  const auto fresh = pull_now();
  EXPECT_FALSE(queue->finish(old.tickets[0]));
  EXPECT_TRUE(queue->finish(fresh.tickets[0]));
}

TEST_F(BatchCreditTest, AStreamMayLeaveWhileItsTaskRuns) {
  use(1);
  const auto stream = live();
  submit(stream, "a");
  const auto batch = pull_now();
  EXPECT_TRUE(queue->leave(stream).empty());
  EXPECT_FALSE(queue->finish(batch.tickets[0]));
}

TEST_F(BatchCreditTest, DrainClosesTheBatchAndReturnsWhenTheLastTaskIsDone) {
  use(8);
  const auto stream = file(10s);
  submit(stream, "a");
  auto drained = std::async(std::launch::async, [&] { return queue->drain(stream); });
  const auto batch = pull_now();
  EXPECT_EQ(batch.reason, CloseReason::kDrain);
  EXPECT_TRUE(sleeps(drained));
  finish(batch);
  EXPECT_TRUE(drained.get());
}

TEST_F(BatchCreditTest, DrainWaitsForDisownedTasksTooSinceTheyHoldTheStreamsBuffers) {
  use(1);
  const auto stream = live();
  submit(stream, "a");
  const auto batch = pull_now();
  (void)queue->cancel(stream);
  auto drained = std::async(std::launch::async, [&] { return queue->drain(stream); });
  EXPECT_TRUE(sleeps(drained));
  EXPECT_FALSE(queue->finish(batch.tickets[0]));
  EXPECT_TRUE(drained.get());
}

TEST_F(BatchCreditTest, InterruptEndsADrain) {
  use(1);
  const auto stream = live();
  submit(stream, "a");
  auto drained = std::async(std::launch::async, [&] { return queue->drain(stream); });
  queue->interrupt(stream, true);
  EXPECT_FALSE(drained.get());
}

TEST_F(BatchCreditTest, CloseWakesEverybodyAndHandsTheTasksBack) {
  use(8);
  const auto stream = file(10s), full = file(10s), draining = file(10s);
  for (int i = 0; i < 5; ++i) submit(full, "a");
  for (int i = 0; i < 3; ++i) submit(draining, "b");
  const auto running = pull_now();
  submit(stream, "c");
  auto collector = pull_and_sleep();
  auto idle = pull();
  for (int i = 0; i < 6; ++i) submit(full, "d");
  auto credit = std::async(std::launch::async, [&] { return queue->wait_credit(full); });
  auto drained = std::async(std::launch::async, [&] { return queue->drain(draining); });
  EXPECT_TRUE(sleeps(credit));
  EXPECT_TRUE(sleeps(drained));
  queue->close(Status(Code::kDeviceLost, "gone"));
  EXPECT_EQ(get(collector).id, 0U);
  EXPECT_EQ(get(idle).id, 0U);
  ASSERT_EQ(credit.wait_for(kSoon), std::future_status::ready);
  EXPECT_FALSE(credit.get());
  EXPECT_TRUE(sleeps(drained)) << "its tasks still run";
  Names left;
  while (auto task = queue->take_left()) {
    left.push_back(task->task);
    EXPECT_TRUE(queue->finish(task->ticket));
  }
  EXPECT_THAT(left, testing::UnorderedElementsAre("c", "d", "d", "d", "d", "d", "d"));
  finish(running);
  EXPECT_TRUE(drained.get());
  EXPECT_TRUE(queue->drain(stream));
  std::string late = "late";
  const Status refused = queue->submit(stream, std::span(&late, 1));
  EXPECT_EQ(refused.code(), Code::kDeviceLost);
  EXPECT_EQ(late, "late") << "moved from though refused";
}

TEST_F(BatchCreditTest, DrainWaitsForWhatIsLeftWhenTheQueueIsClosed) {
  use(8);
  const auto stream = file(10s);
  submit(stream, "a");
  auto drained = std::async(std::launch::async, [&] { return queue->drain(stream); });
  queue->close(Status(Code::kDeviceLost, "gone"));
  const auto left = queue->take_left();
  ASSERT_TRUE(left);
  EXPECT_TRUE(sleeps(drained)) << "somebody still has its task";
  queue->finish(left->ticket);
  EXPECT_TRUE(drained.get());
}

TEST_F(BatchCreditTest, TheFirstReasonToCloseStays) {
  use(1);
  queue->close(Status(Code::kDeviceLost, "gone"));
  queue->close(Status(Code::kCancelled, "later"));
  EXPECT_EQ(queue->status().code(), Code::kDeviceLost);
}

}  // namespace
}  // namespace torchinfer::test
