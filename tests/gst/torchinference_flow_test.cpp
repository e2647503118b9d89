// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>
#include <thread>

#include "support/pads.h"

// torchinference is a queue first. Every test here passes with core's own queue too: that is how it
// is known to ask for the right thing.

namespace torchinfer::test {
namespace {

using testing::ElementsAre;

class Queue : public testing::TestWithParam<std::string> {
 protected:
  Pads pads_{GetParam()};

  /// Pushes frames until one blocks, on a thread of its own. Needs downstream to hold.
  std::future<GstFlowReturn> push_until_stopped() {
    return std::async(std::launch::async, [this] {
      for (guint64 number = 0;; number++)
        if (const auto flow = pads_.push(Pads::buffer(number)); flow != GST_FLOW_OK) return flow;
    });
  }
};

// queue takes as many buffers as torchinference does when no model is loaded.
INSTANTIATE_TEST_SUITE_P(
    , Queue,
    testing::Values("queue max-size-buffers=2 max-size-bytes=0 max-size-time=0",
                    "torchinference attach=0"),
    [](const auto& param) { return param.param.starts_with("queue") ? "core" : "torchinference"; });

TEST_P(Queue, LetsBuffersEventsAndQueriesOutInTheOrderTheyCame) {
  pads_.start();
  pads_.push(Pads::buffer(0));
  pads_.push_event(gst_event_new_gap(0, GST_SECOND));
  pads_.push(Pads::buffer(1));
  pads_.query(gst_query_new_drain());
  pads_.push(Pads::buffer(2));
  pads_.push_event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("x")));
  pads_.push(Pads::buffer(3));
  pads_.push_event(gst_event_new_eos());
  EXPECT_THAT(pads_.wait_for(11),
              ElementsAre("event stream-start", "event caps", "event segment", "buffer 0",
                          "event gap", "buffer 1", "query drain", "buffer 2",
                          "event custom-downstream", "buffer 3", "event eos"));
}

TEST_P(Queue, SendsTheFirstEventsWithoutWaitingForABuffer) {
  pads_.start();
  EXPECT_THAT(pads_.wait_for(3), ElementsAre("event stream-start", "event caps", "event segment"));
}

TEST_P(Queue, LetsEventsThatAreNotSerializedOvertake) {
  pads_.start();
  pads_.wait_for(3);
  pads_.hold();
  pads_.push(Pads::buffer(0));
  ASSERT_TRUE(pads_.wait_until_held());
  pads_.push_event(
      gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_OOB, gst_structure_new_empty("x")));
  EXPECT_EQ(pads_.arrived().back(), "event custom-downstream-oob");
}

TEST_P(Queue, LeavesBuffersAsTheyAre) {
  pads_.start();
  GstBuffer* sent = Pads::buffer(5);
  GST_BUFFER_FLAG_SET(sent, GST_BUFFER_FLAG_MARKER | GST_BUFFER_FLAG_DISCONT);
  GST_BUFFER_DTS(sent) = 123;
  GST_BUFFER_OFFSET_END(sent) = 6;
  gst_buffer_add_video_meta(sent, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8, 16, 8);
  const GstMemory* memory = gst_buffer_peek_memory(sent, 0);
  pads_.push(sent);
  pads_.wait_for(4);
  GstBuffer* got = pads_.arrived_buffer(0);
  EXPECT_EQ(got, sent);
  EXPECT_EQ(GST_MINI_OBJECT_REFCOUNT_VALUE(got), 1);
  EXPECT_EQ(gst_buffer_peek_memory(got, 0), memory);
  EXPECT_EQ(GST_BUFFER_FLAGS(got) & (GST_BUFFER_FLAG_MARKER | GST_BUFFER_FLAG_DISCONT),
            GST_BUFFER_FLAG_MARKER | GST_BUFFER_FLAG_DISCONT);
  EXPECT_EQ(GST_BUFFER_PTS(got), 200 * GST_MSECOND);
  EXPECT_EQ(GST_BUFFER_DTS(got), 123u);
  EXPECT_EQ(GST_BUFFER_DURATION(got), 40 * GST_MSECOND);
  EXPECT_EQ(GST_BUFFER_OFFSET(got), 5u);
  EXPECT_EQ(GST_BUFFER_OFFSET_END(got), 6u);
  EXPECT_NE(gst_buffer_get_video_meta(got), nullptr);
  EXPECT_EQ(gst_buffer_get_n_meta(got, GST_VIDEO_META_API_TYPE), 1u);
}

