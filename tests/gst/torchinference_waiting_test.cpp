// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

#include "inference_fixture.h"
#include "support/standing_clock.h"

// What happens while a model is at work: nothing waits for it that need not, and nothing leaves
// before it is done.

namespace torchinfer::test {
namespace {

using testing::ElementsAre;

GstEvent* new_segment(double rate = 1.0) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.rate = rate;
  return gst_event_new_segment(&segment);
}

class Waiting : public InferenceTest {
 protected:
  /// A stream whose first frame stands at the gate, in the middle of a forward.
  Pads& at_gate(const std::string& properties = "") {
    Pads& pads = play(launch("forward gate g", properties));
    pads.start();
    pads.wait_for(3);
    pads.push(Pads::buffer(0));
    EXPECT_TRUE(control.await_at_gate("g", 1));
    return pads;
  }
};

TEST_F(Waiting, FramesStayUntilTheirResultIsThereAndSoDoesWhatIsBehindThem) {
  Pads& pads = at_gate();
  pads.push_event(gst_event_new_gap(GST_SECOND, GST_SECOND));
  pads.push_event(gst_event_new_eos());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(pads.arrived().size(), 3u);
  control.open_gate("g");
  EXPECT_THAT(pads.wait_for(6), ElementsAre("event stream-start", "event caps", "event segment",
                                            "buffer 0", "event gap", "event eos"));
  EXPECT_EQ(best_class(pads.arrived_buffer(0)), "0");
}

TEST_F(Waiting, FlushStartDoesNotWaitForTheForwardAndItsResultNeverAppears) {
  Pads& pads = at_gate();
  pads.push_event(gst_event_new_flush_start());
  pads.push_event(gst_event_new_flush_stop(TRUE));
  // Had either waited for the forward, we would not be here: the gate is closed still.
  pads.push_event(new_segment());
  auto pushed = std::async(std::launch::async, [&] { return pads.push(Pads::buffer(9)); });
  control.open_gate("g");
  EXPECT_EQ(pushed.get(), GST_FLOW_OK);
  pads.query(gst_query_new_drain());
  EXPECT_THAT(pads.arrived(), testing::Not(testing::Contains("buffer 0")));
  ASSERT_EQ(pads.arrived_buffers(), 1u);
  EXPECT_EQ(best_class(pads.arrived_buffer(0)), "9");
}

TEST_F(Waiting, AFlushWakesAnUpstreamThatWaitsForCredit) {
  Pads& pads = at_gate("overload-policy=wait");
  auto flow = std::async(std::launch::async, [&] {
    for (guint64 number = 1;; number++)
      if (const auto got = pads.push(Pads::buffer(number)); got != GST_FLOW_OK) return got;
  });
  EXPECT_EQ(flow.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  pads.push_event(gst_event_new_flush_start());
  EXPECT_EQ(flow.get(), GST_FLOW_FLUSHING);
}

TEST_F(Waiting, TheWayToReadyDoesNotWaitForTheForward) {
  Pads& pads = at_gate("overload-policy=wait");
  auto flow = std::async(std::launch::async, [&] {
    for (guint64 number = 1;; number++)
      if (const auto got = pads.push(Pads::buffer(number)); got != GST_FLOW_OK) return got;
  });
  pads.set_state(GST_STATE_PAUSED);
  EXPECT_EQ(pads.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(flow.get(), GST_FLOW_FLUSHING);
}

TEST_F(Waiting, AnswersAQueryThatWaitsBehindAFrameWhenAFlushComes) {
  Pads& pads = at_gate();
  auto answer = std::async(std::launch::async, [&] { return pads.query(gst_query_new_drain()); });
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  pads.push_event(gst_event_new_flush_start());
  EXPECT_FALSE(answer.get());
}

// Between FLUSH_START and FLUSH_STOP nothing can be stored on the pad, and the frame before the
// caps has not left: whoever forgets them there never tells downstream.
TEST_F(Waiting, WhatAFlushCatchesBehindAFrameAtWorkStillDescribesTheStream) {
  Pads& pads = at_gate();
  pads.set_caps("video/x-raw,format=GRAY8,width=32,height=4,framerate=25/1");
  pads.push_event(gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "a title", nullptr)));
  pads.push_event(new_segment(2.0));
  pads.push_event(gst_event_new_eos());
  pads.push_event(gst_event_new_flush_start());
  pads.push_event(gst_event_new_flush_stop(TRUE));
  control.open_gate("g");
  pads.push_event(new_segment());
  pads.push(Pads::buffer(1));
  pads.query(gst_query_new_drain());

  GstCaps* caps = gst_pad_get_current_caps(pads.downstream());
  int width = 0;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width);
  gst_caps_unref(caps);
  EXPECT_EQ(width, 32);
  // Segment and end are of the time before the flush; the rest comes with the first event behind
  // it.
  EXPECT_THAT(pads.arrived(), ElementsAre("event stream-start", "event caps", "event segment",
                                          "event flush-start", "event flush-stop", "event caps",
                                          "event segment", "event tag", "buffer 1", "query drain"));
  EXPECT_EQ(best_class(pads.arrived_buffer(0)), "1");
}

