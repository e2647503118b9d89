// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <future>

#include "inference_fixture.h"
#include "support/standing_clock.h"

// Too many frames, and late ones.

namespace torchinfer::test {
namespace {

using testing::ElementsAre;

/// What a QoS message says.
struct QosTold {
  gboolean live = FALSE;
  guint64 running_time = 0, stream_time = 0, timestamp = 0, duration = 0;
  gint64 jitter = 0;
  guint64 processed = 0, dropped = 0;
};

QosTold read_qos(GstMessage* message) {
  QosTold told;
  if (message == nullptr) {
    ADD_FAILURE() << "no QoS message";
    return told;
  }
  GstFormat format;
  gst_message_parse_qos(message, &told.live, &told.running_time, &told.stream_time, &told.timestamp,
                        &told.duration);
  gst_message_parse_qos_values(message, &told.jitter, nullptr, nullptr);
  gst_message_parse_qos_stats(message, &format, &told.processed, &told.dropped);
  EXPECT_EQ(format, GST_FORMAT_BUFFERS);
  gst_message_unref(message);
  return told;
}

QosTold next_qos(Pads& pads) { return read_qos(pads.wait_for_message(GST_MESSAGE_QOS)); }

class Overload : public InferenceTest {
 protected:
  /// Two frames are at the engine, which is all the credit there is for one worker and batches of
  /// one.
  void fill(Pads& pads, bool live) {
    pads.set_upstream_latency(live, 0, GST_CLOCK_TIME_NONE);
    pads.start();
    pads.wait_for(3);
    for (guint64 number = 0; number < 2; number++) pads.push(Pads::buffer(number));
    ASSERT_TRUE(control.await_at_gate("g", 1));
  }

