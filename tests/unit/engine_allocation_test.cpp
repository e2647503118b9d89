// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream in steady state allocates nothing of ours: blocks, frames, their counts, queues, outputs
// and results are used again.
#include <algorithm>
#include <limits>

#include "support/allocation_probe.h"
#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

class EngineAllocationTest : public SessionTest {
 protected:
  /// Frames as a stream has them: as many under way as its credit allows.
  void play(Session& session, const ImageView& image, int frames) {
    for (int i = 0; i < frames; ++i) {
      ASSERT_TRUE(session.wait_credit());
      auto result = session.submit(image, {}, waker);
      ASSERT_TRUE(result.ok());
      under_way[static_cast<std::size_t>(i) % under_way.size()] = std::move(result).value();
    }
    ASSERT_TRUE(session.drain());
    for (auto& frame : under_way) frame.reset();
  }

  std::array<std::shared_ptr<FrameResult>, 16> under_way;
};

TEST_F(EngineAllocationTest, AFrameInSteadyStateAllocatesNothing) {
  auto settings = live();
  settings.top_k = 3;
  const auto session = open(request("", 4, 2), settings);
  const auto image = grey_frame(9);
  const auto play_one_by_one = [&](int frames) {
    for (int i = 0; i < frames; ++i) {
      const auto frame = session->submit(image, {}, waker);
      ASSERT_TRUE(frame.ok() && waker->await(**frame));
    }
    ASSERT_TRUE(session->drain());
  };
  // Pools grow when threads meet as they never did before, so one round may have a few; what a
  // frame needed for itself, each would have.
  auto least = std::numeric_limits<std::uint64_t>::max();
  for (int round = 0; round < 5; ++round) {
    const AllocationProbe probe;
    play_one_by_one(100);
    least = std::min(least, probe.calls_of_all());
  }
  EXPECT_EQ(least, 0U);
}

TEST_F(EngineAllocationTest, ManyFramesAtOnceAllocateNothingOnceAsManyHaveBeenThere) {
  auto settings = live();
  settings.top_k = 3;
  const auto session = open(request("", 4, 2), settings);
  const auto image = grey_frame(9);
  play(*session, image, 500);
  const AllocationProbe probe;
  play(*session, image, 500);
  // What grows to its largest size may do so late: more blocks or frames in use than ever before.
  EXPECT_LT(probe.calls_of_all(), 50U);
}

}  // namespace
}  // namespace torchinfer::test
