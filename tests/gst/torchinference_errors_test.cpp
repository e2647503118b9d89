// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include "error_fixture.h"
#include "inference_fixture.h"

// What goes wrong is told on the bus, in words that name the file and the remedy; and the element
// can be set right and started again.

namespace torchinfer::test {
namespace {

using testing::HasSubstr;

class Errors : public InferenceTest, public ErrorTelling {
 protected:
  std::string good_model() override { return write_model("", "good.pt"); }

  void expect_playing(Pads& pads) override {
    pads.start();
    pads.push(Pads::buffer(3));
    pads.wait_for(4);
    EXPECT_EQ(best_class(pads.arrived_buffer(0)), "3");
  }
};

#define EXPECT_TOLD(told, domain_, code_)         \
  do {                                            \
    EXPECT_EQ((told).domain, domain_);            \
    EXPECT_EQ((told).code, code_) << (told).text; \
  } while (false)

TEST_F(Errors, NoModelFile) {
  const auto told = fail_and_recover("torchinference");
  EXPECT_TOLD(told, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  EXPECT_THAT(told.text, HasSubstr("model-file"));
}

TEST_F(Errors, MissingFile) {
  const auto told = fail_and_recover("torchinference model-file=/nowhere/model.pt");
  EXPECT_TOLD(told, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  EXPECT_THAT(told.text, HasSubstr("/nowhere/model.pt"));
}

TEST_F(Errors, EmptyFile) {
  const auto path = folder.write("empty.pt", "");
  const auto told = fail_and_recover("torchinference model-file=" + path);
  EXPECT_TOLD(told, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
  EXPECT_THAT(told.text, HasSubstr(path));
}

TEST_F(Errors, AFolderInsteadOfAFile) {
  const auto told = fail_and_recover("torchinference model-file=/tmp");
  EXPECT_TOLD(told, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
  EXPECT_THAT(told.text, HasSubstr("/tmp"));
}

TEST_F(Errors, WrongDigest) {
  const auto told = fail_and_recover(launch("", "model-sha256=" + std::string(64, '0')));
  EXPECT_TOLD(told, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED);
  EXPECT_THAT(told.text + told.debug, HasSubstr(std::string(64, '0')));
}

TEST_F(Errors, LabelsThatDoNotFitTheClasses) {
  const auto told = fail_and_recover(launch("classes 3\nlabels a,b"));
  EXPECT_TOLD(told, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  EXPECT_EQ(told.torch_code, "BadLabels");
  EXPECT_THAT(told.text, testing::AllOf(HasSubstr("2"), HasSubstr("3")));
}

TEST_F(Errors, MissingLabelFile) {
  const auto told = fail_and_recover(launch("", "label-file=/nowhere/labels.txt"));
  EXPECT_TOLD(told, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  EXPECT_THAT(told.text, HasSubstr("/nowhere/labels.txt"));
}

TEST_F(Errors, UnreadableModelInfo) {
  const auto path = folder.write("bad.modelinfo", "not a key file");
  const auto told = fail_and_recover(launch("", "model-info-file=" + path));
  EXPECT_TOLD(told, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  EXPECT_THAT(told.text, HasSubstr(path));
}

TEST_F(Errors, NoModelInfoAnywhere) {
  const auto told = fail_and_recover(launch("no-info"));
  EXPECT_TOLD(told, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  EXPECT_EQ(told.torch_code, "BadModelInfo");
}

TEST_F(Errors, UnknownDevice) {
  const auto told = fail_and_recover(launch("", "device=tpu"));
  EXPECT_TOLD(told, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
  EXPECT_THAT(told.text, testing::AllOf(HasSubstr("tpu"), HasSubstr("cuda")));
}

TEST_F(Errors, AFailedForwardEndsTheStreamAndUpstreamHears) {
  Pads pads(launch("forward fail mean 2"));
  pads.start();
  GstFlowReturn flow = GST_FLOW_OK;
  for (guint64 number = 0; number < 100 && flow == GST_FLOW_OK; number++)
    flow = pads.push(Pads::buffer(number % 3));
  EXPECT_EQ(flow, GST_FLOW_ERROR);
  const auto told = read(pads.wait_for_message(GST_MESSAGE_ERROR));
  EXPECT_EQ(told.torch_code, "ForwardFailed");
  EXPECT_TOLD(told, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED);
  EXPECT_THAT(told.text,
              testing::AllOf(HasSubstr(folder.path("model.pt")), HasSubstr("error-policy=pass")));
  EXPECT_EQ(pads.wait_for_message(GST_MESSAGE_ERROR, 0), nullptr);
  // What came before it has left, with its results.
  ASSERT_EQ(pads.arrived_buffers(), 2u);
  EXPECT_EQ(best_class(pads.arrived_buffer(1)), "1");
}

TEST_F(Errors, AFailureBehindEosIsPostedOnceAndEndsTheStream) {
  Pads& pads = play(launch("forward gate g\nforward fail"));
  pads.start();
  pads.wait_for(3);
  pads.push(Pads::buffer(0));
  pads.push_event(gst_event_new_eos());
  control.open_gate("g");
  EXPECT_EQ(pads.wait_for(4).back(), "event eos");
  EXPECT_NE(read(pads.wait_for_message(GST_MESSAGE_ERROR)).text, "");
  EXPECT_EQ(pads.wait_for_message(GST_MESSAGE_ERROR, 0), nullptr);
}

TEST_F(Errors, CanBePassedOverAndAreCounted) {
  Pads pads(launch("forward nan mean 1", "error-policy=pass overload-policy=wait"));
  pads.start();
  for (guint64 number = 0; number < 9; number++) {
    GstBuffer* buffer = Pads::buffer(number);
    gst_buffer_memset(buffer, 0, number % 3, gst_buffer_get_size(buffer));
    ASSERT_EQ(pads.push(buffer), GST_FLOW_OK);
  }
  pads.query(gst_query_new_drain());
  ASSERT_EQ(pads.arrived_buffers(), 9u);
  for (std::size_t i = 0; i < 9; i++)
    EXPECT_EQ(best_class(pads.arrived_buffer(i)), i % 3 == 1 ? "" : std::to_string(i % 3));
  EXPECT_EQ(stat(pads.element(), "failed"), 3u);
  EXPECT_EQ(stat(pads.element(), "inferred"), 6u);
  const auto warning = read(pads.wait_for_message(GST_MESSAGE_WARNING));
  EXPECT_EQ(warning.torch_code, "BadOutput");
  EXPECT_THAT(warning.text, testing::EndsWith("\"). Frames go on without results."));
  EXPECT_EQ(pads.wait_for_message(GST_MESSAGE_WARNING, 0), nullptr) << "a second warning";
}

TEST_F(Errors, MayBePassedOverFromTheMiddleOfAStreamOn) {
  Pads pads(launch("forward nan mean 1"));
  pads.start();
  pads.push(Pads::buffer(0));
  pads.query(gst_query_new_drain());
  g_object_set(pads.element(), "error-policy", 1 /* pass */, nullptr);
  pads.push(Pads::buffer(1));
  pads.query(gst_query_new_drain());
  EXPECT_EQ(pads.push(Pads::buffer(2)), GST_FLOW_OK);
  pads.query(gst_query_new_drain());
  ASSERT_EQ(pads.arrived_buffers(), 3u);
  EXPECT_EQ(best_class(pads.arrived_buffer(1)), "");
  EXPECT_EQ(best_class(pads.arrived_buffer(2)), "2");
  g_object_set(pads.element(), "error-policy", 0 /* fail */, nullptr);
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) flow = pads.push(Pads::buffer(1));
  EXPECT_EQ(flow, GST_FLOW_ERROR);
}

TEST_F(Errors, ThatAreTheEnginesKeepTheVideoRunningWhereTheyArePassedOver) {
  Pads pads(launch("forward device-lost after 2", "error-policy=pass overload-policy=wait"));
  pads.start();
  for (guint64 number = 0; number < 50; number++)
    ASSERT_EQ(pads.push(Pads::buffer(number)), GST_FLOW_OK);
  pads.query(gst_query_new_drain());
  EXPECT_EQ(pads.arrived_buffers(), 50u);
  EXPECT_EQ(stat(pads.element(), "inferred"), 2u);
  EXPECT_EQ(read(pads.wait_for_message(GST_MESSAGE_WARNING)).torch_code, "DeviceLost");
}

TEST_F(Errors, ThatAreTheEnginesLastUntilItIsLoadedAgain) {
  Pads pads(launch("forward device-lost once"));
  pads.start();
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) flow = pads.push(Pads::buffer(0));
  EXPECT_EQ(read(pads.wait_for_message(GST_MESSAGE_ERROR)).torch_code, "DeviceLost");
  pads.set_state(GST_STATE_READY);
  pads.forget();
  ASSERT_EQ(pads.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(control.loads(), 2u);
}

}  // namespace
}  // namespace torchinfer::test