  static std::vector<std::string> classes(const Pads& pads) {
    std::vector<std::string> classes;
    for (std::size_t i = 0; i < pads.arrived_buffers(); i++)
      classes.push_back(best_class(pads.arrived_buffer(i)));
    return classes;
  }
};

TEST_F(Overload, ALiveStreamsFramesGoOnWithoutResults) {
  Pads& pads = play(launch("forward gate g"));
  fill(pads, true);
  for (guint64 number = 2; number < 4; number++) pads.push(Pads::buffer(number));
  control.open_gate("g");
  pads.wait_for(7);
  EXPECT_THAT(classes(pads), ElementsAre("0", "1", "", ""));
  EXPECT_EQ(stat(pads.element(), "skipped-overload"), 2u);
  EXPECT_EQ(stat(pads.element(), "dropped"), 0u);
}

TEST_F(Overload, AForwardThatLastsNeverHoldsALiveSourceUp) {
  Pads& pads = play(launch("forward gate g"));
  fill(pads, true);
  auto pushed = std::async(std::launch::async, [&] {
    for (guint64 number = 2; number < 50; number++) pads.push(Pads::buffer(number));
  });
  EXPECT_EQ(pushed.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  control.open_gate("g");
  pads.wait_for(53);
  EXPECT_EQ(stat(pads.element(), "skipped-overload"), 48u);
}

TEST_F(Overload, AFilesFramesWait) {
  Pads& pads = play(launch("forward gate g"));
  fill(pads, false);
  auto pushed = std::async(std::launch::async, [&] {
    for (guint64 number = 2; number < 6; number++) pads.push(Pads::buffer(number));
  });
  EXPECT_EQ(pushed.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  control.open_gate("g");
  pads.wait_for(9);
  EXPECT_THAT(classes(pads), ElementsAre("0", "1", "2", "3", "4", "5"));
}

// The one exception to flags untouched.
TEST_F(Overload, DropsAndSaysSoOnTheNextFrame) {
  Pads& pads = play(launch("forward gate g", "overload-policy=drop"));
  fill(pads, false);
  for (guint64 number = 2; number < 4; number++) pads.push(Pads::buffer(number));
  control.open_gate("g");
  pads.wait_for(5);
  pads.push(Pads::buffer(4));
  EXPECT_THAT(pads.wait_for(6), testing::Contains("buffer 4"));
  EXPECT_THAT(classes(pads), ElementsAre("0", "1", "4"));
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(pads.arrived_buffer(2), GST_BUFFER_FLAG_DISCONT));
  EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(pads.arrived_buffer(1), GST_BUFFER_FLAG_DISCONT));
  EXPECT_EQ(stat(pads.element(), "dropped"), 2u);
}

TEST_F(Overload, ThePolicyMayChangeWhilePlaying) {
  Pads& pads = play(launch("forward gate g", "overload-policy=drop"));
  fill(pads, false);
  pads.push(Pads::buffer(2));
  g_object_set(pads.element(), "overload-policy", 2 /* skip */, nullptr);
  pads.push(Pads::buffer(3));
  control.open_gate("g");
  pads.wait_for(6);
  EXPECT_THAT(classes(pads), ElementsAre("0", "1", ""));
}

TEST_F(Overload, IsToldAtOnceWithTheFramesTimes) {
  Pads& pads = play(launch("forward gate g"));
  fill(pads, true);
  for (guint64 number = 2; number < 4; number++) pads.push(Pads::buffer(number));
  const auto told = next_qos(pads);
  EXPECT_TRUE(told.live);
  EXPECT_EQ(told.timestamp, 80 * GST_MSECOND);
  EXPECT_EQ(told.running_time, 80 * GST_MSECOND);
  EXPECT_EQ(told.stream_time, 80 * GST_MSECOND);
  EXPECT_EQ(told.duration, 40 * GST_MSECOND);
  EXPECT_EQ(told.dropped, 1u);
}

// Frames that wait for downstream are no overload.
TEST_F(Overload, ASinkThatHoldsFramesIsNone) {
  Pads pads(launch());
  pads.set_upstream_latency(true, 0, GST_CLOCK_TIME_NONE);
  pads.start();
  GstPad* src = gst_element_get_static_pad(pads.element(), "src");
  gst_pad_send_event(src, gst_event_new_latency(2 * GST_SECOND));
  gst_object_unref(src);
  pads.wait_for(3);
  pads.hold();
  for (guint64 number = 0; number < 50; number++) {
    pads.push(Pads::buffer(number));
    // So slowly that the model always keeps up.
    while (stat(pads.element(), "inference/count") <= number) g_usleep(200);
  }
  pads.release();
  pads.wait_for(53);
  EXPECT_EQ(stat(pads.element(), "inferred"), 50u);
  EXPECT_EQ(stat(pads.element(), "skipped-overload"), 0u);
}

/// A second without a result makes the next late frame go to the model all the same. Here time
/// stands still unless a test lets it pass.
class Qos : public InferenceTest {
 protected:
  static void send_qos(Pads& pads, GstClockTime timestamp, GstClockTimeDiff jitter) {
    GstPad* src = gst_element_get_static_pad(pads.element(), "src");
    gst_pad_send_event(src, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, jitter, timestamp));
    gst_object_unref(src);
  }

  static void push_and_drain(Pads& pads, guint64 number) {
    pads.push(Pads::buffer(number));
    pads.query(gst_query_new_drain());
  }

  static std::string last_class(const Pads& pads) {
    return best_class(pads.arrived_buffer(pads.arrived_buffers() - 1));
  }

