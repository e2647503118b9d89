// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include "inference_fixture.h"
#include "support/pipeline.h"

// In PAUSED a pipeline waits for one frame, and sends no second one until that has come: whole
// pipelines with a batch of eight that may wait for ten seconds, as long as it ever may.

namespace torchinfer::test {
namespace {

using testing::Each;
using testing::Field;
using testing::Ne;

class Preroll : public InferenceTest {
 protected:
  static constexpr const char* kPatient = "batch-size=8 batch-timeout=10000000000";
  static constexpr const char* kSink = "fakesink name=sink sync=true";

  /// `source` up to and with the caps, then the element, then `sink`.
  std::string line(const std::string& source, const std::string& sink = kSink,
                   const std::string& properties = kPatient) {
    return source + " ! video/x-raw,format=GRAY8,width=16,height=8,framerate=25/1 ! " +
           launch("", "name=infer " + properties) + " ! " + sink;
  }

  static constexpr auto kNothing = "";  // of best_class(): no model has looked
};

TEST_F(Preroll, WorksWithOneFrameAndEos) {
  Pipeline pipeline(line("videotestsrc num-buffers=1"));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  EXPECT_TRUE(pipeline.reaches_eos());
}

TEST_F(Preroll, WorksWithAPicture) {
  const auto path = folder.path("picture.jpg");
  Pipeline drawing(
      "videotestsrc num-buffers=1 ! video/x-raw,width=64,height=48 ! jpegenc ! filesink location=" +
      path);
  drawing.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(drawing.reaches_eos());
  Pipeline pipeline("filesrc location=" + path + " ! jpegdec ! " + launch("", kPatient) + " ! " +
                    kSink);
  const FrameRecorder sink(pipeline.pad("sink", "sink"));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  EXPECT_TRUE(pipeline.reaches_eos());
  EXPECT_THAT(sink.frames(), testing::ElementsAre(Field(&SeenFrame::result, Ne(kNothing))));
}

TEST_F(Preroll, WorksBehindATeeWithoutQueues) {
  // The other branch holds the tee's thread after the first frame: no second one ever comes. The
  // batch's wait ends when the stream has been silent for a while, and not by what comes.
  Pipeline pipeline(line("videotestsrc num-buffers=20 ! tee name=t",
                         std::string(kSink) + " t. ! fakesink sync=true"));
  const FrameRecorder sink(pipeline.pad("sink", "sink"));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  EXPECT_TRUE(pipeline.reaches_eos());
  EXPECT_EQ(sink.frames().size(), 20u);
  EXPECT_THAT(sink.frames(), Each(Field(&SeenFrame::result, Ne(kNothing))));
}

TEST_F(Preroll, StepsFrameByFrame) {
  Pipeline pipeline(line("videotestsrc num-buffers=60 name=source"));
  number_frames(pipeline.pad("source", "src").get());
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  const auto sink = pipeline.find("sink");
  for (guint64 step = 1; step <= 10; step++) {
    gst_element_send_event(pipeline.element(),
                           gst_event_new_step(GST_FORMAT_BUFFERS, 1, 1.0, TRUE, FALSE));
    ASSERT_TRUE(pipeline.settles());
    GstSample* sample = nullptr;
    g_object_get(sink.get(), "last-sample", &sample, nullptr);
    ASSERT_NE(sample, nullptr);
    EXPECT_EQ(GST_BUFFER_PTS(gst_sample_get_buffer(sample)), step * 40 * GST_MSECOND);
    EXPECT_EQ(best_class(gst_sample_get_buffer(sample)), std::to_string(step));
    gst_sample_unref(sample);
  }
}

TEST_F(Preroll, TakesEosInPaused) {
  Pipeline pipeline(line("videotestsrc num-buffers=3 name=source"));
  const auto source = pipeline.pad("source", "src");
  const FrameRecorder sink(pipeline.pad("sink", "sink"));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  while (!GST_PAD_IS_EOS(source.get())) g_usleep(100);
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  EXPECT_TRUE(pipeline.reaches_eos());
  EXPECT_EQ(sink.frames().size(), 3u);
}

TEST_F(Preroll, TakesEosInsteadOfAFrame) {
  Pipeline pipeline(line("videotestsrc num-buffers=0"));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  EXPECT_TRUE(pipeline.reaches_eos());
}

TEST_F(Preroll, SeeksInPaused) {
  Pipeline pipeline(line("videotestsrc name=source"));
  number_frames(pipeline.pad("source", "src").get());
  FrameRecorder sink(pipeline.pad("sink", "sink"));
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  for (guint64 number = 10; number <= 50; number += 10) {
    sink.forget();
    ASSERT_TRUE(gst_element_seek_simple(
        pipeline.element(), GST_FORMAT_TIME,
        static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
        static_cast<gint64>(number * 40 * GST_MSECOND)));
    ASSERT_TRUE(pipeline.settles());
    EXPECT_THAT(sink.frames(), testing::ElementsAre(SeenFrame{number, std::to_string(number), 16}));
  }
}

TEST_F(Preroll, StatesCycleWhileDataFlowsAndTheModelIsLoadedOnce) {
  Pipeline pipeline(line("videotestsrc", "fakesink sync=false", "batch-size=8 batch-timeout=0"));
  for (int i = 0; i < 25; i++) {
    ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
    ASSERT_TRUE(pipeline.reaches(i % 2 == 0 ? GST_STATE_READY : GST_STATE_PAUSED));
  }
  EXPECT_EQ(control.loads(), 1u);
  ASSERT_TRUE(pipeline.reaches(GST_STATE_NULL));
  EXPECT_EQ(control.models(), 0);
}

}  // namespace
}  // namespace torchinfer::test
