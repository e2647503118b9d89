// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <random>

#include "inference_fixture.h"
#include "support/pipeline.h"

// Seeks of each kind through a whole pipeline, while a batch of eight waits for as long as it may:
// each frame comes in its order, once, with its own result.

namespace torchinfer::test {
namespace {

class Seeks : public InferenceTest {
 protected:
  // One sink: each would send a seek of its own to the source.
  Seeks()
      : pipeline(
            "videotestsrc name=source ! "
            "video/x-raw,format=GRAY8,width=160,height=120,framerate=25/1 ! " +
            launch("", "batch-size=8 batch-timeout=10000000000 overload-policy=wait") +
            " ! identity name=results ! classificationoverlay ! analyticsjson ! fakesink"),
        seen(pipeline.pad("results", "sink")) {
    number_frames(pipeline.pad("source", "src").get());
  }

  bool seek(int flags, guint64 from, guint64 to, double rate = 1.0) {
    const auto time = [](guint64 number) { return static_cast<gint64>(number * 40 * GST_MSECOND); };
    return gst_element_seek(pipeline.element(), rate, GST_FORMAT_TIME,
                            static_cast<GstSeekFlags>(flags | GST_SEEK_FLAG_ACCURATE),
                            GST_SEEK_TYPE_SET, time(from), GST_SEEK_TYPE_SET, time(to));
  }

  /// The numbers of the frames that came; each has its own result.
  std::vector<guint64> numbers() const {
    std::vector<guint64> numbers;
    for (const auto& frame : seen.frames()) {
      EXPECT_EQ(frame.result, std::to_string(frame.number % 256));
      numbers.push_back(frame.number);
    }
    return numbers;
  }

  static std::vector<guint64> count(guint64 from, guint64 to) {
    std::vector<guint64> numbers;
    for (auto number = from; number < to; number++) numbers.push_back(number);
    return numbers;
  }

  Pipeline pipeline;
  FrameRecorder seen;
};

/// Each frame follows the one before it, or begins where the next of `targets` is.
void expect_runs(const std::vector<guint64>& numbers, const std::vector<guint64>& targets) {
  auto target = targets.begin();
  for (std::size_t i = 1; i < numbers.size(); i++) {
    if (numbers[i] == numbers[i - 1] + 1) continue;
    ASSERT_NE(target, targets.end()) << numbers[i] << " behind " << numbers[i - 1];
    ASSERT_EQ(numbers[i], *target) << "behind " << numbers[i - 1];
    ++target;
  }
  EXPECT_EQ(target, targets.end());
}

TEST_F(Seeks, WithAFlushBeginAtTheirTarget) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  // So far apart that it is seen from a frame's number which seek it follows.
  constexpr guint64 kApart = 100000;
  auto places = count(1, 21);
  std::ranges::shuffle(places, random);
  std::vector<guint64> targets;
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  for (const auto place : places) {
    ASSERT_TRUE(seen.reaches(seen.frames().size() + random() % 12));
    targets.push_back(place * kApart);
    ASSERT_TRUE(seek(GST_SEEK_FLAG_FLUSH, place * kApart, (place + 1) * kApart));
    while (numbers().back() / kApart != place) ASSERT_TRUE(seen.reaches(seen.frames().size() + 1));
  }
  expect_runs(numbers(), targets);
}

TEST_F(Seeks, WithoutAFlushLoseNothingOnTheWay) {
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  std::vector<guint64> targets;
  for (guint64 i = 0; i < 5; i++) {
    ASSERT_TRUE(seen.reaches(seen.frames().size() + 10));
    targets.push_back(10000 * (i + 1));
    ASSERT_TRUE(seek(GST_SEEK_FLAG_NONE, targets.back(), targets.back() + 9000));
    while (numbers().back() < targets.back()) ASSERT_TRUE(seen.reaches(seen.frames().size() + 1));
  }
  expect_runs(numbers(), targets);
}

// SEGMENT_DONE comes behind the last frame, which is in a batch that nobody will fill.
TEST_F(Seeks, OfASegmentEndWithItsLastFrameAndGoRoundInALoop) {
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  seen.forget();
  ASSERT_TRUE(seek(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_SEGMENT, 0, 13));
  pipeline.set_state(GST_STATE_PLAYING);
  std::vector<guint64> expected;
  for (int round = 0; round < 5; round++) {
    // The message is the source's and comes before the frames; they come without another one
    // behind them.
    ASSERT_TRUE(pipeline.reaches_message(GST_MESSAGE_SEGMENT_DONE));
    const auto once = count(0, 13);
    expected.insert(expected.end(), once.begin(), once.end());
    ASSERT_TRUE(seen.reaches(expected.size()));
    EXPECT_EQ(numbers(), expected);
    ASSERT_TRUE(seek(round < 4 ? GST_SEEK_FLAG_SEGMENT : GST_SEEK_FLAG_NONE, 0, 13));
  }
  EXPECT_TRUE(pipeline.reaches_eos());
}

TEST_F(Seeks, BackwardsComeInTheirOrder) {
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  seen.forget();
  ASSERT_TRUE(seek(GST_SEEK_FLAG_FLUSH, 0, 50, -1.0));
  pipeline.set_state(GST_STATE_PLAYING);
  EXPECT_TRUE(pipeline.reaches_eos());
  // The source begins with the frame at which the segment ends, which is outside.
  auto frames = seen.frames();
  if (frames.front().number == 50) {
    EXPECT_EQ(frames.front().result, "");
    frames.erase(frames.begin());
  }
  ASSERT_EQ(frames.size(), 50u);
  for (guint64 i = 0; i < 50; i++)
    EXPECT_EQ(frames[i], (SeenFrame{49 - i, std::to_string(49 - i), 160}));
}

TEST_F(Seeks, AtAnotherSpeedAndBackToTheFirst) {
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  for (const auto rate : {2.0, 0.5, -2.0, 1.0}) {
    ASSERT_TRUE(seek(GST_SEEK_FLAG_FLUSH, 0, 50, rate));
    EXPECT_TRUE(pipeline.reaches_eos());
  }
  EXPECT_EQ(seen.frames().back(), (SeenFrame{49, "49", 160}));
}

}  // namespace
}  // namespace torchinfer::test
