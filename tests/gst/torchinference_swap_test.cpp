// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "swap_fixture.h"

// model-file is set while the element plays: which model a frame goes to, which models are refused,
// and that neither frames nor other streams notice otherwise.

namespace torchinfer::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(Swap, TakesOverBetweenTwoFrames) {
  Pads& pads = playing();
  push_and_drain(pads, 0, 3);
  const auto engine = stat(pads.element(), "engine-id");
  const auto path = other("b");
  set_model(pads, path);
  expect_swapped(pads, path);
  EXPECT_EQ(running(pads), path);
  EXPECT_NE(stat(pads.element(), "engine-id"), engine);
  push_and_drain(pads, 3, 6);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "a1", "a2", "b3", "b4", "b5"));
  EXPECT_EQ(stat(pads.element(), "inferred"), 6u);
  EXPECT_TRUE(models_become(1)) << "the old one goes";
}

TEST_F(Swap, FramesThatAreAtTheOldModelStayThereAndInTheirOrder) {
  Pads& pads = playing("forward gate g");
  for (guint64 number = 0; number < 2; number++) pads.push(Pads::buffer(number));
  ASSERT_TRUE(control.await_at_gate("g", 1));
  const auto path = other("b");
  set_model(pads, path);
  expect_swapped(pads, path);
  for (guint64 number = 2; number < 4; number++) pads.push(Pads::buffer(number));
  ASSERT_TRUE(eventually([&] { return stat(pads.element(), "inference/count") == 2; }))
      << "the new model does not wait for the old one";
  EXPECT_EQ(pads.arrived_buffers(), 0u);
  EXPECT_EQ(control.models(), 2);
  control.open_gate("g");
  pads.wait_for(7);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "a1", "b2", "b3"));
  EXPECT_TRUE(models_become(1));
}

TEST_F(Swap, AFrameThatWaitsForTheOldModelsCreditStaysWithIt) {
  Pads& pads = playing("forward gate g", "overload-policy=wait");
  auto pushed = std::async(std::launch::async, [&] {
    for (guint64 number = 0; number < 4; number++) pads.push(Pads::buffer(number));
  });
  ASSERT_TRUE(eventually([&] { return stat(pads.element(), "received") == 3; }));
  const auto path = other("b");
  set_model(pads, path);
  expect_swapped(pads, path);
  control.open_gate("g");
  pushed.get();
  pads.wait_for(7);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "a1", "a2", "b3"));
  EXPECT_TRUE(models_become(1));
}

TEST_F(Swap, AFrameThatIsJustEnteringStaysWithTheOldModel) {
  control.open_gate("s");
  Pads& pads = playing("stage gate s\nforward gate g");
  Pads& neighbour = playing("stage gate s\nforward gate g");
  neighbour.push(Pads::buffer(0));
  ASSERT_TRUE(control.await_at_gate("g", 1));
  control.close_gate("s");
  auto pushed = std::async(std::launch::async, [&] { return pads.push(Pads::buffer(1)); });
  ASSERT_TRUE(control.await_at_gate("s", 1));
  const auto path = other("b");
  set_model(pads, path);
  expect_swapped(pads, path);
  // So far the old model has nothing of this stream's.
  EXPECT_EQ(users(neighbour), 2);
  control.open_gate("s");
  EXPECT_EQ(pushed.get(), GST_FLOW_OK);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(users(neighbour), 2) << "its frame waits for the worker still";
  control.open_gate("g");
  pads.wait_for(4);
  EXPECT_THAT(classes(pads), ElementsAre("a1"));
  EXPECT_TRUE(eventually([&] { return users(neighbour) == 1; }));
}

TEST_F(Swap, NobodyWaitsForTheLoad) {
  Pads& pads = playing();
  const auto old = running(pads);
  const auto path = other("b", "load gate l");
  set_model(pads, path);
  ASSERT_TRUE(control.await_at_gate("l", 1));
  push_and_drain(pads, 0, 3);
  EXPECT_EQ(running(pads), old);
  EXPECT_EQ(answer(pads, 0).type, GST_MESSAGE_UNKNOWN);
  control.open_gate("l");
  expect_swapped(pads, path);
  push_and_drain(pads, 3, 4);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "a1", "a2", "b3"));
  EXPECT_FALSE(control.called_on_this_thread());
}

TEST_F(Swap, OfSeveralTheLastOneWins) {
  Pads& pads = playing();
  set_model(pads, other("b", "load gate l"));
  ASSERT_TRUE(control.await_at_gate("l", 1));
  const auto last = other("d");
  set_model(pads, other("c"));
  set_model(pads, last);
  control.open_gate("l");
  expect_swapped(pads, last);
  push_and_drain(pads, 0, 1);
  EXPECT_THAT(classes(pads), ElementsAre("d0"));
  EXPECT_TRUE(models_become(1));
  EXPECT_EQ(control.loads(), 3u) << "a, b and d";
  EXPECT_EQ(answer(pads, 0).type, GST_MESSAGE_UNKNOWN);
}

