// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <future>

#include "inference_fixture.h"
#include "support/pipeline.h"

// Pipelines that are rebuilt while they play, as applications do it.

namespace torchinfer::test {
namespace {

using testing::Each;
using testing::Field;

constexpr const char* kFrames = "video/x-raw,format=GRAY8,width=160,height=120,framerate=25/1";

class Rebuilt : public InferenceTest, public testing::WithParamInterface<const char*> {
 protected:
  std::string one_element() {
    const std::string name = GetParam();
    return name == "torchinference" ? launch("", "batch-size=4 overload-policy=wait") : name;
  }
};

INSTANTIATE_TEST_SUITE_P(, Rebuilt,
                         testing::Values("torchinference", "classificationoverlay",
                                         "analyticsjson"),
                         [](const auto& param) { return std::string(param.param); });

/// Calls `change` once nothing flows through `pad`, on whatever thread that is, and waits for it.
template <class Change>
void while_blocked(GstPad* pad, Change change) {
  struct Once {
    Change change;
    std::promise<void> done;
    std::once_flag flag;
  } once{std::move(change), {}, {}};
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer data) {
        auto* const once = static_cast<Once*>(data);
        once->change();
        once->done.set_value();
        return GST_PAD_PROBE_REMOVE;
      },
      &once, nullptr);
  once.done.get_future().wait();
}

/// Waits until EOS has come out of `pad`, and keeps it there.
class Drained {
 public:
  explicit Drained(GstPad* pad) {
    gst_pad_add_probe(
        pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
        [](GstPad*, GstPadProbeInfo* info, gpointer self) {
          if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS)
            return GST_PAD_PROBE_OK;
          static_cast<Drained*>(self)->eos_.set_value();
          return GST_PAD_PROBE_DROP;
        },
        this, nullptr);
  }
  bool wait() {
    return eos_.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready;
  }

 private:
  std::promise<void> eos_;
};

std::vector<guint64> numbers(const FrameRecorder& recorder) {
  std::vector<guint64> numbers;
  for (const auto& frame : recorder.frames()) numbers.push_back(frame.number);
  return numbers;
}

TEST_P(Rebuilt, AnElementJoinsAndLeavesAndNoFrameIsLost) {
  const auto line = one_element();
  Pipeline pipeline(std::string("videotestsrc ! ") + kFrames +
                    " ! identity name=before ! fakesink name=sink");
  const FrameRecorder sink(pipeline.pad("sink", "sink"));
  const auto before = pipeline.pad("before", "src");
  const auto after = pipeline.pad("sink", "sink");
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  for (std::size_t round = 1; round <= 20; round++) {
    GstElement* element = gst_parse_launch(line.c_str(), nullptr);
    const PadPtr element_sink(gst_element_get_static_pad(element, "sink"));
    const PadPtr element_src(gst_element_get_static_pad(element, "src"));
    gst_bin_add(pipeline.bin(), element);
    while_blocked(before.get(), [&] {
      gst_pad_unlink(before.get(), after.get());
      EXPECT_EQ(gst_pad_link(before.get(), element_sink.get()), GST_PAD_LINK_OK);
      EXPECT_EQ(gst_pad_link(element_src.get(), after.get()), GST_PAD_LINK_OK);
      EXPECT_TRUE(gst_element_sync_state_with_parent(element));
    });
    ASSERT_TRUE(sink.reaches(sink.frames().size() + 10));

    Drained drained(element_src.get());
    while_blocked(before.get(), [&] {
      gst_pad_unlink(before.get(), element_sink.get());
      gst_pad_send_event(element_sink.get(), gst_event_new_eos());
      EXPECT_TRUE(drained.wait());
      gst_pad_unlink(element_src.get(), after.get());
      EXPECT_EQ(gst_pad_link(before.get(), after.get()), GST_PAD_LINK_OK);
    });
    gst_element_set_locked_state(element, TRUE);
    gst_element_set_state(element, GST_STATE_NULL);
    gst_bin_remove(pipeline.bin(), element);
    ASSERT_TRUE(sink.reaches(sink.frames().size() + 10));
  }
  pipeline.set_state(GST_STATE_NULL);
  const auto seen = numbers(sink);
  for (std::size_t i = 0; i < seen.size(); i++) ASSERT_EQ(seen[i], i);
}

// No queue before it, which may miss that it is linked again.
TEST_P(Rebuilt, PadsAreUnlinkedAndLinkedAgain) {
  Pipeline pipeline(std::string("videotestsrc name=source ! ") + kFrames +
                    " ! tee name=t allow-not-linked=true t. ! queue ! fakesink t. ! " +
                    one_element() + " name=it ! identity name=after ! fakesink name=sink");
  const FrameRecorder sink(pipeline.pad("sink", "sink"));
  const auto src = pipeline.pad("it", "src");
  const auto after = pipeline.pad("after", "sink");
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
  for (int round = 0; round < 20; round++) {
    ASSERT_TRUE(sink.reaches(sink.frames().size() + 5)) << "round " << round;
    ASSERT_TRUE(gst_pad_unlink(src.get(), after.get()));
    g_usleep(1000 * (round % 3));
    ASSERT_EQ(gst_pad_link(src.get(), after.get()), GST_PAD_LINK_OK);
  }
  EXPECT_TRUE(sink.reaches(sink.frames().size() + 5));
  pipeline.set_state(GST_STATE_NULL);
  const auto seen = numbers(sink);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end()) << "a frame came twice";
}

class Stopped : public InferenceTest {};

// What docs/elements.md says of stopping the element alone while downstream waits in preroll.
TEST_F(Stopped, AloneInAPausedPipelineWithAFlush) {
  Pipeline pipeline(std::string("videotestsrc name=source ! ") + kFrames +
                    " ! identity name=before ! " + launch("", "name=it") + " ! fakesink name=sink");
  ASSERT_TRUE(pipeline.reaches(GST_STATE_PAUSED));
  const auto before = pipeline.pad("before", "src");
  const auto sink = pipeline.pad("it", "sink");
  const auto element = pipeline.find("it");
  const auto block = gst_pad_add_probe(
      before.get(), GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  ASSERT_TRUE(gst_pad_send_event(sink.get(), gst_event_new_flush_start()));
  ASSERT_TRUE(gst_pad_send_event(sink.get(), gst_event_new_flush_stop(TRUE)));
  gst_element_set_locked_state(element.get(), TRUE);
  EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  gst_pad_remove_probe(before.get(), block);
}

}  // namespace
}  // namespace torchinfer::test
