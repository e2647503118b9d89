// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "support/pads.h"

// Caps, ALLOCATION and LATENCY, as far as they do not depend on a model: with inference off.

namespace torchinfer::test {
namespace {

constexpr const char* kLaunch = "torchinference attach=0";

/// What the element's sink pad accepts, in front of a downstream that takes anything.
std::string sink_caps(Pads& pads, const std::string& filter) {
  GstCaps* wanted = gst_caps_from_string(filter.c_str());
  GstCaps* caps = gst_pad_peer_query_caps(pads.upstream(), wanted);
  const std::unique_ptr<gchar, void (*)(gpointer)> text(gst_caps_to_string(caps), g_free);
  gst_caps_unref(wanted);
  gst_caps_unref(caps);
  return text.get();
}

bool accepts(Pads& pads, const std::string& text) {
  GstCaps* caps = gst_caps_from_string(text.c_str());
  const bool accepted = gst_pad_peer_query_accept_caps(pads.upstream(), caps);
  gst_caps_unref(caps);
  return accepted;
}

TEST(Caps, TakesThirteenFormatsOfAnySize) {
  Pads pads(kLaunch);
  for (const auto format : {"I420", "YV12", "NV12", "NV21", "RGB", "BGR", "RGBA", "BGRA", "RGBx",
                            "BGRx", "ARGB", "ABGR", "GRAY8"})
    for (const auto size : {"width=1,height=1", "width=7680,height=4320"})
      EXPECT_TRUE(
          accepts(pads, std::string("video/x-raw,framerate=30/1,format=") + format + "," + size))
          << format << " " << size;
}

TEST(Caps, RefusesFormatsAndMemoriesItCannotRead) {
  Pads pads(kLaunch);
  EXPECT_FALSE(accepts(pads, "video/x-raw,format=Y42B,width=16,height=8,framerate=30/1"));
  EXPECT_FALSE(
      accepts(pads, "video/x-raw(memory:DMABuf),format=NV12,width=16,height=8,framerate=30/1"));
  EXPECT_FALSE(accepts(pads, "video/x-h264,width=16,height=8"));
}

TEST(Caps, LetsOverlaysThatTravelAsMetadataPass) {
  Pads pads(kLaunch);
  EXPECT_TRUE(
      accepts(pads,
              "video/x-raw(memory:SystemMemory,meta:GstVideoOverlayComposition),format=NV12,"
              "width=16,height=8,framerate=30/1"));
}

TEST(Caps, AsksForWhatDownstreamTakes) {
  Pads pads(kLaunch);
  EXPECT_EQ(
      sink_caps(pads, "video/x-raw,format={NV12,Y42B},width=16,height=8,framerate=30/1"),
      "video/x-raw, format=(string)NV12, width=(int)16, height=(int)8, framerate=(fraction)30/1");
}

TEST(Caps, OffersDownstreamWhatUpstreamCanSend) {
  Pads pads(kLaunch);
  pads.set_upstream_caps("video/x-raw,format=RGB,width=[16,32],height=8,framerate=30/1");
  GstCaps* caps = gst_pad_peer_query_caps(pads.downstream(), nullptr);
  GstCaps* expected =
      gst_caps_from_string("video/x-raw,format=RGB,width=[16,32],height=8,framerate=30/1");
  EXPECT_TRUE(gst_caps_is_equal(caps, expected));
  gst_caps_unref(caps);
  gst_caps_unref(expected);
}

TEST(Caps, DataBehindUnusableOnesIsNotNegotiated) {
  Pads pads(kLaunch);
  pads.push_event(gst_event_new_stream_start("s"));
  pads.set_caps("video/x-raw,format=Y42B,width=16,height=8,framerate=25/1");
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  pads.push_event(gst_event_new_segment(&segment));
  EXPECT_EQ(pads.push(Pads::buffer(0)), GST_FLOW_NOT_NEGOTIATED);
}

class Allocation : public testing::Test {
 protected:
  Allocation() : pads_(kLaunch) { pads_.start(); }
  ~Allocation() override { gst_query_unref(query_); }

