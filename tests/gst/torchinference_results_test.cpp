// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gst/video/video.h>

#include <cmath>

#include "inference_fixture.h"

// What frames carry away, and which frames a model looks at.

namespace torchinfer::test {
namespace {

using testing::ElementsAre;
using testing::Pair;

class Results : public InferenceTest {
 protected:
  /// The best classes of frames that went through, in their order.
  static std::vector<std::string> best_classes(const Pads& pads) {
    std::vector<std::string> classes;
    for (std::size_t i = 0; i < pads.arrived_buffers(); i++)
      classes.push_back(best_class(pads.arrived_buffer(i)));
    return classes;
  }
};

TEST_F(Results, EachFrameCarriesItsOwnHoweverTheyWereBatched) {
  Pads pads(launch("", "batch-size=8 workers=2"));
  pads.start();
  for (guint64 number = 0; number < 200; number++)
    ASSERT_EQ(pads.push(Pads::buffer(number)), GST_FLOW_OK);
  pads.push_event(gst_event_new_eos());
  const auto arrived = pads.wait_for(204);
  ASSERT_EQ(arrived.size(), 204u);
  EXPECT_EQ(arrived.back(), "event eos");
  for (guint64 number = 0; number < 200; number++) {
    GstBuffer* buffer = pads.arrived_buffer(number);
    EXPECT_EQ(GST_BUFFER_OFFSET(buffer), number);
    EXPECT_EQ(best_class(buffer), std::to_string(number));
  }
  EXPECT_EQ(stat(pads.element(), "inferred"), 200u);
}

TEST_F(Results, AreTheTopKBestFirst) {
  Pads pads(launch("classes 10\nlabels a,b,c,d,e,f,g,h,i,j", "top-k=3"));
  pads.start();
  pads.push(Pads::buffer(4));
  pads.wait_for(4);
  EXPECT_THAT(results_of(pads.arrived_buffer(0))->classes,
              ElementsAre(Pair("e", 1.0F), Pair("a", 0.0F), Pair("b", 0.0F)));
}

TEST_F(Results, LeaveOutClassesBelowTheThreshold) {
  Pads pads(launch("", "top-k=3 class-confidence-threshold=0.5"));
  pads.start();
  pads.push(Pads::buffer(4));
  pads.wait_for(4);
  EXPECT_THAT(results_of(pads.arrived_buffer(0))->classes, ElementsAre(Pair("4", 1.0F)));
}

// A model that knows of a coat, a hat and a bag says something of each of them.
TEST_F(Results, AModelOfSeveralLabelsGivesEachWithItsScore) {
  Pads pads(launch("classes 4\nlabels coat,hat,bag,dog\nactivation sigmoid", "top-k=4"));
  pads.start();
  pads.push(Pads::buffer(2));
  pads.wait_for(4);
  const float yes = 1.0F / (1.0F + std::exp(-1.0F)), no = 0.5F;
  EXPECT_THAT(results_of(pads.arrived_buffer(0))->classes,
              ElementsAre(Pair("bag", testing::FloatEq(yes)), Pair("coat", no), Pair("hat", no),
                          Pair("dog", no)));
}

TEST_F(Results, AFrameInWhichNothingWasSeenIsMarkedAllTheSame) {
  Pads pads(launch("activation softmax", "class-confidence-threshold=0.9"));
  pads.start();
  pads.push(Pads::buffer(4));
  pads.wait_for(4);
  EXPECT_EQ(best_class(pads.arrived_buffer(0)), "none");
}

TEST_F(Results, TheMarkTellsModelBatchAndTime) {
  Pads pads(launch());
  pads.start();
  for (guint64 number = 0; number < 2; number++) pads.push(Pads::buffer(number));
  pads.wait_for(5);
  const auto mark = results_of(pads.arrived_buffer(1))->mark;
  const std::string digest = [&] {
    const std::unique_ptr<GstStructure, void (*)(GstStructure*)> stats(
        get<GstStructure*>(pads.element(), "stats"), gst_structure_free);
    return std::string(gst_structure_get_string(stats.get(), "model-sha256"));
  }();
  EXPECT_EQ(g_quark_to_string(mark.model), digest.substr(0, 12));
  EXPECT_EQ(mark.batch, results_of(pads.arrived_buffer(0))->mark.batch + 1);
  EXPECT_EQ(mark.batch_size, 1u);
  EXPECT_GT(mark.latency, 0u);
}

TEST_F(Results, StandBesideWhatWasThereAlready) {
  Pads pads(launch());
  pads.start();
  GstBuffer* sent = Pads::buffer(4);
  auto* meta = gst_buffer_add_analytics_relation_meta(sent);
  GstAnalyticsODMtd object;
  gst_analytics_relation_meta_add_od_mtd(meta, g_quark_from_string("dog"), 1, 2, 3, 4, 0.5F,
                                         &object);
  pads.push(sent);
  pads.wait_for(4);
  GstBuffer* got = pads.arrived_buffer(0);
  EXPECT_EQ(best_class(got), "4");
  EXPECT_TRUE(gst_analytics_relation_meta_get_od_mtd(gst_buffer_get_analytics_relation_meta(got),
                                                     object.id, &object));
}

TEST_F(Results, AreNotAskedForWhereThereIsNoPictureToLookAt) {
  Pads pads(launch());
  pads.push_event(gst_event_new_stream_start("s"));
  pads.set_caps(Pads::kCaps);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = 40 * GST_MSECOND;
  segment.stop = 400 * GST_MSECOND;
  pads.push_event(gst_event_new_segment(&segment));
  const auto send = [&](guint64 number, int flag) {
    GstBuffer* buffer = Pads::buffer(number);
    GST_BUFFER_FLAG_SET(buffer, flag);
    pads.push(buffer);
  };
  send(0, 0);  // before the segment
  send(1, 0);
  send(2, GST_BUFFER_FLAG_GAP);
  send(3, GST_BUFFER_FLAG_DECODE_ONLY);
  send(4, GST_BUFFER_FLAG_CORRUPTED);
  send(5, 0);
  send(11, 0);  // behind it
  pads.wait_for(10);
  EXPECT_THAT(best_classes(pads), ElementsAre("", "1", "", "", "", "5", ""));
  EXPECT_EQ(stat(pads.element(), "ineligible"), 5u);
  EXPECT_EQ(stat(pads.element(), "received"), 7u);
  EXPECT_EQ(control.items(), 2u);
}

TEST_F(Results, ComeEveryNthFrameAndTheIntervalMayChangeWhilePlaying) {
  Pads pads(launch("", "inference-interval=3"));
  pads.start();
  for (guint64 number = 0; number < 6; number++) pads.push(Pads::buffer(number));
  pads.wait_for(9);
  g_object_set(pads.element(), "inference-interval", 1, nullptr);
  for (guint64 number = 6; number < 8; number++) pads.push(Pads::buffer(number));
  pads.wait_for(11);
  EXPECT_THAT(best_classes(pads), ElementsAre("0", "", "", "3", "", "", "6", "7"));
  EXPECT_EQ(stat(pads.element(), "skipped-interval"), 4u);
}

TEST_F(Results, FollowTopKAndThresholdWhilePlaying) {
  Pads pads(launch("", "top-k=2"));
  pads.start();
  const auto classes_of = [&](guint64 number) {
    pads.push(Pads::buffer(number));
    pads.query(gst_query_new_drain());
    return results_of(pads.arrived_buffer(number))->classes.size();
  };
  EXPECT_EQ(classes_of(0), 2u);
  g_object_set(pads.element(), "top-k", 5, nullptr);
  EXPECT_EQ(classes_of(1), 5u);
  g_object_set(pads.element(), "class-confidence-threshold", 0.5, nullptr);
  EXPECT_EQ(classes_of(2), 1u);
}

class Formats : public InferenceTest, public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(, Formats,
                         testing::Values("I420", "YV12", "NV12", "NV21", "RGB", "BGR", "RGBA",
                                         "BGRA", "RGBx", "BGRx", "ARGB", "ABGR", "GRAY8"),
                         [](const auto& param) { return std::string(param.param); });

/// A grey frame with rows and planes that lie apart: only its video meta says where.
GstBuffer* padded_frame(const GstVideoInfo& info, guint8 grey, int crop) {
  GstVideoInfo whole;
  gst_video_info_set_format(&whole, GST_VIDEO_INFO_FORMAT(&info), info.width + 2 * crop,
                            info.height + 2 * crop);
  GstVideoAlignment align;
  gst_video_alignment_reset(&align);
  align.padding_left = align.padding_right = 6;
  align.padding_top = align.padding_bottom = 4;
  gst_video_info_align(&whole, &align);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&whole), nullptr);
  // What is not the picture is white, and would show in the mean.
  gst_buffer_memset(buffer, 0, 255, GST_VIDEO_INFO_SIZE(&whole));
  gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&whole),
                                 whole.width, whole.height, GST_VIDEO_INFO_N_PLANES(&whole),
                                 whole.offset, whole.stride);
  if (crop > 0) {
    auto* meta = gst_buffer_add_video_crop_meta(buffer);
    meta->x = meta->y = crop;
    meta->width = info.width;
    meta->height = info.height;
  }
  GstVideoFrame frame;
  gst_video_frame_map(&frame, &whole, buffer, GST_MAP_WRITE);
  const auto* layout = frame.info.finfo;
  for (guint component = 0; component < GST_VIDEO_FRAME_N_COMPONENTS(&frame); component++) {
    const bool chroma = GST_VIDEO_FORMAT_INFO_IS_YUV(layout) && component > 0;
    const int left = crop >> GST_VIDEO_FORMAT_INFO_W_SUB(layout, component);
    const int top = crop >> GST_VIDEO_FORMAT_INFO_H_SUB(layout, component);
    const int right = left + GST_VIDEO_FORMAT_INFO_SCALE_WIDTH(layout, component, info.width);
    const int bottom = top + GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT(layout, component, info.height);
    auto* data = static_cast<guint8*>(GST_VIDEO_FRAME_COMP_DATA(&frame, component));
    for (int y = top; y < bottom; y++)
      for (int x = left; x < right; x++)
        data[y * GST_VIDEO_FRAME_COMP_STRIDE(&frame, component) +
             x * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, component)] = chroma ? 128 : grey;
  }
  gst_video_frame_unmap(&frame);
  return buffer;
}