TEST_P(Queue, BlocksUpstreamWhileDownstreamHoldsAndLosesNothing) {
  pads_.start();
  pads_.hold();
  auto pushed = std::async(std::launch::async, [&] {
    for (guint64 number = 0; number < 20; number++) pads_.push(Pads::buffer(number));
  });
  ASSERT_TRUE(pads_.wait_until_held());
  EXPECT_EQ(pushed.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  pads_.release();
  pushed.get();
  const auto arrived = pads_.wait_for(23);
  ASSERT_EQ(arrived.size(), 23u);
  for (int number = 0; number < 20; number++)
    EXPECT_EQ(arrived[3 + number], "buffer " + std::to_string(number));
}

TEST_P(Queue, AnswersASerializedQueryInItsTurnWithDownstreamsAnswer) {
  pads_.set_answer([](GstQuery* query) {
    if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION)
      gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
    return true;
  });
  pads_.start();
  pads_.push(Pads::buffer(0));
  GstCaps* caps = gst_caps_from_string(Pads::kCaps);
  GstQuery* query = gst_query_new_allocation(caps, TRUE);
  gst_caps_unref(caps);
  EXPECT_TRUE(gst_pad_peer_query(pads_.upstream(), query));
  EXPECT_TRUE(gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr));
  gst_query_unref(query);
  EXPECT_THAT(pads_.arrived(), ElementsAre("event stream-start", "event caps", "event segment",
                                           "buffer 0", "query allocation"));
}

TEST_P(Queue, AnswersAQueryThatDownstreamRefusesWithFalse) {
  pads_.start();
  EXPECT_FALSE(pads_.query(gst_query_new_drain()));
}

TEST_P(Queue, FlushStartWakesAnUpstreamThatWaitsForRoom) {
  pads_.start();
  pads_.hold();
  auto flow = push_until_stopped();
  ASSERT_TRUE(pads_.wait_until_held());
  pads_.push_event(gst_event_new_flush_start());
  EXPECT_EQ(flow.get(), GST_FLOW_FLUSHING);
}

TEST_P(Queue, AFlushEmptiesItAndLetsTheStreamGoOn) {
  pads_.start();
  pads_.hold();
  auto flow = push_until_stopped();
  ASSERT_TRUE(pads_.wait_until_held());
  pads_.push_event(gst_event_new_flush_start());
  flow.get();
  pads_.release();
  pads_.push_event(gst_event_new_flush_stop(TRUE));
  pads_.forget();
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  pads_.push_event(gst_event_new_segment(&segment));
  pads_.push(Pads::buffer(100));
  EXPECT_THAT(pads_.wait_for(2), ElementsAre("event segment", "buffer 100"));
}

TEST_P(Queue, CapsThatAFlushCatchesReachDownstreamAllTheSame) {
  pads_.start();
  pads_.wait_for(3);
  pads_.hold();
  pads_.push(Pads::buffer(0));
  ASSERT_TRUE(pads_.wait_until_held());
  pads_.set_caps("video/x-raw,format=GRAY8,width=32,height=4,framerate=25/1");
  pads_.push_event(gst_event_new_flush_start());
  pads_.release();
  pads_.push_event(gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  pads_.push_event(gst_event_new_segment(&segment));
  pads_.push(Pads::buffer(1));
  pads_.wait_for(8);
  GstCaps* caps = gst_pad_get_current_caps(pads_.downstream());
  ASSERT_NE(caps, nullptr);
  int width = 0;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width);
  gst_caps_unref(caps);
  EXPECT_EQ(width, 32);
}

