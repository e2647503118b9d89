// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "inference_fixture.h"

// What happens while a model is at work: nothing waits for it that need not, and nothing leaves
// before it is done.

namespace torchinfer::test {
namespace {

using testing::ElementsAre;

GstEvent* new_segment() {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
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

/// A batch of eight that may wait for ten seconds: what comes sooner was let go by one of the
/// rules.
class ClosingEarly : public InferenceTest {
 protected:
  const std::string kPatient = "batch-size=8 batch-timeout=10000000000";

  void expect_no_timeout(GstElement* element) {
    EXPECT_EQ(stat(element, "close-reasons/timeout"), 0u);
    EXPECT_GE(stat(element, "batches"), 1u);
  }
};

TEST_F(ClosingEarly, ASerializedQueryEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient));
  pads.start();
  pads.push(Pads::buffer(1));
  pads.query(gst_query_new_drain());
  EXPECT_EQ(best_class(pads.arrived_buffer(0)), "1");
  expect_no_timeout(pads.element());
}

TEST_F(ClosingEarly, EosEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient));
  pads.start();
  for (guint64 number = 0; number < 3; number++) pads.push(Pads::buffer(number));
  pads.push_event(gst_event_new_eos());
  EXPECT_EQ(pads.wait_for(7).back(), "event eos");
  expect_no_timeout(pads.element());
}

TEST_F(ClosingEarly, AGapEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient));
  pads.start();
  pads.push(Pads::buffer(0));
  pads.push_event(gst_event_new_gap(40 * GST_MSECOND, GST_SECOND));
  EXPECT_EQ(pads.wait_for(5).back(), "event gap");
  expect_no_timeout(pads.element());
}

TEST_F(ClosingEarly, AFrameThatIsNotInferredEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient));
  pads.start();
  pads.push(Pads::buffer(0));
  GstBuffer* gap = Pads::buffer(1);
  GST_BUFFER_FLAG_SET(gap, GST_BUFFER_FLAG_GAP);
  pads.push(gap);
  EXPECT_EQ(pads.wait_for(5).back(), "buffer 1");
  expect_no_timeout(pads.element());
}

TEST_F(ClosingEarly, BackPressureEndsTheWaitOfItsBatch) {
  Pads pads(launch("", kPatient + " inference-interval=2"));
  pads.start();
  pads.wait_for(3);
  pads.hold();
  pads.push(Pads::buffer(0));
  pads.query(gst_query_new_custom(GST_QUERY_CUSTOM, gst_structure_new_empty("x")));
  // Fills the queue behind a downstream that holds, and then waits.
  auto pushed = std::async(std::launch::async, [&] {
    for (guint64 number = 1; number < 60; number++) pads.push(Pads::buffer(number));
  });
  ASSERT_TRUE(pads.wait_until_held());
  pads.release();
  pushed.get();
  pads.push_event(gst_event_new_eos());
  EXPECT_EQ(pads.wait_for(64).back(), "event eos");
  expect_no_timeout(pads.element());
}

/// Whole pipelines, with a full batch out of reach and the timeout at its cap.
class Preroll : public ClosingEarly {
 protected:
  struct Unref {
    void operator()(gpointer object) const {
      gst_element_set_state(GST_ELEMENT(object), GST_STATE_NULL);
      gst_object_unref(object);
    }
  };
  using Pipeline = std::unique_ptr<GstElement, Unref>;

  Pipeline pipeline(const std::string& source, const std::string& sink,
                    const std::string& timeout = "batch-timeout=10000000000") {
    const auto line = source + " ! video/x-raw,format=GRAY8,width=16,height=8 ! " +
                      launch("", "batch-size=8 name=infer " + timeout) + " ! " + sink;
    GError* error = nullptr;
    Pipeline pipeline(gst_parse_launch(line.c_str(), &error));
    EXPECT_EQ(error, nullptr) << line << ": " << error->message;
    return pipeline;
  }