  bool ask() { return gst_pad_peer_query(pads_.upstream(), query_); }

  void send_latency(GstClockTime latency) {
    GstPad* src = gst_element_get_static_pad(pads_.element(), "src");
    gst_pad_send_event(src, gst_event_new_latency(latency));
    gst_object_unref(src);
  }

  auto reconfigures() { return std::ranges::count(pads_.upstream_events(), "reconfigure"); }

  static GstQuery* new_query() {
    GstCaps* caps = gst_caps_from_string(Pads::kCaps);
    GstQuery* query = gst_query_new_allocation(caps, TRUE);
    gst_caps_unref(caps);
    return query;
  }

  Pads pads_;
  GstQuery* query_ = new_query();
};

TEST_F(Allocation, DownstreamsRefusalStays) { EXPECT_FALSE(ask()); }

TEST_F(Allocation, DownstreamsMetasStayAsTheyAre) {
  pads_.set_answer([](GstQuery* query) {
    gst_query_add_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, nullptr);
    return true;
  });
  ASSERT_TRUE(ask());
  EXPECT_EQ(gst_query_get_n_allocation_metas(query_), 1u);
  EXPECT_TRUE(gst_query_find_allocation_meta(query_, GST_VIDEO_CROP_META_API_TYPE, nullptr));
}

TEST_F(Allocation, APoolWithoutBuffersOfOursGetsThem) {
  pads_.set_answer([](GstQuery*) { return true; });
  ASSERT_TRUE(ask());
  ASSERT_EQ(gst_query_get_n_allocation_pools(query_), 1u);
  GstBufferPool* pool;
  guint size, min, max;
  gst_query_parse_nth_allocation_pool(query_, 0, &pool, &size, &min, &max);
  EXPECT_EQ(pool, nullptr);
  EXPECT_EQ(size, 16u * 8);
  EXPECT_GE(min, 2u);
  EXPECT_EQ(max, 0u);
}

TEST_F(Allocation, ProposedPoolsGrowByWhatTheElementHolds) {
  pads_.set_answer([](GstQuery* query) {
    gst_query_add_allocation_pool(query, nullptr, 200, 3, 5);
    gst_query_add_allocation_pool(query, nullptr, 300, 0, 0);
    return true;
  });
  ASSERT_TRUE(ask());
  ASSERT_EQ(gst_query_get_n_allocation_pools(query_), 2u);
  guint size, min, max;
  gst_query_parse_nth_allocation_pool(query_, 0, nullptr, &size, &min, &max);
  EXPECT_EQ(size, 200u);
  const auto held = min - 3;
  EXPECT_GE(held, 2u);
  EXPECT_EQ(max, 5 + held);
  gst_query_parse_nth_allocation_pool(query_, 1, nullptr, &size, &min, &max);
  EXPECT_EQ(size, 300u);
  EXPECT_EQ(min, held);
  EXPECT_EQ(max, 0u);
}

TEST_F(Allocation, IsAskedForAgainWhereThePipelinesLatencyMakesUsHoldMore) {
  pads_.set_answer([](GstQuery*) { return true; });
  const auto min_of = [&] {
    gst_query_unref(query_);
    query_ = new_query();
    EXPECT_TRUE(ask());
    guint min = 0;
    gst_query_parse_nth_allocation_pool(query_, 0, nullptr, nullptr, &min, nullptr);
    return min;
  };
  const auto before = min_of();
  send_latency(2 * GST_SECOND);
  EXPECT_EQ(reconfigures(), 1);
  EXPECT_EQ(min_of(), before + 50) << "two seconds at 25 fps";
  send_latency(2 * GST_SECOND);
  send_latency(GST_SECOND);
  EXPECT_EQ(reconfigures(), 1) << "the pools suffice";
}

TEST_F(Allocation, IsAskedForAgainOnceWhereUpstreamDoesNotFollow) {
  pads_.set_answer([](GstQuery*) { return true; });
  ASSERT_TRUE(ask());
  send_latency(GST_SECOND);
  send_latency(GST_SECOND);
  EXPECT_EQ(reconfigures(), 1);
  send_latency(2 * GST_SECOND);
  EXPECT_EQ(reconfigures(), 2);
}

TEST_F(Allocation, IsNotAskedForAgainWhereNobodyHasAsked) {
  send_latency(2 * GST_SECOND);
  EXPECT_EQ(reconfigures(), 0);
}

struct Latency {
  gboolean live = FALSE;
  GstClockTime min = 0, max = 0;
};

Latency ask_latency(Pads& pads) {
  GstQuery* query = gst_query_new_latency();
  Latency latency;
  EXPECT_TRUE(gst_pad_peer_query(pads.downstream(), query));
  gst_query_parse_latency(query, &latency.live, &latency.min, &latency.max);
  gst_query_unref(query);
  return latency;
}

TEST(LatencyQuery, WithoutInferenceAddsNothingToTheMinimum) {
  Pads pads(kLaunch);
  pads.set_upstream_latency(true, 40 * GST_MSECOND, 80 * GST_MSECOND);
  pads.start();
  const auto latency = ask_latency(pads);
  EXPECT_TRUE(latency.live);
  EXPECT_EQ(latency.min, 40 * GST_MSECOND);
  EXPECT_GT(latency.max, 80 * GST_MSECOND);
}

TEST(LatencyQuery, StaysUnboundedAndNotLiveWhereUpstreamIs) {
  Pads pads(kLaunch);
  pads.start();
  const auto latency = ask_latency(pads);
  EXPECT_FALSE(latency.live);
  EXPECT_EQ(latency.max, GST_CLOCK_TIME_NONE);
}

// An encoder or a sink that holds frames on purpose finds room for as long as it said.
TEST(OutputLimit, FollowsTheLatencyThatThePipelineConfigures) {
  Pads pads(kLaunch);
  pads.start();
  pads.wait_for(3);
  GstPad* src = gst_element_get_static_pad(pads.element(), "src");
  gst_pad_send_event(src, gst_event_new_latency(2 * GST_SECOND));
  gst_object_unref(src);
  pads.hold();
  // Two seconds at 25 fps. Would block here if the limit were any lower.
  for (guint64 number = 0; number < 50; number++) pads.push(Pads::buffer(number));
  pads.release();
  EXPECT_EQ(pads.wait_for(53).size(), 53u);
}

// In bytes as well: eight-K frames would fill the memory long before they fill ten seconds.
TEST(OutputLimit, IsHalfAGigabyteHoweverLongThePipelinesLatencyIs) {
  Pads pads(kLaunch);
  pads.start("s", "video/x-raw,format=RGBA,width=7680,height=4320,framerate=25/1");
  pads.wait_for(3);
  GstPad* src = gst_element_get_static_pad(pads.element(), "src");
  gst_pad_send_event(src, gst_event_new_latency(10 * GST_SECOND));
  gst_object_unref(src);
  pads.hold();
  // Of a frame nothing is looked at: all of them lie in the same memory.
  constexpr gsize kFrame = gsize{7680} * 4320 * 4;
  std::vector<guint8> pixels(kFrame);
  std::atomic<guint64> pushed = 0;
  auto pushing = std::async(std::launch::async, [&] {
    GstFlowReturn flow = GST_FLOW_OK;
    while (flow == GST_FLOW_OK) {
      flow = pads.push(gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, pixels.data(), kFrame,
                                                   0, kFrame, nullptr, nullptr));
      pushed++;
    }
  });
  ASSERT_TRUE(pads.wait_until_held());
  EXPECT_EQ(pushing.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  // Beside the one that downstream holds and the one that waits for room.
  EXPECT_LE(pushed, (gsize{512} << 20) / kFrame + 1 + 2);
  pads.push_event(gst_event_new_flush_start());
  pushing.get();
}

}  // namespace
}  // namespace torchinfer::test
