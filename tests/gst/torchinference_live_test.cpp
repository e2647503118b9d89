// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gst/base/gstbasesink.h>
#include <gst/check/gsttestclock.h>

#include <chrono>
#include <optional>

#include "inference_fixture.h"
#include "support/pipeline.h"
#include "support/standing_clock.h"

// A camera, a model and a display that forgives nothing, in a pipeline of their own.

namespace torchinfer::test {
namespace {

/// Time passes where the test lets it, in ticks, and for the pipeline's clock and the engine's
/// alike. Whatever is due at a tick has been done before the next one, however long the machine
/// takes over it. The forward of each frame has a gate, which opens when it has lasted long enough.
class LivePipeline : public InferenceTest {
 protected:
  static constexpr GstClockTime kTick = 5 * GST_MSECOND;
  static constexpr GstClockTime kFrame = 40 * GST_MSECOND;
  static constexpr guint64 kFrames = 100;

  void TearDown() override {
    for (guint64 number = 0; number < kFrames; number++) control.open_gate(gate(number));
    recorder_.reset();
    pipeline_.reset();
    InferenceTest::TearDown();
  }

  /// The self-test said that a forward lasts `measured`. A frame's result is there `held` after the
  /// frame, with no more than two frames at a time in the engine.
  void start(GstClockTime measured, GstClockTime held,
             GstClockTime forced_latency = GST_CLOCK_TIME_NONE) {
    held_ = held;
    std::string model = "batch-time " + std::to_string(measured / GST_MSECOND) + "ms\n";
    for (guint64 number = 0; number < kFrames; number++)
      model += "forward gate " + gate(number) + " mean " + std::to_string(number) + "\n";
    pipeline_.emplace(
        "videotestsrc name=source is-live=true ! "
        "video/x-raw,format=GRAY8,width=16,height=8,framerate=25/1 ! " +
        launch(model, "name=infer") +
        " ! fakesink name=sink async=false sync=true qos=true max-lateness=0 "
        "processing-deadline=0");
    const auto source = pipeline_->pad("source", "src");
    be_a_camera(source.get());
    number_frames(source.get());
    recorder_.emplace(pipeline_->pad("sink", "sink"));
    infer_ = pipeline_->find("infer");
    sink_ = pipeline_->find("sink");
    auto* const pipeline = GST_PIPELINE(pipeline_->element());
    gst_pipeline_use_clock(pipeline, GST_CLOCK_CAST(clock_.get()));
    gst_pipeline_set_latency(pipeline, forced_latency);
    ASSERT_TRUE(pipeline_->reaches(GST_STATE_PLAYING));
    // A test source knows its latency when it has caps, which it has when it waits for the clock.
    ASSERT_TRUE(eventually([&] { return gst_test_clock_peek_id_count(clock_.get()) == 1; }));
    ASSERT_TRUE(gst_bin_recalculate_latency(bin()));
    messages(GST_MESSAGE_ANY);
  }

  /// Plays from where it stopped, up to this running time and with it.
  void play_until(GstClockTime end) {
    for (; now_ <= end; now_ += kTick) {
      gst_test_clock_set_time(clock_.get(), kStart + now_);
      if (now_ >= kFrame + held_ && (now_ - held_) % kFrame == 0) control.open_gate(gate(ready_++));
      ASSERT_TRUE(eventually([&] { return is_settled(); })) << now_;
      engine_clock_.advance(std::chrono::nanoseconds(kTick));
    }
  }

  /// What the sink waits for before it shows a frame.
  GstClockTime configured_latency() const {
    return gst_base_sink_get_latency(GST_BASE_SINK(sink_.get()));
  }
  guint64 sink_stat(const std::string& field) const { return stat(sink_.get(), field); }
  GstElement* infer() const { return infer_.get(); }
  GstBin* bin() const { return pipeline_->bin(); }

  /// How many messages of a type have come from any element since this was asked last, or from
  /// `from`. Forgets the others.
  int messages(GstMessageType type, GstElement* from = nullptr) {
    GstBus* bus = gst_element_get_bus(pipeline_->element());
    int count = 0;
    while (GstMessage* message = gst_bus_pop(bus)) {
      EXPECT_NE(GST_MESSAGE_TYPE(message), GST_MESSAGE_ERROR);
      count += GST_MESSAGE_TYPE(message) == type &&
               (from == nullptr || GST_MESSAGE_SRC(message) == GST_OBJECT_CAST(from));
      gst_message_unref(message);
    }
    gst_object_unref(bus);
    return count;
  }

  /// Frames came to the sink in their order, none is missing, and each has its own result.
  void expect_all_came(guint64 count) const {
    const auto frames = recorder_->frames();
    ASSERT_GE(frames.size(), count);
    for (guint64 number = 0; number < frames.size(); number++)
      EXPECT_EQ(frames[number], (SeenFrame{number, std::to_string(number), 16}));
  }

 private:
  static constexpr GstClockTime kStart = 1000 * GST_SECOND;

  static std::string gate(guint64 number) { return "frame-" + std::to_string(number); }