  StandingClock clock;
};

TEST_F(Qos, LateFramesGoOnWithoutResultsAndAreTold) {
  Pads pads(launch());
  pads.start();
  push_and_drain(pads, 0);
  send_qos(pads, 0, 100 * GST_MSECOND);
  push_and_drain(pads, 1);
  push_and_drain(pads, 2);
  EXPECT_EQ(last_class(pads), "");
  push_and_drain(pads, 3);  // 120 ms: in time again
  EXPECT_EQ(last_class(pads), "3");
  EXPECT_EQ(pads.arrived_buffers(), 4u);
  EXPECT_EQ(stat(pads.element(), "skipped-late"), 2u);
  EXPECT_EQ(next_qos(pads).jitter, 60 * GST_MSECOND);
}

TEST_F(Qos, CanBeTurnedOff) {
  Pads pads(launch("", "qos=false"));
  pads.start();
  push_and_drain(pads, 0);
  send_qos(pads, 0, GST_SECOND);
  push_and_drain(pads, 1);
  EXPECT_EQ(last_class(pads), "1");
}

TEST_F(Qos, CanBeTurnedOffAndOnWhilePlaying) {
  Pads pads(launch());
  pads.start();
  push_and_drain(pads, 0);
  send_qos(pads, 0, GST_SECOND);
  push_and_drain(pads, 1);
  EXPECT_EQ(last_class(pads), "");
  g_object_set(pads.element(), "qos", FALSE, nullptr);
  push_and_drain(pads, 2);
  EXPECT_EQ(last_class(pads), "2");
  g_object_set(pads.element(), "qos", TRUE, nullptr);
  push_and_drain(pads, 3);
  EXPECT_EQ(last_class(pads), "");
}

TEST_F(Qos, IsForgottenInAFlushAndWithANewStream) {
  Pads pads(launch());
  pads.start();
  push_and_drain(pads, 0);
  send_qos(pads, 0, GST_SECOND);
  pads.push_event(gst_event_new_flush_start());
  pads.push_event(gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  pads.push_event(gst_event_new_segment(&segment));
  push_and_drain(pads, 1);
  EXPECT_EQ(last_class(pads), "1");
  send_qos(pads, 0, GST_SECOND);
  pads.start("another");
  push_and_drain(pads, 2);
  EXPECT_EQ(last_class(pads), "2");
}

TEST_F(Qos, MeansNothingForFramesWithoutTimes) {
  Pads pads(launch());
  pads.start();
  push_and_drain(pads, 0);
  send_qos(pads, 0, GST_SECOND);
  GstBuffer* timeless = Pads::buffer(1);
  GST_BUFFER_PTS(timeless) = GST_CLOCK_TIME_NONE;
  pads.push(timeless);
  pads.query(gst_query_new_drain());
  EXPECT_EQ(last_class(pads), "1");
}

TEST_F(Qos, MeansNothingInASegmentThatIsNotInTime) {
  Pads pads(launch());
  pads.push_event(gst_event_new_stream_start("s"));
  pads.set_caps(Pads::kCaps);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_BYTES);
  pads.push_event(gst_event_new_segment(&segment));
  push_and_drain(pads, 0);
  send_qos(pads, 0, GST_SECOND);
  push_and_drain(pads, 1);
  EXPECT_EQ(last_class(pads), "1");
}

TEST_F(Qos, IsToldAtMostOnceASecondWithAllThatWereNotLookedAt) {
  Pads pads(launch());
  pads.start();
  push_and_drain(pads, 0);
  send_qos(pads, 0, 3600 * GST_SECOND);
  guint64 number = 1;
  for (guint64 second = 0; second < 3; second++) {
    if (second > 0) {
      // One that is looked at all the same.
      push_and_drain(pads, number);
      EXPECT_EQ(last_class(pads), std::to_string(number++));
    }
    for (int i = 0; i < 4; i++) push_and_drain(pads, number++);
    EXPECT_EQ(last_class(pads), "");
    const auto told = next_qos(pads);
    EXPECT_EQ(told.dropped, 4 * second + 1);
    EXPECT_EQ(told.processed, second + 1);
    EXPECT_EQ(pads.wait_for_message(GST_MESSAGE_QOS, 0), nullptr);
    clock.advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(stat(pads.element(), "skipped-late"), 12u);
  EXPECT_EQ(pads.arrived_buffers(), 15u);
}

TEST_F(Qos, IsCountedAnewAfterAFlush) {
  Pads pads(launch());
  pads.start();
  for (guint64 round = 0; round < 2; round++) {
    push_and_drain(pads, 2 * round);
    send_qos(pads, 0, GST_SECOND);
    push_and_drain(pads, 2 * round + 1);
    const auto told = next_qos(pads);
    EXPECT_EQ(told.processed, 1u);
    EXPECT_EQ(told.dropped, 1u);
    pads.push_event(gst_event_new_flush_start());
    pads.push_event(gst_event_new_flush_stop(TRUE));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    pads.push_event(gst_event_new_segment(&segment));
  }
  EXPECT_EQ(stat(pads.element(), "inferred"), 2u) << "stats count on";
}

}  // namespace
}  // namespace torchinfer::test
