// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/batch_queue.h"
#include "support/fake_clock.h"

namespace torchinfer::test {

using namespace std::chrono_literals;
using Queue = BatchQueue<std::string>;
using Names = std::vector<std::string>;

constexpr auto kSoon = 60s;  // real time, an upper bound for what happens at once

/// A queue of strings, and workers that pull one batch each.
class BatchQueueTest : public ::testing::Test {
 protected:
  void use(int batch_size, int workers = 1) {
    queue.emplace(Queue::Limits{batch_size, workers}, clock);
  }

  StreamId file(Duration timeout = 40ms) { return queue->join({false, timeout}); }
  StreamId live(Duration timeout = 0ms) { return queue->join({true, timeout}); }

  void submit(StreamId stream, std::string name) {
    ASSERT_TRUE(queue->submit(stream, std::span(&name, 1)).ok());
  }

  /// A worker that pulls one batch on a thread of its own.
  std::future<Queue::Batch> pull() {
    return std::async(std::launch::async, [this] {
      Queue::Batch batch;
      if (!queue->next(batch)) batch.id = 0;
      return batch;
    });
  }

  /// A worker that has found something to wait for and sleeps.
  std::future<Queue::Batch> pull_and_sleep() {
    const auto before = clock.sleeps();
    auto batch = pull();
    EXPECT_TRUE(clock.await_sleeps(before + 1));
    return batch;
  }

  /// Does something that wakes the collector, and waits until it sleeps again.
  template <class F>
  void without_closing(F&& action) {
    const auto before = clock.sleeps();
    action();
    EXPECT_TRUE(clock.await_sleeps(before + 1)) << "the batch was closed";
  }

  Queue::Batch get(std::future<Queue::Batch>& batch) {
    EXPECT_EQ(batch.wait_for(kSoon), std::future_status::ready);
    return batch.get();
  }

  Queue::Batch pull_now() {
    auto batch = pull();
    return get(batch);
  }

  void finish(const Queue::Batch& batch) {
    for (const auto& ticket : batch.tickets) EXPECT_TRUE(queue->finish(ticket));
  }

  /// Has what is queued taken and finished at once.
  void work_off(StreamId stream) {
    queue->hurry(stream);
    finish(pull_now());
  }

  FakeClock clock;
  std::optional<Queue> queue;
};

}  // namespace torchinfer::test
