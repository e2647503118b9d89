// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <future>

#include "swap_fixture.h"

// What else happens while one model takes over from another: settings, flushes, ends of streams and
// states change; and what a new model means for batches, latency and pools.

namespace torchinfer::test {
namespace {

using testing::ElementsAre;

void push_segment(Pads& pads) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  pads.push_event(gst_event_new_segment(&segment));
}

// Nobody could add to it but others, and its frames hold up those of the new model.
TEST_F(Swap, EndsTheWaitOfTheOldModelsBatch) {
  const std::string patient = "batch-size=8 batch-timeout=10000000000";
  Pads& pads = playing("", patient);
  Pads& witness = playing("", patient);
  witness.push(Pads::buffer(9));
  for (guint64 number = 0; number < 3; number++) pads.push(Pads::buffer(number));
  const auto path = other("b");
  set_model(pads, path);
  expect_swapped(pads, path);
  pads.wait_for(6);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "a1", "a2"));
  EXPECT_EQ(stat(witness.element(), "close-reasons/drain"), 1u);
}

TEST_F(Swap, TheNewModelGetsTheSettingsOfNow) {
  Pads& pads = playing("", "top-k=3");
  const auto path = other("b", "load gate l");
  set_model(pads, path);
  ASSERT_TRUE(control.await_at_gate("l", 1));
  g_object_set(pads.element(), "top-k", 2, nullptr);
  control.open_gate("l");
  expect_swapped(pads, path);
  push_and_drain(pads, 0, 1);
  g_object_set(pads.element(), "top-k", 1, nullptr);
  push_and_drain(pads, 1, 2);
  EXPECT_EQ(results_of(pads.arrived_buffer(0))->classes.size(), 2u);
  EXPECT_EQ(results_of(pads.arrived_buffer(1))->classes.size(), 1u);
}

TEST_F(Swap, ToASlowerModelMakesTheLatencyGrow) {
  Pads pads(launch(named("a")));
  pads.set_upstream_latency(true, 0, GST_CLOCK_TIME_NONE);
  pads.start();
  push_and_drain(pads, 0, 1);
  const auto before = stat(pads.element(), "latency");
  set_model(pads, other("b", "batch-time 500ms"));
  GstMessage* message = pads.wait_for_message(GST_MESSAGE_LATENCY);
  ASSERT_NE(message, nullptr);
  gst_message_unref(message);
  EXPECT_GE(stat(pads.element(), "latency"), before + 500 * GST_MSECOND);
}

TEST_F(Swap, ToLargerBatchesAsksForLargerPools) {
  Pads& pads = playing("batch-limit 1", "batch-size=8");
  pads.set_answer([](GstQuery*) { return true; });
  const auto pool_frames = [&pads] {
    GstCaps* caps = gst_caps_from_string(Pads::kCaps);
    GstQuery* query = gst_query_new_allocation(caps, TRUE);
    gst_caps_unref(caps);
    EXPECT_TRUE(gst_pad_peer_query(pads.upstream(), query));
    guint min = 0;
    gst_query_parse_nth_allocation_pool(query, 0, nullptr, nullptr, &min, nullptr);
    gst_query_unref(query);
    return min;
  };
  const auto before = pool_frames();
  set_model(pads, other("b"));
  ASSERT_TRUE(eventually([&] {
    const auto events = pads.upstream_events();
    return std::find(events.begin(), events.end(), "reconfigure") != events.end();
  }));
  EXPECT_GE(pool_frames(), before + 14) << "seven more of each batch, which runs or is prepared";
}

TEST_F(Swap, AnOldModelThatHangsStopsNeitherTheStreamNorTheNextSwap) {
  Pads& pads = playing("patience 200ms\nforward gate g", "error-policy=pass");
  pads.push(Pads::buffer(0));
  ASSERT_TRUE(control.await_at_gate("g", 1));
  for (const auto letter : {"b", "c"}) {
    const auto path = other(letter);
    set_model(pads, path);
    auto got = answer(pads);
    // In between the old one is given up.
    if (got.type == GST_MESSAGE_WARNING) {
      EXPECT_EQ(got.told.torch_code, "Hung");
      got = answer(pads);
    }
    EXPECT_EQ(got.file, path);
    pads.push(Pads::buffer(letter[0]));
  }
  pads.wait_for(6);
  EXPECT_THAT(classes(pads), ElementsAre("", "b2", "c3"));
  // It comes back after all, so that the next test finds nothing of it.
  control.open_gate("g");
  EXPECT_TRUE(models_become(1));
}

