// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include "gst_torch_stream_latency.h"
#include "gst_torch_stream_policy.h"
#include "inference_fixture.h"

// How long frames are said to stay, and which of them are late: what the pipeline is told, and the
// decisions behind it by a clock of the test's own.

namespace torchinfer::test {
namespace {

using namespace std::chrono_literals;

class StreamLatency : public InferenceTest {
 protected:
  struct Answer {
    gboolean live;
    GstClockTime min, max;
  };
  static Answer ask(Pads& pads) {
    GstQuery* query = gst_query_new_latency();
    Answer answer{};
    EXPECT_TRUE(gst_pad_peer_query(pads.downstream(), query));
    gst_query_parse_latency(query, &answer.live, &answer.min, &answer.max);
    gst_query_unref(query);
    return answer;
  }
};

TEST_F(StreamLatency, BeginsWithTheBatchTimeoutAndTheForwardsAhead) {
  // One worker: a frame may wait for the batch that runs and for one that is complete, and then for
  // its own.
  Pads pads(launch("batch-time 10ms", "batch-size=2 batch-timeout=30000000"));
  pads.set_upstream_latency(true, 40 * GST_MSECOND, 40 * GST_MSECOND);
  pads.start();
  const auto answer = ask(pads);
  EXPECT_TRUE(answer.live);
  EXPECT_EQ(answer.min, 40 * GST_MSECOND + 30 * GST_MSECOND + 30 * GST_MSECOND);
  EXPECT_GE(answer.max, answer.min);
}

TEST_F(StreamLatency, IsTheSameWhereUpstreamIsNotLiveAndLeavesLivenessToIt) {
  Pads pads(launch("batch-time 10ms", "batch-size=2 batch-timeout=30000000"));
  pads.start();
  const auto answer = ask(pads);
  EXPECT_FALSE(answer.live);
  EXPECT_EQ(answer.min, 60 * GST_MSECOND);
  EXPECT_EQ(answer.max, GST_CLOCK_TIME_NONE);
}

TEST_F(StreamLatency, TheAutomaticTimeoutIsNothingForLiveStreamsAndOneFrameOf25ASecondForOthers) {
  const auto forwards = 30 * GST_MSECOND;
  for (const bool live : {true, false}) {
    Pads pads(launch("batch-time 10ms", "batch-size=2"));
    pads.set_upstream_latency(live, 0, GST_CLOCK_TIME_NONE);
    pads.start();
    EXPECT_EQ(ask(pads).min, forwards + (live ? 0 : 40 * GST_MSECOND));
  }
}

TEST_F(StreamLatency, TheMaximumIsUpstreamsAndTheRoomForFramesHere) {
  Pads pads(launch());
  pads.set_upstream_latency(true, 20 * GST_MSECOND, 40 * GST_MSECOND);
  pads.start();
  EXPECT_EQ(ask(pads).max, 40 * GST_MSECOND + 10 * GST_SECOND);
}

TEST_F(StreamLatency, TheMaximumIsNeverBelowTheMinimum) {
  // Frames of 8K fill the room in bytes long before the ten seconds of the batch-timeout.
  Pads pads(launch("", "batch-size=8 batch-timeout=10000000000"));
  pads.set_upstream_latency(true, 40 * GST_MSECOND, 40 * GST_MSECOND);
  pads.start("s", "video/x-raw,format=RGBA,width=7680,height=4320,framerate=25/1");
  pads.wait_for(3);
  const auto answer = ask(pads);
  EXPECT_GE(answer.min, 10 * GST_SECOND + 40 * GST_MSECOND);
  EXPECT_EQ(answer.max, answer.min);
}

TEST_F(StreamLatency, DoesNotShrinkBeforeTheNextStart) {
  Pads pads(launch("", "batch-size=8 batch-timeout=100000000"));
  pads.set_upstream_latency(true, 0, GST_CLOCK_TIME_NONE);
  pads.start();
  pads.push(Pads::buffer(0));
  pads.wait_for(4);
  const auto before = ask(pads).min;
  g_object_set(pads.element(), "batch-timeout", G_GUINT64_CONSTANT(0), nullptr);
  EXPECT_EQ(ask(pads).min, before);
  pads.set_state(GST_STATE_READY);
  pads.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(ask(pads).min, before - 100 * GST_MSECOND);
}

TEST_F(StreamLatency, OfAStreamThatIsNotLiveConcernsNobody) {
  Pads pads(launch("forward slow 30ms"));
  pads.start();
  const auto before = ask(pads).min;
  for (guint64 number = 0; number < 50; number++) pads.push(Pads::buffer(number));
  pads.query(gst_query_new_drain());
  EXPECT_EQ(pads.wait_for_message(GST_MESSAGE_LATENCY, 0), nullptr);
  EXPECT_EQ(ask(pads).min, before);
}

TEST_F(StreamLatency, GrowsToWhatFramesTakeAndSaysSo) {
  Pads pads(launch("forward slow 30ms"));
  pads.set_upstream_latency(true, 0, GST_CLOCK_TIME_NONE);
  pads.start();
  const auto before = ask(pads).min;
  GstMessage* message = nullptr;
  for (guint64 number = 0; message == nullptr && number < 500; number++) {
    pads.push(Pads::buffer(number));
    message = pads.wait_for_message(GST_MESSAGE_LATENCY, 20 * GST_MSECOND);
  }
  ASSERT_NE(message, nullptr);
  gst_message_unref(message);
  const auto after = ask(pads).min;
  EXPECT_GT(after, before);
  EXPECT_EQ(after % (40 * GST_MSECOND), 0u) << "whole frames";
}

TEST_F(StreamLatency, GrowsAtOnceWithALongerBatchTimeout) {
  Pads pads(launch("", "batch-size=8 batch-timeout=0"));
  pads.set_upstream_latency(true, 0, GST_CLOCK_TIME_NONE);
  pads.start();
  pads.push(Pads::buffer(0));
  pads.wait_for(4);
  const auto before = ask(pads).min;
  g_object_set(pads.element(), "batch-timeout", 100 * GST_MSECOND, nullptr);
  EXPECT_GE(ask(pads).min, before + 100 * GST_MSECOND);
  GstMessage* message = pads.wait_for_message(GST_MESSAGE_LATENCY, 0);
  ASSERT_NE(message, nullptr);
  gst_message_unref(message);
}

/// Frames come every 40 ms from `start` on and are held for `held`. How often the latency grew.
int observe(GstTorchLatency& latency, TimePoint start, Duration length, Duration held) {
  int grew = 0;
  for (auto now = start; now < start + length; now += 40ms) grew += latency.observe(held, now);
  return grew;
}

TEST(LatencyRule, GrowsOnceASecondToWholeFramesAndNeverShrinks) {
  GstTorchLatency latency;
  latency.set_frame_duration(40 * GST_MSECOND);
  latency.start(50ms);
  TimePoint now{};
  EXPECT_EQ(observe(latency, now, 960ms, 130ms), 0) << "not before a second is over";
  EXPECT_EQ(observe(latency, now + 960ms, 40s, 130ms), 1) << "and then once";
  EXPECT_EQ(latency.value(), 160 * GST_MSECOND);

  now += 60s;
  EXPECT_EQ(observe(latency, now, 60s, 5ms), 0);
  EXPECT_EQ(latency.value(), 160 * GST_MSECOND);
  latency.start(50ms);
  EXPECT_EQ(latency.value(), 50 * GST_MSECOND);
}

TEST(LatencyRule, StaysWhileFramesTakeLess) {
  GstTorchLatency latency;
  latency.start(50ms);
  EXPECT_EQ(observe(latency, TimePoint{}, 60s, 45ms), 0);
  EXPECT_EQ(latency.value(), 50 * GST_MSECOND);
}

TEST(LatencyRule, GrowsAtMostOnceASecondWhileFramesTakeLongerAndLonger) {
  GstTorchLatency latency;
  latency.set_frame_duration(40 * GST_MSECOND);
  latency.start(0ms);
  int grew = 0;
  Duration held = 10ms;
  for (auto now = TimePoint{}; now < TimePoint{} + 10s; now += 40ms, held += 10ms)
    grew += latency.observe(held, now);
  EXPECT_GE(grew, 5);
  EXPECT_LE(grew, 10);
}

TEST(LatencyRule, OneSlowFrameInTwoHundredIsNoReasonToGrow) {
  GstTorchLatency latency;
  latency.start(50ms);
  TimePoint now{};
  for (int frame = 0; frame < 1000; frame++, now += 5ms)
    EXPECT_FALSE(latency.observe(frame % 200 == 100 ? 500ms : 10ms, now));
}

TEST(LatencyRule, GrowsWithTheEnginesExpectationAtOnce) {
  GstTorchLatency latency;
  latency.start(50ms);
  EXPECT_TRUE(latency.expect(80ms));
  EXPECT_FALSE(latency.expect(60ms));
  EXPECT_EQ(latency.value(), 80 * GST_MSECOND);
}

/// What the policy says of frames every 40 ms that are all late, with a model that takes each frame
/// it is given.
class LatenessRule : public testing::Test {
 protected:
  LatenessRule() { policy_.note_qos(0, 3600 * GST_SECOND); }

