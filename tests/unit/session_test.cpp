// SPDX-License-Identifier: LGPL-2.1-or-later
// One stream's seat, from open to result.
#include "engine/session.h"

#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

TEST_F(SessionTest, AResultBelongsToItsFrame) {
  const auto session = open(request());
  std::vector<std::shared_ptr<FrameResult>> frames;
  for (int grey = 0; grey < 200; grey += 7) frames.push_back(submit(*session, grey_frame(grey)));
  for (std::size_t i = 0; i < frames.size(); ++i) {
    ASSERT_TRUE(waker->await(*frames[i]));
    EXPECT_THAT(frames[i]->items.at(0), ShowsGrey(static_cast<int>(i) * 7));
  }
  EXPECT_EQ(control.wrong_calls(), 0U);
}

}  // namespace
}  // namespace torchinfer::test