  static bool reaches(GstElement* pipeline, GstState state) {
    gst_element_set_state(pipeline, state);
    return gst_element_get_state(pipeline, nullptr, nullptr, 20 * GST_SECOND) ==
           GST_STATE_CHANGE_SUCCESS;
  }

  static bool reaches_eos(GstElement* pipeline) {
    GstBus* bus = gst_element_get_bus(pipeline);
    GstMessage* message = gst_bus_timed_pop_filtered(
        bus, 20 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    const bool eos = message != nullptr && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    if (message != nullptr) gst_message_unref(message);
    gst_object_unref(bus);
    return eos;
  }
};

TEST_F(Preroll, WorksWithOneFrameAndEos) {
  const auto line = pipeline("videotestsrc num-buffers=1", "fakesink sync=true");
  ASSERT_TRUE(reaches(line.get(), GST_STATE_PAUSED));
  ASSERT_TRUE(reaches(line.get(), GST_STATE_PLAYING));
  EXPECT_TRUE(reaches_eos(line.get()));
}

TEST_F(Preroll, WorksBehindATeeWithoutQueues) {
  // The other branch holds the tee's thread after the first frame: no second one ever comes.
  const auto line = pipeline("videotestsrc num-buffers=20 ! tee name=t", "fakesink sync=true",
                             "batch-timeout=200000000");
  auto* branch = gst_parse_bin_from_description("fakesink sync=true", TRUE, nullptr);
  gst_bin_add(GST_BIN(line.get()), branch);
  GstElement* tee = gst_bin_get_by_name(GST_BIN(line.get()), "t");
  ASSERT_TRUE(gst_element_link(tee, branch));
  gst_object_unref(tee);
  ASSERT_TRUE(reaches(line.get(), GST_STATE_PAUSED));
  ASSERT_TRUE(reaches(line.get(), GST_STATE_PLAYING));
  EXPECT_TRUE(reaches_eos(line.get()));
}

TEST_F(Preroll, StepsFrameByFrame) {
  const auto line = pipeline("videotestsrc num-buffers=60", "fakesink sync=true");
  ASSERT_TRUE(reaches(line.get(), GST_STATE_PAUSED));
  for (int i = 0; i < 10; i++) {
    gst_element_send_event(line.get(), gst_event_new_step(GST_FORMAT_BUFFERS, 1, 1.0, TRUE, FALSE));
    ASSERT_EQ(gst_element_get_state(line.get(), nullptr, nullptr, 20 * GST_SECOND),
              GST_STATE_CHANGE_SUCCESS);
  }
}

TEST_F(Preroll, SeeksInPaused) {
  const auto line = pipeline("videotestsrc num-buffers=100", "fakesink sync=true");
  ASSERT_TRUE(reaches(line.get(), GST_STATE_PAUSED));
  for (int i = 1; i <= 5; i++) {
    ASSERT_TRUE(gst_element_seek_simple(line.get(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                        i * 100 * GST_MSECOND));
    ASSERT_EQ(gst_element_get_state(line.get(), nullptr, nullptr, 20 * GST_SECOND),
              GST_STATE_CHANGE_SUCCESS);
  }
}

TEST_F(Preroll, StatesCycleWhileDataFlowsAndTheModelIsLoadedOnce) {
  const auto line = pipeline("videotestsrc", "fakesink sync=false", "batch-timeout=0");
  for (int i = 0; i < 25; i++) {
    ASSERT_TRUE(reaches(line.get(), GST_STATE_PLAYING));
    ASSERT_TRUE(reaches(line.get(), i % 2 == 0 ? GST_STATE_READY : GST_STATE_PAUSED));
  }
  EXPECT_EQ(control.loads(), 1u);
  ASSERT_TRUE(reaches(line.get(), GST_STATE_NULL));
  EXPECT_EQ(control.models(), 0);
}

}  // namespace
}  // namespace torchinfer::test