TEST_F(Waiting, FramesKeepTheirResultsWhileThePadIsNotLinked) {
  Pads& pads = at_gate("batch-size=4 overload-policy=wait");
  pads.push(Pads::buffer(1));
  pads.push(Pads::buffer(2));
  pads.unlink();
  control.open_gate("g");
  GstPad* src = gst_element_get_static_pad(pads.element(), "src");
  while (gst_pad_get_task_state(src) != GST_TASK_PAUSED) g_usleep(100);
  gst_object_unref(src);
  EXPECT_EQ(pads.push(Pads::buffer(3)), GST_FLOW_NOT_LINKED);
  pads.link();  // sends RECONFIGURE
  EXPECT_EQ(pads.push(Pads::buffer(4)), GST_FLOW_OK);
  pads.query(gst_query_new_drain());
  // Lost are the frame that could not leave and the one that upstream was told of.
  ASSERT_EQ(pads.arrived_buffers(), 3u);
  for (std::size_t i = 0; i < 3; i++) {
    GstBuffer* buffer = pads.arrived_buffer(i);
    EXPECT_EQ(best_class(buffer), std::to_string(GST_BUFFER_OFFSET(buffer)));
  }
}

TEST_F(Waiting, ADrainIsAnsweredOnceTheEngineHasLetGoOfFramesThatAFlushDisowned) {
  // A late stage holds the frame until its forward is over, as on a GPU.
  Pads& pads = play(launch("stage late\nforward gate g"));
  pads.set_answer([](GstQuery*) { return true; });
  pads.start();
  GstBuffer* frame = Pads::buffer(0);
  gst_buffer_ref(frame);
  pads.push(frame);
  ASSERT_TRUE(control.await_at_gate("g", 1));
  pads.push_event(gst_event_new_flush_start());
  pads.push_event(gst_event_new_flush_stop(TRUE));
  pads.push_event(new_segment());
  EXPECT_GT(GST_MINI_OBJECT_REFCOUNT_VALUE(frame), 1) << "the forward reads it";
  auto drained = std::async(std::launch::async, [&] { return pads.query(gst_query_new_drain()); });
  EXPECT_EQ(drained.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  control.open_gate("g");
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(GST_MINI_OBJECT_REFCOUNT_VALUE(frame), 1);
  gst_buffer_unref(frame);
}

TEST_F(Waiting, AFlushEndsADrainThatWaitsForTheForward) {
  Pads& pads = at_gate();
  pads.push_event(gst_event_new_flush_start());
  pads.push_event(gst_event_new_flush_stop(TRUE));
  auto drained = std::async(std::launch::async, [&] { return pads.query(gst_query_new_drain()); });
  EXPECT_EQ(drained.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  pads.push_event(gst_event_new_flush_start());
  EXPECT_FALSE(drained.get());
}

TEST_F(Waiting, OneStreamsFlushDoesNotDelayAnother) {
  Pads& pads = at_gate();
  Pads& other = play("torchinference model-file=" + folder.path("model.pt") +
                     " workers=1 threads=1 batch-size=1");
  other.start();
  other.push(Pads::buffer(5));
  pads.push_event(gst_event_new_flush_start());
  pads.push_event(gst_event_new_flush_stop(TRUE));
  control.open_gate("g");
  other.wait_for(4);
  EXPECT_EQ(best_class(other.arrived_buffer(0)), "5");
}

/// A batch of eight that may wait for ten seconds, and time that stands still: neither that nor a
/// stream's silence ends its wait, so what leaves was let go by one of the rules.
class ClosingEarly : public InferenceTest {
 protected:
  const std::string kPatient = "batch-size=8 batch-timeout=10000000000";

  /// Another stream of the model that launch() has written.
  std::string neighbour() const {
    return "torchinference model-file=" + folder.path("model.pt") + " workers=1 threads=1 " +
           kPatient;
  }

  /// A serialized query. Should nothing but time end the wait of what is before it, time passes, as
  /// the reasons will tell.
  void drain(Pads& pads) {
    auto drained = std::async(std::launch::async, [&] { pads.query(gst_query_new_drain()); });
    if (drained.wait_for(std::chrono::seconds(10)) != std::future_status::ready)
      clock.advance(std::chrono::seconds(10));
  }

  /// The one worker has looked at what is queued so many times and let it wait. The engine's
  /// watchdog sleeps too, and only once while time stands still.
  bool let_it_wait(std::uint64_t times) { return clock.await_sleeps(times + 1); }

  static void expect_one_batch_for(const char* reason, Pads& pads) {
    EXPECT_EQ(stat(pads.element(), "batches"), 1u);
    EXPECT_EQ(stat(pads.element(), std::string("close-reasons/") + reason), 1u) << reason;
  }

  StandingClock clock;
};

// In these three another stream could still add to the batch.
TEST_F(ClosingEarly, ASerializedQueryEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient));
  Pads other(neighbour());
  pads.start();
  other.start();
  other.push(Pads::buffer(2));
  pads.push(Pads::buffer(1));
  drain(pads);
  EXPECT_EQ(best_class(pads.arrived_buffer(0)), "1");
  expect_one_batch_for("drain", pads);
}

