// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gst/analytics/analytics.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

#include "child_fixture.h"
#include "error_fixture.h"
#include "results.h"
#include "support/pipeline.h"
#include "support/temp_folder.h"
#include "test_models.h"

// A build with AddressSanitizer shall answer an allocation that cannot be had as any other build
// does.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

// The element with libtorch and real TorchScript models.

namespace torchinfer::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kRgb = "video/x-raw,format=RGB,width=32,height=24,framerate=25/1";

std::string model(const std::string& name) { return TEST_MODELS_DIR "/" + name + ".pt"; }

/// For the models that have no model info inside; they take what the colour model takes.
constexpr const char* kInfo =
    "[modelinfo]\nversion=1.0\n[image]\ndir=input\ntype=float32\n"
    "dims=-1,3,32,32\nranges=0,1\n[torchinference]\ntask=classification\n"
    "activation=softmax\nresize=squash\ninterpolation=bilinear\n"
    "color-order=rgb\n";

/// A frame of kRgb in which only one channel is not black.
GstBuffer* colour_frame(guint64 number, int channel) {
  constexpr gsize kStride = 32 * 3;
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, kStride * 24, nullptr);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++) map.data[i] = static_cast<int>(i % 3) == channel ? 200 : 0;
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_OFFSET(buffer) = number;
  GST_BUFFER_PTS(buffer) = number * 40 * GST_MSECOND;
  return buffer;
}

TEST(RealModels, SeeEachFrameAsItIs) {
  Pads pads("torchinference model-file=" + model("colour") + " batch-size=4 workers=2 top-k=3");
  pads.start("s", kRgb);
  constexpr guint64 kFrames = 90;
  for (guint64 number = 0; number < kFrames; number++)
    ASSERT_EQ(pads.push(colour_frame(number, number % 3)), GST_FLOW_OK);
  pads.push_event(gst_event_new_eos());
  ASSERT_EQ(pads.wait_for(kFrames + 4).size(), kFrames + 4);
  const char* const names[] = {"red", "green", "blue"};
  for (guint64 number = 0; number < kFrames; number++) {
    const auto results = results_of(pads.arrived_buffer(number));
    ASSERT_TRUE(results.has_value());
    ASSERT_EQ(results->classes.size(), 3u);
    EXPECT_EQ(results->classes[0].first, names[number % 3]);
    EXPECT_GT(results->classes[0].second, results->classes[1].second);
    // Softmax of all there are.
    EXPECT_NEAR(
        results->classes[0].second + results->classes[1].second + results->classes[2].second, 1.0F,
        1e-5F);
  }
}

TEST(RealModels, SayOnTheBusWhatRunsThem) {
  Pads pads("torchinference model-file=" + model("colour"));
  GstMessage* message = pads.wait_for_message(GST_MESSAGE_ELEMENT);
  ASSERT_NE(message, nullptr);
  const GstStructure* loaded = gst_message_get_structure(message);
  EXPECT_STREQ(gst_structure_get_name(loaded), "torchinference-loaded");
  EXPECT_THAT(gst_structure_get_string(loaded, "runtime"),
              AllOf(HasSubstr("libtorch"), HasSubstr("CPU capability")));
  EXPECT_STREQ(gst_structure_get_string(loaded, "device"), "cpu");
  EXPECT_STREQ(gst_structure_get_string(loaded, "requested-device"), "auto");
  gdouble difference = -1.0;
  EXPECT_TRUE(gst_structure_get_double(loaded, "self-test-difference", &difference));
  EXPECT_GE(difference, 0.0);
  EXPECT_LT(difference, 1e-2);
  const auto* times = gst_value_get_structure(gst_structure_get_value(loaded, "batch-times"));
  guint64 time = 0;
  EXPECT_TRUE(gst_structure_get_uint64(times, "size-1", &time));
  EXPECT_GT(time, 0u);
  gst_message_unref(message);
}

/// Frames that the model of now has seen.
guint64 inferences(GstElement* element) {
  GstStructure* stats = nullptr;
  g_object_get(element, "stats", &stats, nullptr);
  guint64 count = 0;
  gst_structure_get_uint64(gst_value_get_structure(gst_structure_get_value(stats, "inference")),
                           "count", &count);
  gst_structure_free(stats);
  return count;
}