TEST_F(Swap, AFlushForgetsWhatTheOldModelHasAndDoesNotWaitForIt) {
  Pads& pads = playing("forward gate g");
  for (guint64 number = 0; number < 2; number++) pads.push(Pads::buffer(number));
  ASSERT_TRUE(control.await_at_gate("g", 1));
  const auto path = other("b");
  set_model(pads, path);
  expect_swapped(pads, path);
  pads.push_event(gst_event_new_flush_start());
  pads.push_event(gst_event_new_flush_stop(TRUE));
  push_segment(pads);
  pads.push(Pads::buffer(5));
  pads.wait_for(7);
  EXPECT_THAT(classes(pads), ElementsAre("b5"));
  control.open_gate("g");
  EXPECT_TRUE(models_become(1));
  EXPECT_THAT(classes(pads), ElementsAre("b5"));
}

TEST_F(Swap, FlushesAtAnyMomentLeaveTheStreamWithOneModel) {
  Pads& pads = playing("", "overload-policy=wait");
  const std::string paths[] = {folder.path("model.pt"), other("b")};
  constexpr int kRounds = 60;
  auto swaps = std::async(std::launch::async, [&] {
    for (int round = 1; round <= kRounds; round++) {
      set_model(pads, paths[round % 2]);
      expect_swapped(pads, paths[round % 2]);
    }
  });
  guint64 number = 0;
  while (swaps.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    for (int i = 0; i < 3; i++) ASSERT_EQ(pads.push(Pads::buffer(number++)), GST_FLOW_OK);
    pads.push_event(gst_event_new_flush_start());
    pads.push_event(gst_event_new_flush_stop(TRUE));
    push_segment(pads);
    pads.forget();
    push_and_drain(pads, number, number + 1);
    ASSERT_EQ(classes(pads).size(), 1u) << "neither lost nor of before the flush";
    EXPECT_EQ(classes(pads).front().substr(1), std::to_string(number++ % 16));
  }
  swaps.get();
  EXPECT_TRUE(models_become(1));
}

TEST_F(Swap, FlushCapsAndEosGoOnWhileAModelIsLoaded) {
  Pads& pads = playing();
  const auto path = other("b", "load gate l");
  set_model(pads, path);
  ASSERT_TRUE(control.await_at_gate("l", 1));
  push_and_drain(pads, 0, 1);
  pads.push_event(gst_event_new_flush_start());
  pads.push_event(gst_event_new_flush_stop(TRUE));
  pads.start("second", "video/x-raw,format=GRAY8,width=8,height=16,framerate=25/1");
  push_and_drain(pads, 1, 2);
  pads.push_event(gst_event_new_eos());
  ASSERT_TRUE(eventually([&] { return pads.arrived().back() == "event eos"; }));
  control.open_gate("l");
  expect_swapped(pads, path);
  pads.start("third");
  push_and_drain(pads, 2, 3);
  EXPECT_THAT(classes(pads), ElementsAre("a0", "a1", "b2"));
}

TEST_F(Swap, InPausedNeedsNoFrame) {
  Pads& pads = playing();
  pads.set_state(GST_STATE_PAUSED);
  const auto path = other("b");
  set_model(pads, path);
  expect_swapped(pads, path);
  EXPECT_EQ(running(pads), path);
  EXPECT_TRUE(models_become(1));
}

TEST_F(Swap, OutlivesReady) {
  Pads& pads = playing();
  const auto path = other("b");
  set_model(pads, path);
  expect_swapped(pads, path);
  pads.set_state(GST_STATE_READY);
  pads.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(running(pads), path);
  EXPECT_EQ(control.loads(), 2u);
}

