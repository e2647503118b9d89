// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose task goes first: element-rules 1 and 4.
#include <map>

#include "support/batch_queue_fixture.h"

namespace torchinfer::test {
namespace {

class BatchOrderTest : public BatchQueueTest {
 protected:
  void submit_many(StreamId stream, const std::string& name, int count) {
    for (int i = 0; i < count; ++i) submit(stream, name);
  }

  /// How many of the next `batches` batches' tasks are whose.
  std::map<std::string, int> count(int batches) {
    std::map<std::string, int> served;
    for (int i = 0; i < batches; ++i) {
      const auto batch = pull_now();
      for (const auto& name : batch.tasks) ++served[name];
      finish(batch);
    }
    return served;
  }
};

TEST_F(BatchOrderTest, ABatchGoesRoundTheStreams) {
  use(3);
  const auto a = live(), b = live(), c = live();
  submit_many(a, "a", 5);
  submit_many(b, "b", 5);
  submit_many(c, "c", 5);
  for (int i = 0; i < 5; ++i) {
    auto names = pull_now().tasks;
    std::ranges::sort(names);
    EXPECT_EQ(names, (Names{"a", "b", "c"}));
  }
}

TEST_F(BatchOrderTest, AStreamsTasksKeepTheirOrder) {
  use(4);
  const auto a = live();
  for (const char* name : {"0", "1", "2", "3"}) submit(a, name);
  EXPECT_EQ(pull_now().tasks, (Names{"0", "1", "2", "3"}));
}

TEST_F(BatchOrderTest, ARoundGoesOnInTheNextBatch) {
  use(2);
  const auto a = live(), b = live(), c = live();
  submit_many(a, "a", 4);
  submit_many(b, "b", 4);
  submit_many(c, "c", 4);
  const auto served = count(3);
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(served.at(name), 2) << name;
}

TEST_F(BatchOrderTest, TheEarliestDeadlineGoesFirstWithinARound) {
  use(1);
  const auto patient = file(100ms), hasty = file(10ms), middle = file(50ms);
  submit(patient, "patient");
  submit(hasty, "hasty");
  submit(middle, "middle");
  EXPECT_EQ(pull_now().tasks, (Names{"hasty"}));
  EXPECT_EQ(pull_now().tasks, (Names{"middle"}));
  EXPECT_EQ(pull_now().tasks, (Names{"patient"}));
}

TEST_F(BatchOrderTest, LiveTasksGoBeforeThoseThatCanWait) {
  use(2);
  const auto movie = file(0ms);
  const auto camera = live();
  submit_many(movie, "movie", 4);
  submit_many(camera, "camera", 3);
  EXPECT_EQ(pull_now().tasks, (Names{"camera", "camera"}));
  EXPECT_EQ(pull_now().tasks, (Names{"camera", "movie"}));
}

TEST_F(BatchOrderTest, LiveStreamsCannotStarveOneThatCanWait) {
  use(1);
  const auto movie = file(0ms);
  const auto camera = live();
  submit_many(movie, "movie", 200);
  submit_many(camera, "camera", 200);
  const auto served = count(200);
  EXPECT_GE(served.at("movie"), 100 - FairTurns::kLiveLead);
  EXPECT_GE(served.at("camera"), 100);
}

TEST_F(BatchOrderTest, AStreamThatAsksForLessThanItsShareGetsAllOfIt) {
  use(1);
  const auto greedy = live(), other = live(), modest = live();
  submit_many(greedy, "greedy", 100);
  submit_many(other, "other", 100);
  // A task every sixth turn, where a third is its share: it never waits for more than a round.
  for (int i = 0; i < 10; ++i) {
    submit(modest, "modest");
    EXPECT_EQ(count(3)["modest"], 1);
    EXPECT_EQ(count(3)["modest"], 0);
  }
}

TEST_F(BatchOrderTest, AStreamThatComesBackHasNotSavedUpTurns) {
  use(1);
  const auto steady = live(), guest = live();
  submit_many(steady, "steady", 100);
  (void)count(50);
  submit_many(guest, "guest", 20);
  const auto served = count(20);
  EXPECT_EQ(served.at("steady"), 10);
  EXPECT_EQ(served.at("guest"), 10);
}

TEST_F(BatchOrderTest, SixtyFourStreamsShareAlike) {
  use(8);
  std::vector<StreamId> streams;
  for (int i = 0; i < 64; ++i) streams.push_back(i % 2 == 0 ? live() : file(0ms));
  for (int i = 0; i < 64; ++i)
    submit_many(streams[static_cast<std::size_t>(i)], std::to_string(i), 40);
  const auto served = count(8 * 32);  // 32 rounds of 64
  for (const auto& [name, times] : served) {
    EXPECT_GE(times, 32 - FairTurns::kLiveLead) << name;
    EXPECT_LE(times, 32 + FairTurns::kLiveLead) << name;
  }
  EXPECT_EQ(served.size(), 64U);
}

}  // namespace
}  // namespace torchinfer::test