TEST(RealModels, TakeOverFromEachOtherWhileFramesRun) {
  Pads pads("torchinference overload-policy=wait model-file=" + model("colour"));
  const auto wait_for = [&pads](GstMessageType type, const char* file) {
    GstMessage* message = pads.wait_for_message(type, 60 * GST_SECOND);
    ASSERT_NE(message, nullptr) << file;
    if (type == GST_MESSAGE_ELEMENT) {
      EXPECT_STREQ(gst_structure_get_string(gst_message_get_structure(message), "model-file"),
                   file);
    }
    gst_message_unref(message);
  };
  const auto swap_to = [&](const std::string& name, GstMessageType answer) {
    const auto path = model(name);
    g_object_set(pads.element(), "model-file", path.c_str(), nullptr);
    wait_for(answer, path.c_str());
    // It has frames.
    while (inferences(pads.element()) == 0) g_usleep(200);
  };
  wait_for(GST_MESSAGE_ELEMENT, model("colour").c_str());
  pads.start("s", kRgb);
  std::atomic<bool> enough = false;
  auto pushed = std::async(std::launch::async, [&] {
    guint64 count = 0;
    for (; !enough; count++) EXPECT_EQ(pads.push(colour_frame(count, count % 3)), GST_FLOW_OK);
    return count;
  });
  swap_to("gray_classifier", GST_MESSAGE_ELEMENT);  // one channel, ten classes
  swap_to("bad_model_info", GST_MESSAGE_WARNING);
  swap_to("wide", GST_MESSAGE_ELEMENT);  // twice as wide, two classes
  swap_to("colour", GST_MESSAGE_ELEMENT);
  enough = true;
  const auto count = pushed.get();
  pads.query(gst_query_new_drain());

  ASSERT_EQ(pads.arrived_buffers(), count);
  const char* const names[] = {"red", "green", "blue"};
  std::vector<std::size_t> classes;  // of the models, as they came
  for (guint64 number = 0; number < count; number++) {
    GstBuffer* buffer = pads.arrived_buffer(number);
    ASSERT_EQ(GST_BUFFER_OFFSET(buffer), number);
    const auto results = results_of(buffer);
    ASSERT_TRUE(results.has_value());
    const auto size = results->classes.size();
    if (size == 3) {
      EXPECT_EQ(results->classes[0].first, names[number % 3]);
    }
    if (classes.empty() || classes.back() != size) classes.push_back(size);
  }
  EXPECT_THAT(classes, testing::ElementsAre(3, 5, 2, 3)) << "five at most, by top-k";
}

// The file is read once, so that whoever replaces it changes nothing of what runs.
TEST(RealModels, OutliveTheirFile) {
  const TempFolder folder;
  const auto path = folder.path("model.pt");
  std::filesystem::copy_file(model("colour"), path);
  Pads pads("torchinference model-file=" + path);
  pads.start("s", kRgb);
  const auto best_of = [&](guint64 number) {
    pads.push(colour_frame(number, 1));
    pads.query(gst_query_new_drain());
    return best_class(pads.arrived_buffer(number));
  };
  EXPECT_EQ(best_of(0), "green");
  std::filesystem::resize_file(path, 100);  // in place, as a copy over it does
  EXPECT_EQ(best_of(1), "green");
  std::filesystem::remove(path);
  EXPECT_EQ(best_of(2), "green");
  folder.write("model.pt", "another file");
  EXPECT_EQ(best_of(3), "green");

  Pads other("torchinference model-file=" + path, false);
  EXPECT_EQ(other.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  EXPECT_EQ(ErrorTelling::read(other.wait_for_message(GST_MESSAGE_ERROR, 0)).torch_code,
            "CorruptModel");
  EXPECT_EQ(best_of(4), "green");
}

// Nobody writes down a shape: the model says what it takes, and a converter is put in where the
// video has a format that nobody reads.
TEST(RealModels, AreGivenWhatTheyTakeWithoutAWordOfShapes) {
  for (const std::string source :
       {"video/x-raw,width=31,height=17", "video/x-raw,format=NV12,width=322,height=182",
        "video/x-raw,format=RGB,framerate=0/1", "video/x-raw,format=I420_10LE ! videoconvert",
        "video/x-raw,format=Y42B ! videoconvert"}) {
    Pipeline pipeline("videotestsrc num-buffers=3 pattern=blue ! " + source +
                      " ! torchinference name=it model-file=" + model("colour") +
                      " ! fakesink name=sink");
    const FrameRecorder sink(pipeline.pad("sink", "sink"));
    ASSERT_TRUE(pipeline.reaches(GST_STATE_PLAYING)) << source;
    ASSERT_TRUE(pipeline.reaches_eos()) << source;
    const auto frames = sink.frames();
    ASSERT_FALSE(frames.empty());
    for (const auto& frame : frames) EXPECT_EQ(frame.result, "blue") << source;
  }
}

// More workers and threads than the process has processors, and batches that wait for each other.
TEST(RealModels, PlayToTheEndOnOneProcessor) {
  const auto outcome = play_in_child(
      "one-cpu",
      "videotestsrc num-buffers=50 ! torchinference workers=3 threads=3 batch-size=4 model-file=" +
          model("classifier") + " ! fakesink");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.printed, "end of stream\n");
}

/// A model that goes wrong on a bright frame, and how that is called.
struct Trouble {
  const char* model;
  const char* code;
};

class Troubles : public testing::TestWithParam<Trouble> {};

INSTANTIATE_TEST_SUITE_P(, Troubles,
                         testing::Values(Trouble{"throws_when_bright", "ForwardFailed"},
                                         Trouble{"exhausts_memory_when_bright", "OutOfMemory"},
                                         Trouble{"nan_when_bright", "BadOutput"},
                                         Trouble{"fewer_outputs_when_bright", "BadOutput"}),
                         [](const auto& param) { return std::string(param.param.model); });