TEST_F(Swap, AFailureThatNobodyWaitsForAnyLongerIsNotTold) {
  Pads& pads = playing();
  set_model(pads, other("b", "load gate l\nload fail CorruptModel"));
  ASSERT_TRUE(control.await_at_gate("l", 1));
  const auto last = other("c");
  set_model(pads, last);
  control.open_gate("l");
  expect_swapped(pads, last);
}

TEST_F(Swap, TwentyTimesInARowWhileFramesRunLosesAndRepeatsNone) {
  Pads& pads = playing("", "overload-policy=wait");
  const std::string paths[] = {folder.path("model.pt"), other("b")};
  std::atomic<bool> enough = false;
  auto pushed = std::async(std::launch::async, [&] {
    guint64 count = 0;
    for (; !enough; count++) EXPECT_EQ(pads.push(Pads::buffer(count)), GST_FLOW_OK);
    return count;
  });
  constexpr int kSwaps = 20;
  for (int i = 1; i <= kSwaps; i++) {
    EXPECT_TRUE(eventually([&] { return stat(pads.element(), "inference/count") > 0; }));
    set_model(pads, paths[i % 2]);
    expect_swapped(pads, paths[i % 2]);
  }
  EXPECT_TRUE(eventually([&] { return stat(pads.element(), "inference/count") > 0; }));
  enough = true;
  const auto count = pushed.get();
  pads.push_event(gst_event_new_eos());
  ASSERT_EQ(pads.wait_for(count + 4).back(), "event eos");

  ASSERT_EQ(pads.arrived_buffers(), count);
  int changes = 0;
  char model = 'a';
  for (guint64 number = 0; number < count; number++) {
    GstBuffer* buffer = pads.arrived_buffer(number);
    ASSERT_EQ(GST_BUFFER_OFFSET(buffer), number);
    const auto best = best_class(buffer);
    ASSERT_FALSE(best.empty());
    ASSERT_EQ(best.substr(1), std::to_string(number % 16));
    if (best[0] != std::exchange(model, best[0])) changes++;
  }
  EXPECT_EQ(changes, kSwaps);
  EXPECT_EQ(stat(pads.element(), "inferred"), count);
  EXPECT_TRUE(models_become(1));
}

/// A model that cannot take over.
struct Unfit {
  const char* name;
  const char* lines;   ///< null: there is no such file
  const char* sha256;  ///< what is asked for
  const char* code;    ///< what the warning says
};

class SwapTo : public Swap, public testing::WithParamInterface<Unfit> {};

INSTANTIATE_TEST_SUITE_P(
    , SwapTo,
    testing::Values(Unfit{"Missing", nullptr, nullptr, "NotFound"},
                    Unfit{"Broken", "load fail CorruptModel", nullptr, "CorruptModel"},
                    Unfit{"NoArchive", "inspect fail CorruptModel", nullptr, "CorruptModel"},
                    Unfit{"Throwing", "load throw", nullptr, "Internal"},
                    Unfit{"OutOfMemory", "load fail OutOfMemory", nullptr, "OutOfMemory"},
                    Unfit{"WithoutInfo", "no-info", nullptr, "BadModelInfo"},
                    Unfit{"OfOtherLabels", "classes 3\nlabels a,b", nullptr, "BadLabels"},
                    Unfit{"OfAnotherDigest", "",
                          "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                          "DigestMismatch"}),
    [](const auto& param) { return param.param.name; });

TEST_P(SwapTo, AnUnfitModelIsRefusedAndTheOldOneStays) {
  Pads& pads = playing();
  const auto old = running(pads);
  push_and_drain(pads, 0, 1);
  const auto path = GetParam().lines != nullptr ? write_model(GetParam().lines, "unfit.pt")
                                                : folder.path("missing.pt");
  g_object_set(pads.element(), "model-file", path.c_str(), "model-sha256", GetParam().sha256,
               nullptr);
  const auto refusal = answer(pads);
  ASSERT_EQ(refusal.type, GST_MESSAGE_WARNING) << refusal.told.text;
  EXPECT_EQ(refusal.told.torch_code, GetParam().code);
  EXPECT_THAT(refusal.told.text, HasSubstr("stays"));
  EXPECT_EQ(running(pads), old);
  push_and_drain(pads, 1, 2);

  const auto good = other("b");
  g_object_set(pads.element(), "model-file", good.c_str(), "model-sha256", nullptr, nullptr);
  expect_swapped(pads, good);
  push_and_drain(pads, 2, 3);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "a1", "b2"));
  EXPECT_TRUE(models_become(1));
}

TEST_F(Swap, TheModelCannotBeTakenAway) {
  Pads& pads = playing();
  const auto old = running(pads);
  g_object_set(pads.element(), "model-file", nullptr, nullptr);
  const auto refusal = answer(pads);
  EXPECT_EQ(refusal.type, GST_MESSAGE_WARNING);
  EXPECT_THAT(refusal.told.text, HasSubstr("model-file"));
  EXPECT_EQ(running(pads), old);
  push_and_drain(pads, 0, 1);
  EXPECT_THAT(classes(pads), ElementsAre("a0"));
}

