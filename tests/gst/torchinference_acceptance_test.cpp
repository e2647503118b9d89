// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gst/video/video.h>

#include <array>
#include <cmath>

#include "error_fixture.h"
#include "results.h"
#include "support/temp_folder.h"
#include "test_models.h"

// What GStreamer's own suite asks of its inference elements, asked of this one from outside, with
// libtorch: which numbers a model is given of a frame, which outputs it may have, and which models
// are refused. docs/testing.md has the list.

namespace torchinfer::test {
namespace {

using testing::AllOf;
using testing::DoubleNear;
using testing::HasSubstr;
using testing::Pointwise;

/// Red, green and blue of a frame. Ranges of 0 to 10 make whole numbers of these.
using Colour = std::array<guint8, 3>;
constexpr Colour kColour = {51, 102, 153};
constexpr guint8 kAlpha = 204;

constexpr int kSide = 4;
constexpr std::size_t kPixels = kSide * kSide;

/// A frame of one colour; a grey one has its red. What is not the picture has other values.
GstBuffer* solid_frame(const GstVideoInfo& info, const Colour& colour) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, info.size, nullptr);
  gst_buffer_memset(buffer, 0, 255, info.size);
  GstVideoFrame frame;
  gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE);
  for (guint component = 0; component < GST_VIDEO_FRAME_N_COMPONENTS(&frame); component++) {
    auto* data = static_cast<guint8*>(GST_VIDEO_FRAME_COMP_DATA(&frame, component));
    for (int y = 0; y < info.height; y++)
      for (int x = 0; x < info.width; x++)
        data[y * GST_VIDEO_FRAME_COMP_STRIDE(&frame, component) +
             x * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, component)] =
            component < colour.size() ? colour.at(component) : kAlpha;
  }
  gst_video_frame_unmap(&frame);
  return buffer;
}

std::string caps_of(const std::string& format, int width = kSide, int height = kSide) {
  return "video/x-raw,framerate=30/1,format=" + format + ",width=" + std::to_string(width) +
         ",height=" + std::to_string(height);
}

GstBuffer* solid_frame(const std::string& caps, const Colour& colour = kColour) {
  GstCaps* parsed = gst_caps_from_string(caps.c_str());
  GstVideoInfo info;
  EXPECT_TRUE(gst_video_info_from_caps(&info, parsed)) << caps;
  gst_caps_unref(parsed);
  return solid_frame(info, colour);
}

/// A model info for one of the models "pixels", which show what they are given.
struct Info {
  std::string dims = "-1,3,4,4";
  std::string ranges = "ranges=0,10\n";
  std::string type = "float32";
  std::string outputs = {};
  std::string order = "rgb";

  std::string text() const {
    return "[modelinfo]\nversion=1.0\n[image]\ndir=input\ntype=" + type + "\ndims=" + dims + "\n" +
           ranges + outputs +
           "[torchinference]\ntask=classification\nactivation=sigmoid\nresize=squash\n"
           "interpolation=bilinear\ncolor-order=" +
           order + "\n";
  }
};

/// The numbers that a frame's classes stand for: sigmoid was applied to them.
std::vector<double> numbers_on(GstBuffer* buffer) {
  const auto results = results_of(buffer);
  if (!results) return {};
  std::vector<double> numbers(results->classes.size());
  for (const auto& [name, score] : results->classes)
    numbers.at(std::stoul(name)) = std::log(double{score} / (1.0 - double{score}));
  return numbers;
}

/// Planes of these values, as a model of N x C x H x W sees a frame of one colour.
std::vector<double> planes(std::initializer_list<double> values) {
  std::vector<double> numbers;
  for (const double value : values) numbers.insert(numbers.end(), kPixels, value);
  return numbers;
}

class Acceptance : public testing::Test, public ErrorTelling {
 protected:
  std::string good_model() override { return TEST_MODELS_DIR "/colour.pt"; }

  void expect_playing(Pads& pads) override {
    pads.start("s", caps_of("RGB"));
    pads.push(solid_frame(caps_of("RGB")));
    pads.wait_for(4);
    EXPECT_EQ(best_class(pads.arrived_buffer(0)), "blue");
  }

  std::string launch(const std::string& model, const Info& info) {
    return "torchinference top-k=65536 model-file=" TEST_MODELS_DIR "/" + model +
           ".pt model-info-file=" + folder_.write("it.modelinfo", info.text());
  }