TEST_P(Queue, AStreamThatAFlushCatchesReachesDownstreamAndItsEndDoesNot) {
  pads_.start();
  pads_.wait_for(3);
  pads_.hold();
  pads_.push(Pads::buffer(0));
  ASSERT_TRUE(pads_.wait_until_held());
  pads_.push_event(gst_event_new_stream_start("another"));
  pads_.push_event(gst_event_new_eos());
  pads_.push_event(gst_event_new_flush_start());
  pads_.release();
  pads_.push_event(gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  pads_.push_event(gst_event_new_segment(&segment));
  EXPECT_EQ(pads_.push(Pads::buffer(1)), GST_FLOW_OK);
  pads_.query(gst_query_new_drain());
  GstEvent* event = gst_pad_get_sticky_event(pads_.downstream(), GST_EVENT_STREAM_START, 0);
  ASSERT_NE(event, nullptr);
  const gchar* id = nullptr;
  gst_event_parse_stream_start(event, &id);
  EXPECT_STREQ(id, "another");
  gst_event_unref(event);
  EXPECT_THAT(pads_.arrived(), testing::Not(testing::Contains("event eos")));
}

TEST_P(Queue, AFlushReleasesAQueryThatWaits) {
  std::promise<void> asked;
  pads_.start();
  pads_.wait_for(3);
  pads_.hold();
  pads_.push(Pads::buffer(0));
  ASSERT_TRUE(pads_.wait_until_held());
  auto answer = std::async(std::launch::async, [&] { return pads_.query(gst_query_new_drain()); });
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  pads_.push_event(gst_event_new_flush_start());
  EXPECT_FALSE(answer.get());
}

TEST_P(Queue, KeepsAQueryAliveWhileDownstreamAnswersItInAFlush) {
  pads_.set_answer([](GstQuery*) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  });
  for (int round = 0; round < 100; round++) {
    auto asking = std::async(std::launch::async, [&] {
      for (int i = 0; i < 100; i++)
        if (!pads_.query(gst_query_new_drain())) return;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    pads_.push_event(gst_event_new_flush_start());
    asking.get();
    pads_.push_event(gst_event_new_flush_stop(TRUE));
  }
}

TEST_P(Queue, ALateFlushStopDoesNotReviveADeactivatedPad) {
  for (int round = 0; round < 50; round++) {
    pads_.set_state(GST_STATE_PAUSED);
    pads_.push_event(gst_event_new_flush_start());
    auto stopping =
        std::async(std::launch::async, [&] { pads_.push_event(gst_event_new_flush_stop(TRUE)); });
    EXPECT_EQ(pads_.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    stopping.get();
  }
}

TEST_P(Queue, NotLinkedReachesUpstreamWhichMaySendEventsStill) {
  pads_.unlink();
  pads_.start();
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) flow = pads_.push(Pads::buffer(0));
  EXPECT_EQ(flow, GST_FLOW_NOT_LINKED);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  EXPECT_TRUE(pads_.push_event(gst_event_new_segment(&segment)));
  EXPECT_EQ(pads_.push(Pads::buffer(1)), GST_FLOW_NOT_LINKED);
}

TEST_P(Queue, GoesOnWhenItIsLinkedAgain) {
  pads_.unlink();
  pads_.start();
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) flow = pads_.push(Pads::buffer(0));
  pads_.link();  // sends RECONFIGURE
  EXPECT_EQ(pads_.push(Pads::buffer(7)), GST_FLOW_OK);
  pads_.query(gst_query_new_drain());
  const auto arrived = pads_.arrived();
  EXPECT_THAT(arrived, testing::Contains("buffer 7"));
  EXPECT_THAT(arrived, testing::Contains("event caps"));
}

TEST_P(Queue, DownstreamsErrorReachesUpstreamAndFreesWhatIsQueued) {
  pads_.start();
  pads_.wait_for(3);
  pads_.hold();
  pads_.push(Pads::buffer(0));
  ASSERT_TRUE(pads_.wait_until_held());
  GstBuffer* queued = Pads::buffer(1);
  gst_buffer_ref(queued);
  pads_.push(queued);
  pads_.set_flow(GST_FLOW_ERROR);
  pads_.release();
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) flow = pads_.push(Pads::buffer(2));
  EXPECT_EQ(flow, GST_FLOW_ERROR);
  // The task sets the flow and frees in one go, but frees last.
  for (int i = 0; i < 60000 && GST_MINI_OBJECT_REFCOUNT_VALUE(queued) > 1; i++) g_usleep(1000);
  EXPECT_EQ(GST_MINI_OBJECT_REFCOUNT_VALUE(queued), 1);
  gst_buffer_unref(queued);
}