TEST_F(ClosingEarly, EosEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient));
  Pads other(neighbour());
  pads.start();
  other.start();
  other.push(Pads::buffer(1));
  for (guint64 number = 0; number < 3; number++) pads.push(Pads::buffer(number));
  pads.push_event(gst_event_new_eos());
  EXPECT_EQ(pads.wait_for(7).back(), "event eos");
  expect_one_batch_for("drain", pads);
}

TEST_F(ClosingEarly, TheEndOfASegmentEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient));
  Pads other(neighbour());
  pads.start();
  other.start();
  other.push(Pads::buffer(1));
  pads.push(Pads::buffer(0));
  pads.push_event(gst_event_new_segment_done(GST_FORMAT_TIME, 40 * GST_MSECOND));
  EXPECT_EQ(pads.wait_for(5).back(), "event segment-done");
  expect_one_batch_for("drain", pads);
}

TEST_F(ClosingEarly, AGapEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient));
  pads.start();
  pads.push(Pads::buffer(0));
  pads.push_event(gst_event_new_gap(40 * GST_MSECOND, GST_SECOND));
  EXPECT_EQ(pads.wait_for(5).back(), "event gap");
  expect_one_batch_for("nobody-left", pads);
}

TEST_F(ClosingEarly, AFrameThatIsNotInferredEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient));
  pads.start();
  pads.push(Pads::buffer(0));
  GstBuffer* gap = Pads::buffer(1);
  GST_BUFFER_FLAG_SET(gap, GST_BUFFER_FLAG_GAP);
  pads.push(gap);
  EXPECT_EQ(pads.wait_for(5).back(), "buffer 1");
  expect_one_batch_for("nobody-left", pads);
}