TEST_P(Troubles, OfOneFrameAreToldAndCostTheOthersNothing) {
  const TempFolder folder;
  Pads pads("torchinference error-policy=pass overload-policy=wait batch-size=4 model-file=" +
            model(GetParam().model) + " model-info-file=" + folder.write("it.modelinfo", kInfo) +
            " label-file=" + folder.write("labels.txt", "0\n1\n2\n"));
  pads.start("s", kRgb);
  for (guint64 number = 0; number < 12; number++) {
    GstBuffer* frame = colour_frame(number, static_cast<int>(number % 3));
    if (number == 5) gst_buffer_memset(frame, 0, 255, gst_buffer_get_size(frame));
    ASSERT_EQ(pads.push(frame), GST_FLOW_OK);
  }
  pads.query(gst_query_new_drain());
  ASSERT_EQ(pads.arrived_buffers(), 12u);
  for (std::size_t i = 0; i < 12; i++)
    EXPECT_EQ(best_class(pads.arrived_buffer(i)), i == 5 ? "" : std::to_string(i % 3)) << i;
  EXPECT_EQ(ErrorTelling::read(pads.wait_for_message(GST_MESSAGE_WARNING)).torch_code,
            GetParam().code);
  EXPECT_EQ(pads.wait_for_message(GST_MESSAGE_WARNING, 0), nullptr) << "a second warning";
}

class BadModels : public testing::Test, public ErrorTelling {
 protected:
  std::string good_model() override { return model("colour"); }

  void expect_playing(Pads& pads) override {
    pads.start("s", kRgb);
    pads.push(colour_frame(0, 1));
    pads.wait_for(4);
    EXPECT_EQ(best_class(pads.arrived_buffer(0)), "green");
  }

  Told fail_and_recover_with(const std::string& path, const std::string& properties = "") {
    const auto told = fail_and_recover("torchinference model-file=" + path + " " + properties);
    EXPECT_THAT(told.text, HasSubstr(path));
    return told;
  }

  std::string info() { return folder.write("some.modelinfo", kInfo); }

  const TempFolder folder;
};

TEST_F(BadModels, ATextFile) {
  EXPECT_EQ(fail_and_recover_with(folder.write("text.pt", "not a model\n")).torch_code,
            "CorruptModel");
}

TEST_F(BadModels, ATruncatedArchive) {
  std::ifstream whole(model("colour"), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(whole), {}};
  ASSERT_GT(bytes.size(), 100u);
  bytes.resize(bytes.size() / 2);
  EXPECT_EQ(fail_and_recover_with(folder.write("half.pt", bytes)).torch_code, "CorruptModel");
}

TEST_F(BadModels, AnOutputThatIsNoTensor) {
  EXPECT_EQ(fail_and_recover_with(model("string_output"), "model-info-file=" + info()).torch_code,
            "BadOutput");
}

TEST_F(BadModels, LabelsThatDoNotFitTheClasses) {
  const auto told = fail_and_recover_with(model("wrong_labels"));
  EXPECT_EQ(told.torch_code, "BadLabels");
  EXPECT_THAT(told.text, AllOf(HasSubstr("2"), HasSubstr("10"), HasSubstr("label file")));
}

TEST_F(BadModels, AnotherChannelCountThanTheModelInfoSays) {
  const auto told = fail_and_recover_with(model("wrong_channels"));
  EXPECT_EQ(told.torch_code, "ForwardFailed");
  EXPECT_THAT(told.text, AllOf(HasSubstr("channels"), HasSubstr("model info")));
}

TEST_F(BadModels, AModelInfoThatCannotBeRead) {
  EXPECT_EQ(fail_and_recover_with(model("bad_model_info")).torch_code, "BadModelInfo");
}

TEST_F(BadModels, NoModelInfo) {
  EXPECT_THAT(fail_and_recover_with(model("no_model_info")).text,
              AllOf(HasSubstr("gst-torch-export"), HasSubstr("model-info-file")));
}

TEST_F(BadModels, AnotherDigest) {
  EXPECT_EQ(
      fail_and_recover_with(model("colour"), "model-sha256=" + std::string(64, 'a')).torch_code,
      "DigestMismatch");
}

TEST_F(BadModels, OneThatWritesFiles) {
  EXPECT_EQ(fail_and_recover_with(model("writes_file"), "model-info-file=" + info()).torch_code,
            "ForbiddenOperator");
}

TEST_F(BadModels, OneThatNeedsADeviceThatIsNotThere) {
  const auto told = fail_and_recover("torchinference device=cuda:7 model-file=" + model("colour"));
  EXPECT_EQ(told.torch_code, "NoDevice");
  EXPECT_THAT(told.text, HasSubstr("cuda"));
}

}  // namespace
}  // namespace torchinfer::test