TEST_P(Queue, AnErrorThatUpstreamCannotHearOfIsPostedAndEndsTheStream) {
  pads_.start();
  pads_.wait_for(3);
  pads_.hold();
  pads_.push(Pads::buffer(0));
  ASSERT_TRUE(pads_.wait_until_held());
  pads_.push_event(gst_event_new_eos());
  pads_.set_flow(GST_FLOW_ERROR);
  pads_.release();
  GstMessage* message = pads_.wait_for_message(GST_MESSAGE_ERROR);
  ASSERT_NE(message, nullptr);
  gst_message_unref(message);
  EXPECT_EQ(pads_.wait_for(4).back(), "event eos");
}

TEST_P(Queue, EosBehindDownstreamsEosLeavesAllTheSame) {
  pads_.start();
  pads_.wait_for(3);
  pads_.hold();
  pads_.push(Pads::buffer(0));
  ASSERT_TRUE(pads_.wait_until_held());
  pads_.push(Pads::buffer(1));
  pads_.push_event(gst_event_new_eos());
  pads_.set_flow(GST_FLOW_EOS);
  pads_.release();
  EXPECT_THAT(pads_.wait_for(4),
              ElementsAre("event stream-start", "event caps", "event segment", "event eos"));
}

TEST_P(Queue, AfterEosTakesNothingUntilANewStream) {
  pads_.start();
  pads_.push_event(gst_event_new_eos());
  EXPECT_EQ(pads_.wait_for(4).back(), "event eos");
  EXPECT_EQ(pads_.push(Pads::buffer(0)), GST_FLOW_EOS);
  GstPad* src = gst_element_get_static_pad(pads_.element(), "src");
  while (gst_pad_get_task_state(src) != GST_TASK_PAUSED) g_usleep(100);
  gst_object_unref(src);
  pads_.start("another");
  EXPECT_EQ(pads_.push(Pads::buffer(1)), GST_FLOW_OK);
  const auto arrived = pads_.wait_for(8);
  EXPECT_THAT(arrived, testing::Contains("buffer 1"));
  EXPECT_THAT(arrived, testing::Not(testing::Contains("buffer 0")));
}

