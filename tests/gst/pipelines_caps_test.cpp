// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/video/video.h>

#include <cmath>
#include <fstream>

#include "inference_fixture.h"
#include "json_schema.h"
#include "support/pipeline.h"

// A stream whose frames change in the middle: size, format, colorimetry, frame rate.

namespace torchinfer::test {
namespace {

/// What a stream's frames are from now on, and what a grey of 100 in them means.
struct Change {
  const char* caps;
  const char* name;
  int width;
};

constexpr Change kChanges[] = {
    {"format=GRAY8,width=160,height=120,framerate=25/1", "100", 160},
    {"format=GRAY8,width=320,height=240,framerate=25/1", "100", 320},
    {"format=RGB,width=320,height=240,framerate=25/1", "100", 320},
    {"format=BGRx,width=17,height=9,framerate=25/1", "100", 17},
    // Y of the full range, and of 16 to 235.
    {"format=I420,width=64,height=48,framerate=25/1,colorimetry=1:4:0:0", "100", 64},
    {"format=I420,width=64,height=48,framerate=25/1,colorimetry=2:4:0:0", "98", 64},
    {"format=NV12,width=64,height=48,framerate=50/1,colorimetry=2:3:0:0", "98", 64},
    {"format=NV12,width=66,height=50,framerate=0/1,colorimetry=1:3:0:0", "100", 66},
    {"format=GRAY8,width=160,height=120,framerate=25/1", "100", 160},
};

/// A frame of which every pixel is a grey of 100.
GstBuffer* grey_frame(const GstVideoInfo& info) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_memset(buffer, 0, 100, GST_VIDEO_INFO_SIZE(&info));
  if (!GST_VIDEO_INFO_IS_YUV(&info)) return buffer;
  const auto luma = GST_VIDEO_INFO_PLANE_OFFSET(&info, 1);
  gst_buffer_memset(buffer, luma, 128, GST_VIDEO_INFO_SIZE(&info) - luma);
  return buffer;
}

class CapsChanges : public InferenceTest {
 protected:
  void push(GstElement* source, const GstCaps* caps) {
    GstVideoInfo info;
    ASSERT_TRUE(gst_video_info_from_caps(&info, caps));
    GstBuffer* buffer = grey_frame(info);
    GST_BUFFER_PTS(buffer) = pushed_++ * 40 * GST_MSECOND;
    GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
    GstSample* sample = gst_sample_new(buffer, const_cast<GstCaps*>(caps), nullptr, nullptr);
    gst_buffer_unref(buffer);
    GstFlowReturn flow = GST_FLOW_ERROR;
    g_signal_emit_by_name(source, "push-sample", sample, &flow);
    gst_sample_unref(sample);
    EXPECT_EQ(flow, GST_FLOW_OK);
  }

  guint64 pushed_ = 0;
};

// A batch of eight never fills before the next change: frames of all kinds ride together.
TEST_F(CapsChanges, ReachEachElementBetweenTheFramesTheyStandBetween) {
  const auto path = folder.path("lines.jsonl");
  Pipeline pipeline("appsrc name=source format=time ! " +
                    launch("", "batch-size=8 overload-policy=wait name=it") +
                    " ! classificationoverlay ! analyticsjson ! filesink location=" + path);
  const FrameRecorder seen(pipeline.pad("it", "src"));
  const auto source = pipeline.find("source");
  pipeline.set_state(GST_STATE_PLAYING);
  constexpr int kFrames = 3;
  for (const auto& change : kChanges) {
    GstCaps* caps = gst_caps_from_string((std::string("video/x-raw,") + change.caps).c_str());
    for (int i = 0; i < kFrames; i++) push(source.get(), caps);
    gst_caps_unref(caps);
  }
  GstFlowReturn flow;
  g_signal_emit_by_name(source.get(), "end-of-stream", &flow);
  ASSERT_TRUE(pipeline.reaches_eos());
  pipeline.set_state(GST_STATE_NULL);

  const auto frames = seen.frames();
  ASSERT_EQ(frames.size(), pushed_);
  std::ifstream file(path);
  std::string line;
  for (guint64 number = 0; number < pushed_; number++) {
    const auto& change = kChanges[number / kFrames];
    SCOPED_TRACE(change.caps);
    EXPECT_EQ(frames[number], (SeenFrame{number, change.name, change.width}));
    ASSERT_TRUE(std::getline(file, line));
    const auto json = parse_line(line + "\n");
    EXPECT_EQ(json["frame"], number);
    EXPECT_EQ(json["size"]["width"], change.width);
    EXPECT_EQ(json["analyses"][0]["classes"][0]["label"], change.name);
  }
}

TEST_F(CapsChanges, ThatCannotBeUsedAreRefusedAndWhatCameBeforeLeaves) {
  Pads& pads = play(launch("forward gate g"));
  pads.start();
  for (guint64 number = 0; number < 2; number++) pads.push(Pads::buffer(number));
  ASSERT_TRUE(control.await_at_gate("g", 1));
  pads.set_caps("video/x-raw,format=Y42B,width=16,height=8,framerate=25/1");
  EXPECT_EQ(pads.push(Pads::buffer(2)), GST_FLOW_NOT_NEGOTIATED);
  control.open_gate("g");
  EXPECT_EQ(pads.wait_for(5).size(), 5u);
  EXPECT_EQ(best_class(pads.arrived_buffer(1)), "1");
  pads.set_caps("video/x-raw,format=GRAY8,width=8,height=16,framerate=25/1");
  EXPECT_EQ(pads.push(Pads::buffer(3)), GST_FLOW_OK);
  pads.wait_for(7);
  EXPECT_EQ(best_class(pads.arrived_buffer(2)), "3");
}

}  // namespace
}  // namespace torchinfer::test
