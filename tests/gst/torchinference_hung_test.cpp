// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <future>

#include "error_fixture.h"
#include "inference_fixture.h"

// A forward that never returns: the element says so and can be taken down, and so can the
// pipeline around it; other models go on.

namespace torchinfer::test {
namespace {

class Hung : public InferenceTest {
 protected:
  // What has hung comes back, so that the tests behind this one find nothing of it.
  void TearDown() override {
    InferenceTest::TearDown();
    EXPECT_TRUE(eventually([&] { return control.models() == 0; }));
  }

  static void expect_told(Pads& pads) {
    const auto told = ErrorTelling::read(pads.wait_for_message(GST_MESSAGE_ERROR));
    EXPECT_EQ(told.domain, GST_LIBRARY_ERROR);
    EXPECT_EQ(told.code, GST_LIBRARY_ERROR_FAILED);
    EXPECT_EQ(told.torch_code, "Hung");
    EXPECT_THAT(told.text, testing::HasSubstr("Restart the process"));
  }

  /// True when the element went to NULL in bounded time.
  static bool goes_to_null(Pads& pads) {
    auto gone = std::async(std::launch::async, [&] { pads.set_state(GST_STATE_NULL); });
    const bool in_time = gone.wait_for(std::chrono::seconds(60)) == std::future_status::ready;
    if (!in_time) fake_control().open_gate("g");
    return in_time;
  }

  static constexpr const char* kModel = "patience 200ms\nforward gate g";
};

TEST_F(Hung, AForwardThatNeverReturnsIsToldOfAndTheElementGoesToNull) {
  Pads& pads = play(launch(kModel));
  pads.start();
  pads.push(Pads::buffer(0));
  pads.push(Pads::buffer(1));
  expect_told(pads);
  // The application hears first; upstream with one of its next frames.
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) flow = pads.push(Pads::buffer(2));
  EXPECT_EQ(flow, GST_FLOW_ERROR);
  EXPECT_TRUE(goes_to_null(pads));
}

TEST_F(Hung, AnElementThatIsOnItsWayToNullGetsThereWhenTheForwardIsGivenUp) {
  Pads& pads = play(launch(kModel));
  pads.start();
  pads.push(Pads::buffer(0));
  ASSERT_TRUE(control.await_at_gate("g", 1));
  EXPECT_TRUE(goes_to_null(pads));
}

TEST_F(Hung, ItsModelIsRefusedWhileItHangsAndOthersGoOn) {
  const auto line = launch(kModel);
  Pads& pads = play(line);
  pads.start();
  pads.push(Pads::buffer(0));
  expect_told(pads);
  EXPECT_TRUE(goes_to_null(pads));

  Pads refused(line, false);
  EXPECT_EQ(refused.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  expect_told(refused);

  Pads other("torchinference workers=1 batch-size=1 model-file=" + write_model("", "other.pt"));
  other.start();
  other.push(Pads::buffer(7));
  other.wait_for(4);
  EXPECT_EQ(best_class(other.arrived_buffer(0)), "7");
}

TEST_F(Hung, TheVideoGoesOnWhereErrorsArePassedOver) {
  Pads& pads = play(launch(kModel, "error-policy=pass overload-policy=wait"));
  pads.start();
  for (guint64 number = 0; number < 9; number++)
    ASSERT_EQ(pads.push(Pads::buffer(number)), GST_FLOW_OK);
  pads.query(gst_query_new_drain());
  EXPECT_EQ(pads.arrived_buffers(), 9u);
  EXPECT_EQ(stat(pads.element(), "failed"), 9u);
}

}  // namespace
}  // namespace torchinfer::test
