// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gst/video/video.h>

#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <map>
#include <set>

#include "error_fixture.h"
#include "inference_fixture.h"
#include "support/pipeline.h"

// Sixty-four streams in eight pipelines of one process, no two alike, at one engine: each gets each
// of its frames back, in order and with its own result, whatever becomes of the others.

namespace torchinfer::test {
namespace {

constexpr int kPipelines = 8;
constexpr int kStreamsOfEach = 8;
constexpr int kStreams = kPipelines * kStreamsOfEach;
constexpr guint64 kFrames = 40;
constexpr guint64 kFailsAt = 20;    // frame of the stream that fails
constexpr guint64 kSilentFrom = 3;  // and of the one that says nothing more
constexpr int kFailing = 19;        // in the third pipeline
constexpr int kSilent = 44;         // in the sixth
constexpr guint8 kFatal = 255;      // the grey on which the model throws

constexpr std::array kFormats = {"I420", "RGB",  "GRAY8", "NV12", "BGRA", "YV12", "ABGR",
                                 "NV21", "RGBA", "BGR",   "ARGB", "RGBx", "BGRx"};
constexpr std::array kSizes = {"width=16,height=8", "width=64,height=48", "width=33,height=17",
                               "width=320,height=180", "width=2,height=90"};
constexpr std::array kRates = {"25/1", "30000/1001", "60/1", "50/1", "15/1", "120/1", "240/1"};

/// One stream of numbered frames, each of one grey.
class Stream {
 public:
  explicit Stream(int index) : index_(index) {}

  std::string launch(const std::string& inference) const {
    const auto at = static_cast<std::size_t>(index_);
    const auto number = std::to_string(index_);
    // Every other camera is live; all wait, so that every frame has a result.
    return "videotestsrc name=source" + number + " num-buffers=" + std::to_string(kFrames) +
           (at % 2 == 0 ? " is-live=true" : "") +
           " ! video/x-raw,colorimetry=1:4:0:0,format=" + kFormats[at % kFormats.size()] + "," +
           kSizes[at % kSizes.size()] + ",framerate=" + kRates[at % kRates.size()] + " ! " +
           inference + " overload-policy=wait top-k=" + std::to_string(1 + at % 4) +
           " name=inference" + number + " ! fakesink name=sink" + number + " ";
  }

  void watch(const Pipeline& pipeline) {
    const auto number = std::to_string(index_);
    element_ = pipeline.find("inference" + number);
    gst_pad_add_probe(
        pipeline.pad("source" + number, "src").get(), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad* pad, GstPadProbeInfo* info, gpointer self) {
          static_cast<Stream*>(self)->enter(pad, info);
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
    gst_pad_add_probe(
        pipeline.pad("sink" + number, "sink").get(), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo* info, gpointer self) {
          static_cast<Stream*>(self)->leave(GST_PAD_PROBE_INFO_BUFFER(info));
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
  }

  std::string name() const { return "stream " + std::to_string(index_); }
  GstElement* element() const { return element_.get(); }
  guint64 entered() const { return entered_; }
  guint64 left() const { return left_; }
  guint64 expected() const {
    return index_ == kFailing ? kFailsAt : index_ == kSilent ? kSilentFrom : kFrames;
  }
  void speak() { speaks_.set_value(); }
  /// The batches in which its frames were. Once it stands still.
  const std::vector<guint64>& batches() const { return batches_; }

 private:
  guint8 grey(guint64 frame) const {
    if (index_ == kFailing && frame == kFailsAt) return kFatal;
    return static_cast<guint8>((static_cast<guint64>(index_) * 5 + frame) % kFatal);
  }

  void enter(GstPad* pad, GstPadProbeInfo* info) {
    if (index_ == kSilent && entered_ == kSilentFrom) speaks_.get_future().wait();
    GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    info->data = buffer;
    GstCaps* caps = gst_pad_get_current_caps(pad);
    GstVideoInfo video;
    gst_video_info_from_caps(&video, caps);
    gst_caps_unref(caps);
    GstVideoFrame frame;
    gst_video_frame_map(&frame, &video, buffer, GST_MAP_WRITE);
    for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&frame); plane++) {
      const bool chroma = plane > 0;  // formats of several planes are YUV here
      const auto bytes = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane) *
                         GST_VIDEO_FRAME_COMP_HEIGHT(&frame, chroma ? 1 : 0);
      std::memset(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane), chroma ? 128 : grey(entered_),
                  static_cast<std::size_t>(bytes));
    }
    gst_video_frame_unmap(&frame);
    GST_BUFFER_OFFSET(buffer) = entered_++;
  }