  /// What the model sees of a frame of kColour.
  std::vector<double> seen(const std::string& model, const Info& info,
                           const std::string& caps = caps_of("RGB")) {
    Pads pads(launch(model, info));
    pads.start("s", caps);
    EXPECT_EQ(pads.push(solid_frame(caps)), GST_FLOW_OK);
    pads.wait_for(4);
    return pads.arrived_buffers() == 1 ? numbers_on(pads.arrived_buffer(0)) : std::vector<double>{};
  }

  std::string refusal(const std::string& model, const Info& info) {
    return fail_and_recover(launch(model, info)).torch_code;
  }

 private:
  const TempFolder folder_;
};

auto near(std::vector<double> expected) { return Pointwise(DoubleNear(1e-4), std::move(expected)); }

TEST_F(Acceptance, ColoursArriveInTheModelsOrderWhateverTheFramesIs) {
  for (const auto format : {"RGB", "BGR", "RGBA", "BGRA", "RGBx", "BGRx", "ARGB", "ABGR"}) {
    EXPECT_THAT(seen("pixels", {}, caps_of(format)), near(planes({2, 4, 6}))) << format;
    EXPECT_THAT(seen("pixels", {.order = "bgr"}, caps_of(format)), near(planes({6, 4, 2})))
        << format;
  }
}

TEST_F(Acceptance, RangesScaleEachChannelByItself) {
  EXPECT_THAT(seen("pixels", {.ranges = "ranges=0,1\n"}), near(planes({0.2, 0.4, 0.6})));
  EXPECT_THAT(seen("pixels", {.ranges = "ranges=-1,1\n"}), near(planes({-0.6, -0.2, 0.2})));
  EXPECT_THAT(seen("pixels", {.ranges = "ranges=0,5;-1,1;1,0\n"}), near(planes({1, -0.2, 0.4})));
}

TEST_F(Acceptance, InputsMayBePlanarInterleavedOrBytes) {
  std::vector<double> interleaved;
  for (std::size_t i = 0; i < kPixels; i++) interleaved.insert(interleaved.end(), {2, 4, 6});
  const std::string chw = "-1,3,4,4", hwc = "-1,4,4,3";
  EXPECT_THAT(seen("pixels", {.dims = chw}), near(planes({2, 4, 6})));
  EXPECT_THAT(seen("pixels", {.dims = hwc}), near(interleaved));
  EXPECT_THAT(seen("pixels_of_bytes", {.dims = chw, .ranges = "", .type = "uint8"}),
              near(planes({2, 4, 6})));
  EXPECT_THAT(seen("pixels_of_bytes", {.dims = hwc, .ranges = "", .type = "uint8"}),
              near(interleaved));
}

TEST_F(Acceptance, FramesAndModelsMayBeGray) {
  EXPECT_THAT(seen("pixels", {}, caps_of("GRAY8")), near(planes({2, 2, 2})));
  const Info gray{.dims = "-1,1,4,4", .order = "gray"};
  EXPECT_THAT(seen("pixels", gray, caps_of("GRAY8")), near(planes({2})));
}

TEST_F(Acceptance, FramesMayBeOfAnySize) {
  for (const auto [width, height] : {std::pair{1, 4}, {4, 1}, {1, 1}, {37, 23}, {640, 360}})
    EXPECT_THAT(seen("pixels", {}, caps_of("RGB", width, height)), near(planes({2, 4, 6})))
        << width << " x " << height;
}

TEST_F(Acceptance, OutputsMayBeOfAnyNumberType) {
  for (const auto type : {"float64", "int32", "int8", "uint8"})
    EXPECT_THAT(seen(std::string("pixels_") + type, {}), near(planes({2, 4, 6}))) << type;
}

TEST_F(Acceptance, OfSeveralOutputsTheFirstOneIsClassified) {
  EXPECT_THAT(seen("pixels_and_planes", {}), near(planes({2, 4, 6})));
  const std::string named =
      "[first]\ndir=output\ntype=float32\ndims=-1,48\nid=some-scores\ndims-order=row-major\n"
      "[second]\ndir=output\ntype=float32\ndims=-1,3,16\nid=some-planes\n";
  EXPECT_THAT(seen("pixels_and_planes", {.outputs = named}), near(planes({2, 4, 6})));
  EXPECT_EQ(refusal("planes_and_pixels", {}), "BadOutput");
  EXPECT_EQ(refusal("pixels", {.outputs = "[first]\ndir=output\ntype=float32\ndims=-1,48\n"
                                          "dims-order=col-major\n"}),
            "Unsupported");
}