TEST_P(Queue, StopsWhileUpstreamWaitsForRoomAndStartsAgain) {
  for (int round = 0; round < 20; round++) {
    pads_.start();
    pads_.hold();
    auto flow = push_until_stopped();
    ASSERT_TRUE(pads_.wait_until_held());
    // As a pipeline does it: downstream lets go first.
    pads_.deactivate_downstream();
    ASSERT_EQ(pads_.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    EXPECT_EQ(flow.get(), GST_FLOW_FLUSHING);
    pads_.release();
    pads_.activate_downstream();
    ASSERT_EQ(pads_.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    pads_.forget();
  }
}

TEST_P(Queue, SaysThatItsSourcePadOnlyPushes) {
  GstPad* src = gst_element_get_static_pad(pads_.element(), "src");
  GstQuery* query = gst_query_new_scheduling();
  EXPECT_TRUE(gst_pad_query(src, query));
  EXPECT_TRUE(gst_query_has_scheduling_mode(query, GST_PAD_MODE_PUSH));
  EXPECT_FALSE(gst_query_has_scheduling_mode(query, GST_PAD_MODE_PULL));
  gst_query_unref(query);
  gst_object_unref(src);
}

TEST_P(Queue, PassesEventsUpstream) {
  GstPad* src = gst_element_get_static_pad(pads_.element(), "src");
  gst_pad_send_event(src, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.0, 5, 10));
  gst_pad_send_event(src, gst_event_new_latency(20 * GST_MSECOND));
  gst_object_unref(src);
  EXPECT_THAT(pads_.upstream_events(), testing::IsSupersetOf({"qos", "latency"}));
}

// Core's queue may pause for good here: its task returns from pushing EOS when the new stream is
// already queued.
TEST(QueueAlone, ANewStreamRightBehindEosGoesOn) {
  Pads pads("torchinference attach=0");
  for (int round = 0; round < 200; round++) {
    pads.start(std::to_string(round));
    ASSERT_EQ(pads.push(Pads::buffer(round)), GST_FLOW_OK);
    pads.push_event(gst_event_new_eos());
  }
  const auto arrived = pads.wait_for(5 * 200);
  EXPECT_EQ(arrived.size(), 5u * 200);
  EXPECT_EQ(arrived.back(), "event eos");
}

// Core's queue pauses for good: it is told of the link before it knows that there was none.
TEST(QueueAlone, GoesOnWhereItIsLinkedAgainWhileItLearnsThatItWasNot) {
  Pads pads("torchinference attach=0");
  pads.start();
  pads.set_flow(GST_FLOW_NOT_LINKED);
  GstPad* src = gst_element_get_static_pad(pads.element(), "src");
  // Runs inside the push, and has the pad call what runs when the push is over.
  gst_pad_add_probe(
      pads.downstream(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo*, gpointer src) {
        gst_pad_add_probe(
            GST_PAD(src), GST_PAD_PROBE_TYPE_IDLE,
            [](GstPad* pad, GstPadProbeInfo*, gpointer) {
              gst_pad_send_event(pad, gst_event_new_reconfigure());
              return GST_PAD_PROBE_REMOVE;
            },
            nullptr, nullptr);
        return GST_PAD_PROBE_REMOVE;
      },
      src, nullptr);
  ASSERT_EQ(pads.push(Pads::buffer(0)), GST_FLOW_OK);
  pads.query(gst_query_new_drain());
  pads.set_flow(GST_FLOW_OK);
  EXPECT_EQ(pads.push(Pads::buffer(7)), GST_FLOW_OK);
  EXPECT_EQ(pads.wait_for(5).back(), "buffer 7") << "behind the query";
  gst_object_unref(src);
}

// Of core's queue the frame behind the segment does not always come.
TEST(QueueAlone, DownstreamsEosReachesUpstreamUntilANewSegment) {
  Pads pads("torchinference attach=0");
  pads.start();
  pads.set_flow(GST_FLOW_EOS, 9);
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) flow = pads.push(Pads::buffer(0));
  EXPECT_EQ(flow, GST_FLOW_EOS);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  pads.push_event(gst_event_new_segment(&segment));
  EXPECT_EQ(pads.push(Pads::buffer(9)), GST_FLOW_OK);
  EXPECT_THAT(pads.wait_for(5), ElementsAre("event stream-start", "event caps", "event segment",
                                            "event segment", "buffer 9"));
}

/// A thread sleeps, whenever one looks; false after a minute in which it did not.
bool falls_asleep(const std::atomic<pid_t>& thread) {
  int asleep = 0;
  for (int look = 0; look < 60000 && asleep < 20; look++) {
    g_usleep(1000);
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string stat;
    std::getline(file, stat);
    const auto name_end = stat.rfind(") ");
    asleep = name_end != std::string::npos && stat[name_end + 2] == 'S' ? asleep + 1 : 0;
  }
  return asleep == 20;
}

// Core's queue leaves the query waiting here.
TEST(QueueAlone, AfterDownstreamsEosDiscardsUpToTheNextSegmentAndRefusesQueries) {
  Pads pads("torchinference attach=0");
  pads.start();
  pads.wait_for(3);
  pads.hold();
  pads.push(Pads::buffer(0));
  ASSERT_TRUE(pads.wait_until_held());
  pads.push(Pads::buffer(1));
  std::atomic<pid_t> asker{0};
  auto answer = std::async(std::launch::async, [&] {
    asker = gettid();
    return pads.query(gst_query_new_drain());
  });
  // Nothing but its answer makes it wait.
  EXPECT_TRUE(falls_asleep(asker));
  pads.set_answer([](GstQuery*) { return true; });
  pads.set_flow(GST_FLOW_EOS);
  pads.release();
  EXPECT_FALSE(answer.get());
  EXPECT_THAT(pads.arrived(), ElementsAre("event stream-start", "event caps", "event segment"));
}

}  // namespace
}  // namespace torchinfer::test