  void leave(GstBuffer* buffer) {
    EXPECT_EQ(GST_BUFFER_OFFSET(buffer), left_) << "stream " << index_;
    EXPECT_EQ(best_class(buffer), std::to_string(grey(left_)))
        << "stream " << index_ << ", frame " << left_;
    if (const auto results = results_of(buffer)) {
      EXPECT_EQ(results->classes.size(), 1 + static_cast<std::size_t>(index_) % 4);
      batches_.push_back(results->mark.batch);
    }
    left_++;
  }

  const int index_;
  ElementPtr element_;
  std::atomic<guint64> entered_ = 0, left_ = 0;
  std::promise<void> speaks_;
  std::vector<guint64> batches_;
};

class ManyStreams : public InferenceTest {
 protected:
  /// What a pipeline says until its end, or until it has said `most`: who failed, and of what.
  static std::vector<std::pair<std::string, std::string>> errors_of(const Pipeline& pipeline,
                                                                    std::size_t most) {
    std::vector<std::pair<std::string, std::string>> errors;
    GstBus* bus = gst_element_get_bus(pipeline.element());
    while (errors.size() < most) {
      GstMessage* message = gst_bus_timed_pop_filtered(
          bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
      if (message == nullptr) ADD_FAILURE() << "a pipeline does not end";
      if (message == nullptr || GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
        g_clear_pointer(&message, gst_message_unref);
        break;
      }
      const std::string who = GST_OBJECT_NAME(GST_MESSAGE_SRC(message));
      errors.emplace_back(who, ErrorTelling::read(message).torch_code);
    }
    gst_object_unref(bus);
    return errors;
  }
};

TEST_F(ManyStreams, OfAllKindsShareAnEngineAndNoneCostsAnotherAFrame) {
  const auto inference = "torchinference workers=2 threads=1 batch-size=8 model-file=" +
                         write_model("forward throw mean 255\nforward slow 1ms");
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<std::unique_ptr<Pipeline>> pipelines;
  for (int i = 0; i < kPipelines; i++) {
    std::string launch;
    for (int j = 0; j < kStreamsOfEach; j++) {
      streams.push_back(std::make_unique<Stream>(static_cast<int>(streams.size())));
      launch += streams.back()->launch(inference);
    }
    pipelines.push_back(std::make_unique<Pipeline>(launch));
    for (int j = 0; j < kStreamsOfEach; j++)
      streams[static_cast<std::size_t>(i * kStreamsOfEach + j)]->watch(*pipelines.back());
  }
  for (const auto& pipeline : pipelines) pipeline->set_state(GST_STATE_PLAYING);

  // One never speaks again, one fails, and nobody else is any the worse for it.
  for (const auto& stream : streams)
    EXPECT_TRUE(eventually([&] { return stream->left() == stream->expected(); }))
        << stream->name() << " has " << stream->left();
  EXPECT_EQ(control.loads(), 1u);
  const auto engine = stat(streams.front()->element(), "engine-id");
  for (const auto& stream : streams) EXPECT_EQ(stat(stream->element(), "engine-id"), engine);
  streams[kSilent]->speak();

  for (int i = 0; i < kPipelines; i++) {
    // Behind an error comes no end of stream, as with core's queue.
    const bool fails = i == kFailing / kStreamsOfEach;
    const auto errors = errors_of(*pipelines[static_cast<std::size_t>(i)], fails ? 2 : 1);
    if (!fails) {
      EXPECT_TRUE(errors.empty()) << errors.front().first << " " << errors.front().second;
      continue;
    }
    const auto number = std::to_string(kFailing);
    EXPECT_THAT(errors,
                testing::UnorderedElementsAre(std::pair("inference" + number, "ForwardFailed"),
                                              std::pair("source" + number, "")))
        << "upstream hears of it";
  }

  std::map<guint64, std::set<std::size_t>> streams_of_batch;
  for (std::size_t i = 0; i < streams.size(); i++) {
    if (i == kFailing) continue;
    EXPECT_EQ(streams[i]->entered(), kFrames) << "stream " << i;
    EXPECT_EQ(streams[i]->left(), kFrames) << "stream " << i;
    EXPECT_EQ(stat(streams[i]->element(), "inferred"), kFrames) << "stream " << i;
    for (const auto batch : streams[i]->batches()) streams_of_batch[batch].insert(i);
  }
  std::size_t most = 0;
  for (const auto& [batch, members] : streams_of_batch) most = std::max(most, members.size());
  EXPECT_EQ(most, 8u) << "streams in the batch that has most of them";
  EXPECT_EQ(control.largest_batch(), 8u);

  pipelines.clear();
  EXPECT_EQ(control.models(), 0);
}

}  // namespace
}  // namespace torchinfer::test