TEST_F(Acceptance, BatchesOfAnySizeGiveEachFrameItsOwn) {
  for (const auto dims : {"-1,3,4,4", "1,3,4,4"}) {
    Pads pads(launch("pixels", {.dims = dims}) +
              " batch-size=4 workers=1 batch-timeout=1000000000 overload-policy=wait");
    const auto caps = caps_of("RGB");
    pads.start("s", caps);
    for (guint8 i = 0; i < 10; i++)
      pads.push(solid_frame(caps, {static_cast<guint8>(51 * (i % 5)), 51, 102}));
    pads.push_event(gst_event_new_eos());
    ASSERT_EQ(pads.wait_for(14).size(), 14u);
    for (std::size_t i = 0; i < 10; i++) {
      const double red = 2.0 * static_cast<double>(i % 5);
      EXPECT_THAT(numbers_on(pads.arrived_buffer(i)), near(planes({red, 2, 4}))) << dims;
    }
  }
}

TEST_F(Acceptance, TimesFlagsAndMetasStayOnFramesWithResults) {
  Pads pads(launch("pixels", {}));
  pads.start("s", caps_of("RGB"));
  GstBuffer* sent = solid_frame(caps_of("RGB"));
  GST_BUFFER_PTS(sent) = 123 * GST_MSECOND;
  GST_BUFFER_DTS(sent) = 122 * GST_MSECOND;
  GST_BUFFER_DURATION(sent) = 33 * GST_MSECOND;
  GST_BUFFER_OFFSET(sent) = 7;
  GST_BUFFER_FLAG_SET(sent, GST_BUFFER_FLAG_DISCONT);
  gst_buffer_add_video_meta(sent, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_RGB, kSide, kSide);
  GstCaps* reference = gst_caps_from_string("timestamp/x-unix");
  gst_buffer_add_reference_timestamp_meta(sent, reference, 5 * GST_SECOND, GST_CLOCK_TIME_NONE);
  pads.push(sent);
  pads.wait_for(4);
  GstBuffer* got = pads.arrived_buffer(0);
  EXPECT_THAT(numbers_on(got), near(planes({2, 4, 6})));
  EXPECT_EQ(GST_BUFFER_PTS(got), 123 * GST_MSECOND);
  EXPECT_EQ(GST_BUFFER_DTS(got), 122 * GST_MSECOND);
  EXPECT_EQ(GST_BUFFER_DURATION(got), 33 * GST_MSECOND);
  EXPECT_EQ(GST_BUFFER_OFFSET(got), 7u);
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(got, GST_BUFFER_FLAG_DISCONT));
  EXPECT_NE(gst_buffer_get_video_meta(got), nullptr);
  const auto* time = gst_buffer_get_reference_timestamp_meta(got, reference);
  ASSERT_NE(time, nullptr);
  EXPECT_EQ(time->timestamp, 5 * GST_SECOND);
  gst_caps_unref(reference);
}

TEST_F(Acceptance, CapsLeaveAsTheyCame) {
  Pads pads(launch("pixels", {}));
  pads.start("s", caps_of("RGB") + ",pixel-aspect-ratio=1/1");
  pads.push(solid_frame(caps_of("RGB")));
  pads.wait_for(4);
  GstCaps* sent = gst_pad_get_current_caps(pads.upstream());
  GstCaps* got = gst_pad_get_current_caps(pads.downstream());
  EXPECT_TRUE(gst_caps_is_strictly_equal(sent, got));
  gst_caps_unref(sent);
  gst_caps_unref(got);
}

TEST_F(Acceptance, ModelInfosThatDescribeNoPictureAreRefused) {
  for (const auto dims : {"4", "-1,48", "3,4,4", "-1,3,1,4,4", "-1,2,4,4"})
    EXPECT_EQ(refusal("pixels", {.dims = dims}), "Unsupported") << dims;
  EXPECT_EQ(refusal("pixels", {.dims = "-1,3,0,4"}), "BadModelInfo");
  EXPECT_EQ(refusal("pixels", {.ranges = "ranges=0,1;0,1\n"}), "BadModelInfo");
  EXPECT_EQ(refusal("pixels", {.ranges = ""}), "BadModelInfo");
}

TEST_F(Acceptance, ModelsOfSeveralInputsAreRefused) {
  EXPECT_EQ(refusal("two_inputs", {.dims = "-1,3,32,32"}), "Unsupported");
}

}  // namespace
}  // namespace torchinfer::test