  // A test source says that a frame is there when it has ended, and sends it when it begins: here
  // it is late as it says. A sink forgives as much as a frame lasts: here nothing.
  static void be_a_camera(GstPad* pad) {
    const auto change = [](GstPad*, GstPadProbeInfo* info, gpointer) {
      GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
      if (GST_BUFFER_PTS(buffer) < kFrame) return GST_PAD_PROBE_DROP;
      buffer = gst_buffer_make_writable(buffer);
      info->data = buffer;
      GST_BUFFER_PTS(buffer) -= kFrame;
      GST_BUFFER_DURATION(buffer) = 1;
      return GST_PAD_PROBE_OK;
    };
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, change, nullptr, nullptr);
  }

  /// Wakes whoever waits for a time that has come, and those who come to wait for one.
  void wake() {
    while (GstClockID due = gst_test_clock_process_next_clock_id(clock_.get()))
      gst_clock_id_unref(due);
  }

  /// All that is due has been done: the source has sent its frame and waits for the next one's
  /// time, the model has what its gates let through, and the sink is rid of that or waits as well.
  bool is_settled() {
    wake();
    if (stat(infer_.get(), "received") < now_ / kFrame ||
        stat(infer_.get(), "inference/count") < ready_)
      return false;
    const auto left = sink_stat("rendered") + sink_stat("dropped");
    const guint sleepers = left < ready_ ? 2 : 1;
    return gst_test_clock_peek_id_count(clock_.get()) == sleepers &&
           gst_test_clock_get_next_entry_time(clock_.get()) > kStart + now_;
  }

  StandingClock engine_clock_;
  const std::unique_ptr<GstTestClock, UnrefObject> clock_{
      GST_TEST_CLOCK(gst_test_clock_new_with_start_time(kStart))};
  GstClockTime held_ = 0;
  GstClockTime now_ = 0;
  guint64 ready_ = 0;
  std::optional<Pipeline> pipeline_;
  std::optional<FrameRecorder> recorder_;
  ElementPtr infer_, sink_;
};

TEST_F(LivePipeline, NoFrameIsLateWhereTheModelIsAsFastAsItsSelfTest) {
  start(30 * GST_MSECOND, 30 * GST_MSECOND);
  const auto answered = stat(infer(), "latency");
  EXPECT_EQ(answered, 90 * GST_MSECOND);
  EXPECT_EQ(configured_latency(), kFrame + answered);
  play_until(80 * kFrame);
  expect_all_came(77);
  EXPECT_EQ(sink_stat("dropped"), 0u);
  EXPECT_EQ(sink_stat("rendered"), 77u);
  EXPECT_EQ(stat(infer(), "received"), 80u);
  EXPECT_EQ(stat(infer(), "skipped-late") + stat(infer(), "skipped-overload"), 0u);
  EXPECT_EQ(messages(GST_MESSAGE_QOS), 0);
}

TEST_F(LivePipeline, NoFrameIsLateWhereEachIsHeldForTheWholeLatency) {
  start(20 * GST_MSECOND, 60 * GST_MSECOND);
  EXPECT_EQ(configured_latency(), kFrame + 60 * GST_MSECOND);
  play_until(80 * kFrame);
  expect_all_came(78);
  EXPECT_EQ(sink_stat("dropped"), 0u);
  EXPECT_EQ(sink_stat("rendered"), 78u);
  EXPECT_EQ(stat(infer(), "latency"), 60 * GST_MSECOND);
  EXPECT_EQ(messages(GST_MESSAGE_QOS), 0);
}

// So the tests above can fail: one tick less, and all frames are late.
TEST_F(LivePipeline, FramesAreLateWhereThePipelineIsToldLess) {
  const auto less = kFrame + 60 * GST_MSECOND - kTick;
  start(20 * GST_MSECOND, 60 * GST_MSECOND, less);
  EXPECT_EQ(configured_latency(), less);
  play_until(80 * kFrame);
  expect_all_came(78);
  EXPECT_EQ(sink_stat("rendered") + sink_stat("dropped"), 78u);
  EXPECT_LE(sink_stat("rendered"), 3u) << "a late one each second, so that something is seen";
  EXPECT_EQ(messages(GST_MESSAGE_QOS), static_cast<int>(sink_stat("dropped")));
}

TEST_F(LivePipeline, FramesAreLateUntilTheLatencyHasGrown) {
  start(10 * GST_MSECOND, 35 * GST_MSECOND);
  EXPECT_EQ(configured_latency(), kFrame + 30 * GST_MSECOND);
  play_until(40 * kFrame);
  const auto dropped = sink_stat("dropped");
  EXPECT_GT(dropped, 30u);
  EXPECT_EQ(messages(GST_MESSAGE_LATENCY, infer()), 1);
  // As applications do on that message.
  gst_bin_recalculate_latency(bin());
  EXPECT_EQ(configured_latency(), kFrame + 40 * GST_MSECOND);
  play_until(80 * kFrame);
  expect_all_came(78);
  EXPECT_EQ(sink_stat("dropped"), dropped);
  EXPECT_EQ(messages(GST_MESSAGE_LATENCY, infer()), 0);
}

}  // namespace
}  // namespace torchinfer::test