  GstTorchVerdict judge(bool eligible = true) {
    const auto verdict = policy_.judge(eligible, running_time_, settings_, now_);
    if (verdict == GstTorchVerdict::kInfer) policy_.note_inferred(now_);
    running_time_ += 40 * GST_MSECOND;
    now_ += 40ms;
    return verdict;
  }

  /// How many of so many frames go to the model.
  int inferred(int frames) {
    int count = 0;
    for (int i = 0; i < frames; i++) count += judge() == GstTorchVerdict::kInfer;
    return count;
  }

  GstTorchPolicy policy_;
  GstTorchLiveSettings settings_;
  GstClockTime running_time_ = 0;
  TimePoint now_{1h};
};

TEST_F(LatenessRule, OneFrameASecondIsLookedAtHoweverLateTheyAre) { EXPECT_EQ(inferred(250), 10); }

TEST_F(LatenessRule, TheFirstFrameIsLookedAt) {
  EXPECT_EQ(judge(), GstTorchVerdict::kInfer);
  EXPECT_EQ(judge(), GstTorchVerdict::kLate);
}

TEST_F(LatenessRule, FramesBehindTheSinksWordAreNot) {
  judge();
  policy_.note_qos(80 * GST_MSECOND, 0);
  EXPECT_EQ(judge(), GstTorchVerdict::kLate);
  EXPECT_EQ(judge(), GstTorchVerdict::kLate);
  EXPECT_EQ(judge(), GstTorchVerdict::kInfer);
}

TEST_F(LatenessRule, ASinkThatIsEarlyMakesNothingLate) {
  judge();
  policy_.note_qos(40 * GST_MSECOND, -GST_SECOND);
  EXPECT_EQ(inferred(10), 10);
}

TEST_F(LatenessRule, ALateFrameKeepsItsTurnInTheInterval) {
  settings_.inference_interval = 10;
  // Of the frames that the interval asks for, the first in each second.
  EXPECT_EQ(inferred(250), 10);
}

TEST_F(LatenessRule, FramesThatAreNoPictureDoNotTakeATurn) {
  settings_.inference_interval = 2;
  settings_.qos = false;
  EXPECT_EQ(judge(), GstTorchVerdict::kInfer);
  EXPECT_EQ(judge(false), GstTorchVerdict::kIneligible);
  EXPECT_EQ(judge(), GstTorchVerdict::kInterval);
  EXPECT_EQ(judge(), GstTorchVerdict::kInfer);
}

TEST_F(LatenessRule, ANewStartForgetsLatenessAndInterval) {
  settings_.inference_interval = 100;
  judge();
  policy_.restart();
  EXPECT_EQ(judge(), GstTorchVerdict::kInfer);
}

}  // namespace
}  // namespace torchinfer::test
