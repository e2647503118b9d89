// SPDX-License-Identifier: LGPL-2.1-or-later
// How a batch comes about and why it closes: element-rules 1 and 5.
#include <algorithm>

#include "support/batch_queue_fixture.h"

namespace torchinfer::test {
namespace {

TEST_F(BatchQueueTest, FullBatchClosesAtOnce) {
  use(2);
  const auto stream = file(40ms);
  submit(stream, "a");
  auto pulled = pull_and_sleep();
  submit(stream, "b");
  const auto batch = get(pulled);
  EXPECT_EQ(batch.tasks, (Names{"a", "b"}));
  EXPECT_EQ(batch.reason, CloseReason::kFull);
  EXPECT_EQ(batch.id, 1U);
}

TEST_F(BatchQueueTest, TimeoutOfZeroTakesWhatIsReadyAtOnce) {
  use(8);
  const auto stream = live();
  submit(stream, "a");
  const auto batch = pull_now();
  EXPECT_EQ(batch.tasks, (Names{"a"}));
  EXPECT_EQ(batch.reason, CloseReason::kTimeout);
}

TEST_F(BatchQueueTest, NoBatchClosesWhileNoWorkerIsFree) {
  use(4);
  const auto stream = live();
  for (const char* name : {"a", "b", "c"}) submit(stream, name);
  clock.advance(1s);  // long past every timeout, but nobody pulls
  submit(stream, "d");
  EXPECT_EQ(pull_now().tasks, (Names{"a", "b", "c", "d"}));
}

TEST_F(BatchQueueTest, BatchWaitsForItsOldestTasksTimeoutAndNoLonger) {
  use(8);
  const auto stream = file(40ms);
  submit(stream, "a");
  auto pulled = pull_and_sleep();
  without_closing([&] {
    clock.advance(10ms);
    submit(stream, "b");
  });
  clock.advance(29ms);
  EXPECT_EQ(pulled.wait_for(0s), std::future_status::timeout);
  clock.advance(1ms);
  const auto batch = get(pulled);
  EXPECT_EQ(batch.tasks, (Names{"a", "b"}));
  EXPECT_EQ(batch.reason, CloseReason::kTimeout);
}

TEST_F(BatchQueueTest, TimeSpentWaitingForAWorkerCountsTowardsTheTimeout) {
  use(8);
  const auto stream = file(40ms);
  submit(stream, "a");
  clock.advance(40ms);
  EXPECT_EQ(pull_now().reason, CloseReason::kTimeout);
}

TEST_F(BatchQueueTest, AShorterTimeoutHoldsForWhatIsQueuedToo) {
  use(8);
  const auto stream = file(10s);
  submit(stream, "a");
  auto pulled = pull_and_sleep();
  queue->configure(stream, {false, 0ms});
  EXPECT_EQ(get(pulled).reason, CloseReason::kTimeout);
}

TEST_F(BatchQueueTest, WaitEndsWhenTheOnlyStreamStopsContributing) {
  use(8);
  const auto stream = file(10s);
  submit(stream, "a");
  auto pulled = pull_and_sleep();
  queue->set_contributing(stream, false);
  EXPECT_EQ(get(pulled).reason, CloseReason::kNobodyLeft);
}

TEST_F(BatchQueueTest, WaitEndsWhenTheLastOtherStreamStopsContributing) {
  use(8);
  const auto one = file(10s);
  const auto other = file(10s);
  submit(one, "a");
  queue->set_contributing(one, false);
  submit(other, "b");
  auto pulled = pull_and_sleep();
  queue->set_contributing(other, false);
  const auto batch = get(pulled);
  EXPECT_EQ(batch.tasks.size(), 2U);
  EXPECT_EQ(batch.reason, CloseReason::kNobodyLeft);
}

TEST_F(BatchQueueTest, WaitEndsWhenTheStreamThatWasWaitedForLeaves) {
  use(8);
  const auto one = file(10s);
  const auto other = file(10s);
  submit(other, "x");
  EXPECT_EQ(queue->cancel(other).size(), 1U);
  submit(one, "a");
  queue->set_contributing(one, false);
  auto pulled = pull_and_sleep();  // for the other
  EXPECT_TRUE(queue->leave(other).empty());
  EXPECT_EQ(get(pulled).reason, CloseReason::kNobodyLeft);
}

TEST_F(BatchQueueTest, WaitEndsWhenTheOnlyStreamDueInTimeHasUsedItsCredit) {
  use(4);
  const auto camera = file();
  submit(camera, "c0");
  work_off(camera);
  clock.advance(1s);
  submit(camera, "c1");  // next one due in a second
  const auto movie = file();
  for (const char* name : {"m0", "m1", "m2"}) {
    submit(movie, name);
    clock.advance(5ms);
  }
  const auto running = pull_now();
  EXPECT_EQ(running.reason, CloseReason::kFull);

  ASSERT_EQ(queue->credit(movie), 4);
  submit(movie, "m3");
  const auto batch = pull_now();
  EXPECT_EQ(batch.reason, CloseReason::kNobodyLeft);

  finish(running);  // with credit, it is waited for
  submit(movie, "m4");
  auto pulled = pull_and_sleep();
  clock.advance(40ms);
  EXPECT_EQ(get(pulled).reason, CloseReason::kTimeout);
}

TEST_F(BatchQueueTest, ASlowCameraDoesNotCostEveryoneTheTimeout) {
  use(8);
  const auto camera = file();
  submit(camera, "c0");
  work_off(camera);
  clock.advance(1s);
  submit(camera, "c1");  // next one due in a second
  EXPECT_EQ(pull_now().reason, CloseReason::kNobodyLeft);
}

TEST_F(BatchQueueTest, AStreamThatIsDueInTimeIsWaitedFor) {
  use(8);
  const auto stream = file(40ms);
  submit(stream, "a");
  clock.advance(10ms);
  submit(stream, "b");  // due again in 10 ms
  auto pulled = pull_and_sleep();
  clock.advance(10ms);
  without_closing([&] { submit(stream, "c"); });
  clock.advance(20ms);
  EXPECT_EQ(get(pulled).tasks, (Names{"a", "b", "c"}));
}

TEST_F(BatchQueueTest, AStreamThatFellSilentIsWaitedForOnlyForAMoment) {
  use(8);
  const auto paused = file(10s);
  submit(paused, "p");
  clock.advance(10ms);
  submit(paused, "q");
  EXPECT_EQ(queue->cancel(paused).size(), 2U);
  const auto other = file(10s);
  submit(other, "a");
  queue->set_contributing(other, false);
  auto pulled = pull_and_sleep();  // for the paused one, which is due
  clock.advance(250ms);
  EXPECT_EQ(get(pulled).reason, CloseReason::kNobodyLeft);
}

TEST_F(BatchQueueTest, HurryClosesABatchOthersCouldStillFill) {
  use(8);
  const auto one = file(10s);
  const auto other = file(10s);
  submit(one, "a");
  submit(other, "b");
  auto pulled = pull_and_sleep();
  queue->hurry(one);
  const auto batch = get(pulled);
  EXPECT_EQ(batch.reason, CloseReason::kDrain);
  EXPECT_EQ(batch.tasks.size(), 2U);
  submit(one, "c");
  auto next = pull_and_sleep();  // the hurry was for what was queued then
  queue->hurry(one);
  EXPECT_EQ(get(next).reason, CloseReason::kDrain);
}

TEST_F(BatchQueueTest, SeveralFreeWorkersTakeFullBatchesAndNeitherBlockNorWaitTwice) {
  use(2, 3);
  const auto stream = file(40ms);
  auto first = pull();
  auto second = pull();
  auto third = pull();
  for (const char* name : {"a", "b", "c", "d"}) submit(stream, name);
  const auto before = clock.sleeps();
  submit(stream, "e");
  EXPECT_TRUE(clock.await_sleeps(before + 1));  // one worker alone waits for company for "e"
  clock.advance(40ms);
  std::vector<std::size_t> sizes;
  for (auto* pulled : {&first, &second, &third}) sizes.push_back(get(*pulled).tasks.size());
  std::ranges::sort(sizes);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 2, 2}));
}

TEST_F(BatchQueueTest, AFreeWorkerTakesTheCollectorsPlaceWhenItLeaves) {
  use(1, 2);
  const auto stream = live();
  auto first = pull();
  auto second = pull();
  submit(stream, "a");
  submit(stream, "b");
  Names names{get(first).tasks.at(0), get(second).tasks.at(0)};
  std::ranges::sort(names);
  EXPECT_EQ(names, (Names{"a", "b"}));
}

}  // namespace
}  // namespace torchinfer::test
