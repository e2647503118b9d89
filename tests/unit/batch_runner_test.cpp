// SPDX-License-Identifier: LGPL-2.1-or-later
// A worker's batch, whatever happens to it on the way: its frames complete and its stream gets its
// credit back.
#include "engine/batch_runner.h"

#include <functional>

#include "support/allocation_probe.h"
#include "support/fake_clock.h"
#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

const Status kTooLongToCopy(Code::kForwardFailed, std::string(200, 'x'));

/// A lane that does what a test says.
class ScriptedLane final : public Lane {
 public:
  Status run(std::span<Task> tasks, std::span<std::vector<TensorView>>) override {
    return script(tasks);
  }
  std::function<Status(std::span<Task>)> script;
};

class BatchRunnerTest : public testing::Test {
 protected:
  void submit(int items) {
    std::vector<Task> tasks;
    for (int i = 0; i < items; ++i) {
      auto frame = std::make_shared<FrameResult>();
      frame->items.resize(1);
      frame->open = 1;
      frame->waker = waker;
      frames.push_back(frame);
      Task& task = tasks.emplace_back();
      task.frame = std::move(frame);
      task.seat = seat;
    }
    ASSERT_TRUE(state.queue().submit(stream, tasks).ok());
  }

  void run() {
    ASSERT_TRUE(state.queue().next(batch));
    EXPECT_TRUE(runner.run(batch));
  }

  /// Nobody waits for any of the frames, and nothing of the stream is on its way.
  void expect_done(Code code) {
    for (const auto& frame : frames) {
      EXPECT_TRUE(frame->complete());
      EXPECT_THAT(frame->items[0].status, HasCode(code));
    }
    EXPECT_EQ(waker->wakes(), static_cast<int>(frames.size()));
    state.queue().interrupt(stream, true);  // a failure shall not hang
    EXPECT_TRUE(state.queue().drain(stream));
    EXPECT_EQ(seat->read().failed, frames.size());
  }

  FakeClock clock;
  EngineState state{4, 1, {}, clock};
  const std::shared_ptr<Seat> seat = std::make_shared<Seat>();
  const StreamId stream = state.join({true, Duration{0}}, seat);
  const std::shared_ptr<TestWaker> waker = std::make_shared<TestWaker>();
  std::vector<std::shared_ptr<FrameResult>> frames;

  ScriptedLane lane;
  ModelFacts facts;
  WorkerPulse pulse;
  BatchRunner runner{lane, facts, state, pulse, 0};
  TaskQueue::Batch batch;
};

TEST_F(BatchRunnerTest, ABatchIsNotLostWhenThereIsNoMemoryToBeginIt) {
  submit(4);
  ASSERT_TRUE(state.queue().next(batch));
  {
    AllocationProbe probe;
    probe.refuse_from(1);
    EXPECT_TRUE(runner.run(batch));
  }
  expect_done(Code::kOutOfMemory);
  EXPECT_THAT(state.status(), IsOk());
}

TEST_F(BatchRunnerTest, ABatchIsNotLostWhenThereIsNoMemoryForItsErrors) {
  submit(4);
  AllocationProbe probe;
  lane.script = [&](std::span<Task> tasks) {
    Status status = kTooLongToCopy;
    if (tasks.size() == 1) probe.refuse_from(1);
    return status;
  };
  ASSERT_TRUE(state.queue().next(batch));
  EXPECT_TRUE(runner.run(batch));
  probe.refuse_from(std::numeric_limits<std::size_t>::max());
  for (const auto& frame : frames) EXPECT_TRUE(frame->complete());
  EXPECT_THAT(frames[0]->items[0].status, HasCode(Code::kForwardFailed)) << "the code is lost";
  EXPECT_EQ(waker->wakes(), 4);
  EXPECT_EQ(seat->read().failed, 4U);
}

TEST_F(BatchRunnerTest, ABackEndThatThrowsWhereThereIsNoMemoryToSaySoFailsItsBatch) {
  submit(1);
  AllocationProbe probe;
  const std::runtime_error error(std::string(200, 'x'));
  lane.script = [&](std::span<Task>) -> Status {
    probe.refuse_from(1);
    throw error;
  };
  ASSERT_TRUE(state.queue().next(batch));
  EXPECT_TRUE(runner.run(batch));
  probe.refuse_from(std::numeric_limits<std::size_t>::max());
  expect_done(Code::kForwardFailed);
  EXPECT_EQ(pulse.forward(), 0U) << "the watchdog believes that a forward runs";
}

TEST_F(BatchRunnerTest, AnEngineFailsForAllWhoWaitThoughThereIsNoMemoryToSayWhy) {
  submit(3);
  {
    AllocationProbe probe;
    probe.refuse_from(1);
    state.fail(kTooLongToCopy);
  }
  expect_done(Code::kForwardFailed);
  EXPECT_THAT(state.status(), HasCode(Code::kForwardFailed));
}

TEST_F(BatchRunnerTest, AnEngineThatIsClosedCountsWhatItCancels) {
  submit(3);
  state.close(Status(Code::kCancelled, "the process is ending"));
  EXPECT_EQ(seat->read().cancelled, 3U);
  for (const auto& frame : frames) {
    EXPECT_TRUE(frame->complete());
    EXPECT_THAT(frame->items[0].status, HasCode(Code::kCancelled));
  }
  EXPECT_EQ(waker->wakes(), 0) << "nobody shall act on it";
  EXPECT_TRUE(state.queue().drain(stream));
}

TEST_F(BatchRunnerTest, ADeviceLostInOneHalfIsNotAskedForTheOther) {
  submit(4);
  int forwards = 0;
  lane.script = [&](std::span<Task> tasks) {
    ++forwards;
    return tasks.size() > 2 ? Status(Code::kOutOfMemory, "full")
                            : Status(Code::kDeviceLost, "gone");
  };
  run();
  EXPECT_EQ(forwards, 2);
  EXPECT_THAT(state.status(), HasCode(Code::kDeviceLost));
  expect_done(Code::kDeviceLost);
}

TEST_F(BatchRunnerTest, WhatTheWatchdogGivesUpFailsAtOnceAndStaysTheForwards) {
  submit(4);
  int forwards = 0;
  lane.script = [&](std::span<Task> tasks) {
    // The first item of a batch that failed has its own result, when the second hangs.
    if (++forwards < 3) return Status(Code::kForwardFailed, "failed");
    EXPECT_TRUE(pulse.give_up(pulse.forward()));
    runner.give_up(Status(Code::kHung, "hangs"));
    pulse.settled();
    EXPECT_THAT(frames[0]->items[0].status, HasCode(Code::kForwardFailed));
    for (std::size_t i = 1; i < 4; ++i)
      EXPECT_THAT(frames[i]->items[0].status, HasCode(Code::kHung));
    for (const auto& frame : frames) EXPECT_TRUE(frame->complete());
    EXPECT_THAT(state.status(), HasCode(Code::kHung));
    EXPECT_EQ(state.statistics().failed_items, 4U);
    EXPECT_TRUE(tasks[0].image.owner) << "still in use";
    return Status();
  };
  ASSERT_TRUE(state.queue().next(batch));
  for (Task& task : batch.tasks) task.image.owner = std::make_shared<int>();
  EXPECT_FALSE(runner.run(batch));
  EXPECT_EQ(forwards, 3) << "went on after it had been given up";
  EXPECT_EQ(waker->wakes(), 4);
  EXPECT_EQ(seat->read().failed, 4U);
}

}  // namespace
}  // namespace torchinfer::test