TEST_F(ClosingEarly, CapsDoNotEndTheWaitOfABatch) {
  Pads pads(launch("", kPatient));
  pads.start();
  pads.push(Pads::buffer(0));
  ASSERT_TRUE(let_it_wait(1));
  // The model's input has one size, whatever the frames have.
  pads.set_caps("video/x-raw,format=GRAY8,width=8,height=16,framerate=25/1");
  pads.push_event(gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "a title", nullptr)));
  pads.push(Pads::buffer(1));
  ASSERT_TRUE(let_it_wait(2));
  for (guint64 number = 2; number < 8; number++) pads.push(Pads::buffer(number));
  drain(pads);
  expect_one_batch_for("full", pads);
}

TEST_F(ClosingEarly, AnotherStreamsFlushDoesNotEndTheWaitOfABatch) {
  Pads pads(launch("", kPatient));
  Pads other(neighbour());
  pads.start();
  other.start();
  pads.push(Pads::buffer(0));
  ASSERT_TRUE(let_it_wait(1));
  other.push(Pads::buffer(1));
  ASSERT_TRUE(let_it_wait(2));
  other.push_event(gst_event_new_flush_start());
  other.push_event(gst_event_new_flush_stop(TRUE));
  ASSERT_TRUE(let_it_wait(3));
  for (guint64 number = 1; number < 8; number++) pads.push(Pads::buffer(number));
  drain(pads);
  EXPECT_EQ(control.items(), 8u);
  expect_one_batch_for("full", pads);
}

TEST_F(ClosingEarly, AStreamsEndEndsTheWaitOfAnothersFrames) {
  Pads pads(launch("", kPatient));
  Pads other(neighbour());
  pads.start();
  other.start();
  other.push(Pads::buffer(1));
  pads.push(Pads::buffer(0));
  pads.push_event(gst_event_new_gap(40 * GST_MSECOND, GST_SECOND));
  other.push_event(gst_event_new_eos());
  EXPECT_EQ(pads.wait_for(5).back(), "event gap");
  EXPECT_EQ(other.wait_for(5).back(), "event eos");
  EXPECT_EQ(stat(pads.element(), "batches"), 1u);
}

TEST_F(ClosingEarly, AShorterTimeoutHoldsForFramesThatWaitAlready) {
  Pads pads(launch("", kPatient));
  pads.start();
  pads.push(Pads::buffer(0));
  ASSERT_TRUE(let_it_wait(1));
  g_object_set(pads.element(), "batch-timeout", G_GUINT64_CONSTANT(0), nullptr);
  EXPECT_EQ(pads.wait_for(4).back(), "buffer 0");
  expect_one_batch_for("timeout", pads);
}

TEST_F(ClosingEarly, BackPressureEndsTheWaitOfItsBatch) {
  Pads& pads = play(launch("forward gate g", kPatient + " workers=2 inference-interval=8"));
  pads.start();
  pads.wait_for(3);
  pads.hold();
  // Two batches at the gate, and the first frame of a third. Behind it come only such as no model
  // looks at, so nothing can fill it.
  guint64 number = 0;
  while (number <= 2 * 8 * 8) pads.push(Pads::buffer(number++));
  ASSERT_TRUE(control.await_at_gate("g", 2));
  g_object_set(pads.element(), "inference-interval", G_MAXUINT, nullptr);
  control.open_gate("g");
  // Now 127 finished frames wait for downstream: upstream shall wait, too.
  std::atomic<bool> enough{false};
  auto pushed = std::async(std::launch::async, [&] {
    while (!enough) pads.push(Pads::buffer(number++));
  });
  EXPECT_TRUE(eventually([&] { return stat(pads.element(), "close-reasons/nobody-left") == 1; }));
  EXPECT_EQ(stat(pads.element(), "close-reasons/full"), 2u);
  EXPECT_EQ(stat(pads.element(), "batches"), 3u);
  enough = true;
  pads.release();
}

}  // namespace
}  // namespace torchinfer::test