TEST_F(Swap, InReadyTheSameNameIsReadAnew) {
  Pads& pads = playing();
  const auto path = running(pads);
  pads.set_state(GST_STATE_READY);
  write_model(named("b"));
  set_model(pads, path);
  EXPECT_EQ(pads.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  expect_swapped(pads, path);
  EXPECT_EQ(control.loads(), 2u);
  EXPECT_TRUE(models_become(1));
}

TEST_F(Swap, WhatWasRefusedIsTriedAgainAtTheNextStartUnderTheSameNameToo) {
  Pads& pads = playing();
  const auto path = running(pads);
  write_model("nonsense");
  set_model(pads, path);
  ASSERT_EQ(answer(pads).type, GST_MESSAGE_WARNING);
  pads.set_state(GST_STATE_READY);
  EXPECT_EQ(pads.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  EXPECT_EQ(answer(pads).type, GST_MESSAGE_ERROR);
}

TEST_F(Swap, TheWayToReadyDoesNotWaitForTheLoadAndTheWayBackJoinsIt) {
  Pads& pads = playing();
  const auto path = other("b", "load gate l");
  set_model(pads, path);
  ASSERT_TRUE(control.await_at_gate("l", 1));
  ASSERT_EQ(pads.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  auto back = std::async(std::launch::async, [&] { return pads.set_state(GST_STATE_PLAYING); });
  // It has looked into the file, after the first model's start and ti-swap, and now wants the
  // engine.
  ASSERT_TRUE(eventually([&] { return control.inspects() == 3; }));
  EXPECT_EQ(back.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  control.open_gate("l");
  ASSERT_EQ(back.get(), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(running(pads), path);
  EXPECT_EQ(control.loads(), 2u) << "one load for both";
  expect_swapped(pads, path);
  EXPECT_EQ(answer(pads, 0).type, GST_MESSAGE_UNKNOWN);
  EXPECT_TRUE(models_become(1));
}

TEST_F(Swap, WhatIsStillLoadedInReadyDoesNotTakeOver) {
  Pads& pads = playing();
  const auto old = running(pads);
  set_model(pads, other("b", "load gate l"));
  ASSERT_TRUE(control.await_at_gate("l", 1));
  pads.set_state(GST_STATE_READY);
  set_model(pads, old);
  ASSERT_EQ(pads.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  expect_swapped(pads, old);
  control.open_gate("l");
  // One is loaded after the other: when this one is there, the first has come and gone.
  const auto path = other("c", "load gate s");
  set_model(pads, path);
  ASSERT_TRUE(control.await_at_gate("s", 1));
  EXPECT_EQ(running(pads), old);
  control.open_gate("s");
  expect_swapped(pads, path);
  EXPECT_EQ(control.loads(), 3u);
  EXPECT_TRUE(models_become(1));
}

TEST_F(Swap, TheWayToNullWaitsForTheLoadAndLeavesNothing) {
  Pads& pads = playing();
  set_model(pads, other("b", "load gate l"));
  ASSERT_TRUE(control.await_at_gate("l", 1));
  ASSERT_EQ(pads.set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  auto down = std::async(std::launch::async, [&] { return pads.set_state(GST_STATE_NULL); });
  control.open_gate("l");
  EXPECT_EQ(down.get(), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(answer(pads, 0).type, GST_MESSAGE_UNKNOWN) << "it came too late to take over";
  EXPECT_EQ(control.models(), 0);
  EXPECT_EQ(control.lanes(), 0);
}

TEST_F(Swap, NullAtAnyMomentLeavesNothing) {
  for (int round = 0; round < 20; round++) {
    Pads pads(launch(named("a")));
    pads.start();
    auto pushed = std::async(std::launch::async, [&] {
      for (guint64 number = 0; pads.push(Pads::buffer(number)) == GST_FLOW_OK;) number++;
    });
    set_model(pads, other("b"));
    g_usleep(static_cast<gulong>(round) * 100);
    pads.set_state(GST_STATE_NULL);
    pushed.get();
    EXPECT_EQ(control.models(), 0);
    EXPECT_EQ(control.lanes(), 0);
  }
}

TEST_F(Swap, IsNothingWhereNoModelRuns) {
  Pads pads("torchinference attach=0");
  set_model(pads, other("b"));
  EXPECT_EQ(answer(pads, 20 * GST_MSECOND).type, GST_MESSAGE_UNKNOWN);
  EXPECT_EQ(control.loads(), 0u);
}

TEST_F(Swap, ABatchTimeoutThatIsMadeShorterHoldsForWhatWaitsAlready) {
  Pads& pads = playing("", "batch-size=8 batch-timeout=10000000000");
  pads.push(Pads::buffer(0));
  g_object_set(pads.element(), "batch-timeout", G_GUINT64_CONSTANT(0), nullptr);
  pads.wait_for(4);
  EXPECT_THAT(classes(pads), ElementsAre("a0"));
}

}  // namespace
}  // namespace torchinfer::test