TEST_P(Formats, AreReadWithTheBuffersOwnStridesOffsetsAndCrop) {
  const std::string caps =
      std::string("video/x-raw,width=18,height=10,framerate=25/1,colorimetry=1:4:0:0,format=") +
      GetParam();
  GstCaps* parsed = gst_caps_from_string(caps.c_str());
  GstVideoInfo info;
  ASSERT_TRUE(gst_video_info_from_caps(&info, parsed));
  gst_caps_unref(parsed);
  Pads pads(launch());
  pads.start("s", caps);
  pads.push(padded_frame(info, 100, 0));
  pads.push(padded_frame(info, 37, 4));
  pads.wait_for(5);
  EXPECT_EQ(best_class(pads.arrived_buffer(0)), "100");
  EXPECT_EQ(best_class(pads.arrived_buffer(1)), "37");
}

TEST_F(Results, AFrameSmallerThanItsCapsIsAnError) {
  Pads pads(launch());
  pads.start("s", "video/x-raw,format=GRAY8,width=64,height=64,framerate=25/1");
  pads.push(Pads::buffer(0));
  GstMessage* message = pads.wait_for_message(GST_MESSAGE_ERROR);
  ASSERT_NE(message, nullptr);
  gst_message_unref(message);
}

TEST_F(Results, ANewSizeTakesEffectWithTheFramesBehindItsCaps) {
  Pads pads(launch());
  pads.start();
  pads.push(Pads::buffer(1));
  pads.set_caps("video/x-raw,format=RGB,width=4,height=4,framerate=25/1");
  GstBuffer* rgb = gst_buffer_new_allocate(nullptr, 48, nullptr);
  gst_buffer_memset(rgb, 0, 77, 48);
  pads.push(rgb);
  pads.wait_for(6);
  EXPECT_THAT(best_classes(pads), ElementsAre("1", "77"));
}

}  // namespace
}  // namespace torchinfer::test