TEST_F(Swap, WhatDescribesAModelWaitsForModelFile) {
  Pads& pads = playing();
  const auto path = folder.path("model.pt");
  std::string names;
  for (int i = 0; i < 16; i++) names += "x" + std::to_string(i) + "\n";
  const auto labels = folder.write("labels.txt", names);
  g_object_set(pads.element(), "label-file", labels.c_str(), nullptr);
  push_and_drain(pads, 0, 1);
  EXPECT_EQ(answer(pads, 0).type, GST_MESSAGE_UNKNOWN);
  set_model(pads, path);
  expect_swapped(pads, path);
  push_and_drain(pads, 1, 2);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "x1"));
  EXPECT_EQ(control.loads(), 1u) << "labels are the stream's, not the engine's";
}

TEST_F(Swap, WhatIsSetInOneCallBelongsTogetherInWhateverOrder) {
  Pads& pads = playing();
  const auto labels = folder.write("labels.txt", "x\ny\nz\n");
  const auto path = write_model("classes 3", "b.pt");
  g_object_set(pads.element(), "model-file", path.c_str(), "label-file", labels.c_str(), nullptr);
  expect_swapped(pads, path);
  push_and_drain(pads, 0, 3);
  EXPECT_THAT(classes(pads), ElementsAre("x", "y", "z"));
  EXPECT_EQ(answer(pads, 0).type, GST_MESSAGE_UNKNOWN);
}

TEST_F(Swap, TheSameModelAgainChangesNothing) {
  Pads& pads = playing();
  const auto engine = stat(pads.element(), "engine-id");
  push_and_drain(pads, 0, 2);
  set_model(pads, folder.path("model.pt"));
  const auto got = answer(pads);
  EXPECT_EQ(got.type, GST_MESSAGE_ELEMENT);
  EXPECT_TRUE(got.unchanged);
  EXPECT_EQ(got.engine, engine);
  EXPECT_EQ(stat(pads.element(), "inference/count"), 2u) << "not even the statistics";
  EXPECT_EQ(control.loads(), 1u);
  push_and_drain(pads, 2, 3);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "a1", "a2"));
}

TEST_F(Swap, AFileThatWasReplacedIsReadAgain) {
  Pads& pads = playing();
  push_and_drain(pads, 0, 1);
  const auto path = write_model(named("b"));
  push_and_drain(pads, 1, 2);
  set_model(pads, path);
  expect_swapped(pads, path);
  push_and_drain(pads, 2, 3);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "a1", "b2"));
}

TEST_F(Swap, ReplacesAnEngineThatHasFailed) {
  Pads& pads = playing("forward device-lost mean 1", "error-policy=pass");
  push_and_drain(pads, 0, 2);
  ASSERT_EQ(answer(pads).told.torch_code, "DeviceLost");
  set_model(pads, folder.path("model.pt"));
  expect_swapped(pads, folder.path("model.pt"));
  push_and_drain(pads, 2, 3);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "", "a2"));
}

TEST_F(Swap, StreamsThatShareTheOldEngineAreLeftAlone) {
  Pads& pads = playing();
  Pads& neighbour = playing();
  const auto engine = stat(neighbour.element(), "engine-id");
  ASSERT_EQ(stat(pads.element(), "engine-id"), engine);
  const auto path = other("b", "load gate l");
  set_model(pads, path);
  ASSERT_TRUE(control.await_at_gate("l", 1));
  push_and_drain(neighbour, 0, 2);
  control.open_gate("l");
  expect_swapped(pads, path);
  push_and_drain(neighbour, 2, 3);
  push_and_drain(pads, 3, 4);
  EXPECT_THAT(classes(neighbour), ElementsAre("a0", "a1", "a2"));
  EXPECT_THAT(classes(pads), ElementsAre("b3"));
  EXPECT_EQ(stat(neighbour.element(), "engine-id"), engine);
  EXPECT_EQ(answer(neighbour, 0).type, GST_MESSAGE_UNKNOWN);
  EXPECT_EQ(control.models(), 2);
}

TEST_F(Swap, ANeighboursFramesAreDoneWhileTheOldEngineIsLeft) {
  Pads& pads = playing("forward gate g mean 0");
  Pads& neighbour = playing("forward gate g mean 0");
  pads.push(Pads::buffer(0));
  ASSERT_TRUE(control.await_at_gate("g", 1));
  neighbour.push(Pads::buffer(1));
  const auto path = other("b");
  set_model(pads, path);
  expect_swapped(pads, path);
  control.open_gate("g");
  pads.wait_for(4);
  neighbour.wait_for(4);
  EXPECT_THAT(classes(pads), ElementsAre("a0"));
  EXPECT_THAT(classes(neighbour), ElementsAre("a1"));
}

}  // namespace
}  // namespace torchinfer::test
