// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>
#include <random>
#include <set>

#include "inference_fixture.h"
#include "support/pipeline.h"

// Every element through every order of states, alone and while data flows.

namespace torchinfer::test {
namespace {

/// From NULL and back, each step from a state to another exactly once: all orders of two states.
constexpr std::array kEveryStep = {
    GST_STATE_READY,   GST_STATE_NULL,   GST_STATE_PAUSED,  GST_STATE_NULL,
    GST_STATE_PLAYING, GST_STATE_READY,  GST_STATE_PAUSED,  GST_STATE_READY,
    GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_NULL,
};

class States : public InferenceTest, public testing::WithParamInterface<const char*> {
 protected:
  /// The element with what it needs to play.
  std::string playable() {
    const std::string name = GetParam();
    return name == "torchinference" ? launch("", "batch-size=4 batch-timeout=0") : name;
  }
};

INSTANTIATE_TEST_SUITE_P(, States,
                         testing::Values("torchinference", "classificationoverlay",
                                         "analyticsjson"),
                         [](const auto& param) { return std::string(param.param); });

TEST(StateSteps, AreAllThereAre) {
  std::set<std::pair<GstState, GstState>> steps;
  GstState from = GST_STATE_NULL;
  for (const auto to : kEveryStep) {
    steps.emplace(from, to);
    from = to;
  }
  EXPECT_EQ(from, GST_STATE_NULL);
  EXPECT_EQ(steps.size(), 4u * 3);
}

TEST_P(States, AreReachedInEveryOrderAHundredTimes) {
  const auto line = playable();
  const ElementPtr element(
      GST_ELEMENT(gst_object_ref_sink(gst_parse_launch(line.c_str(), nullptr))));
  for (int round = 0; round < 100; round++)
    for (const auto state : kEveryStep) {
      ASSERT_EQ(gst_element_set_state(element.get(), state), GST_STATE_CHANGE_SUCCESS);
      ASSERT_EQ(GST_STATE(element.get()), state);
    }
}

TEST_P(States, AreReachedInEveryOrderAHundredTimesWhileDataFlows) {
  Pipeline pipeline("videotestsrc ! video/x-raw,format=GRAY8,width=160,height=120 ! " + playable() +
                    " ! fakesink name=sink");
  const FrameRecorder sink(pipeline.pad("sink", "sink"));
  for (int round = 0; round < 100; round++)
    for (const auto state : kEveryStep) ASSERT_TRUE(pipeline.reaches(state));
  // At least those that prerolled, on each way up from NULL or READY.
  EXPECT_GE(sink.frames().size(), 100u * 4);
}

TEST_P(States, AreLeftWhileTheyAreOnTheirWay) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Pipeline pipeline("videotestsrc ! video/x-raw,format=GRAY8,width=160,height=120 ! " + playable() +
                    " ! fakesink");
  for (int step = 0; step < 500; step++) {
    pipeline.set_state(static_cast<GstState>(GST_STATE_NULL + random() % 4));
    if (random() % 4 == 0) g_usleep(random() % 2000);
  }
  // A bin that is hurried so may stay in PAUSED for good, with all its children prerolled; through
  // NULL it finds its way.
  EXPECT_TRUE(pipeline.reaches(GST_STATE_NULL));
  EXPECT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
}

TEST_F(InferenceTest, StatesWithoutAModelFailAHundredTimesAndLeaveNothing) {
  const ElementPtr element(
      GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make("torchinference", nullptr))));
  for (int round = 0; round < 100; round++) {
    ASSERT_EQ(gst_element_set_state(element.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    ASSERT_EQ(gst_element_set_state(element.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  }
  const auto model = write_model("");
  g_object_set(element.get(), "model-file", model.c_str(), nullptr);
  EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(gst_element_set_state(element.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
}

}  // namespace
}  // namespace torchinfer::test
