// SPDX-License-Identifier: LGPL-2.1-or-later
// How long results stay on the video, and that nothing is drawn twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "overlay_fixture.h"

namespace torchinfer {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kCaps = "video/x-raw, format=I420, width=640, height=360, framerate=25/1";
const Classes kDog = {{"dog", 0.9f}};
const Classes kCat = {{"a cat with a long name", 0.4f}, {"dog", 0.3f}};

class OverlayMemoryTest : public testing::Test {
 protected:
  void SetUp() override { overlay_.caps(kCaps); }

  /// Sends frame n, at 40 ms times n, and returns what came out; `write` attaches its results.
  template <class Write>
  BufferPtr send(int n, Write write) {
    auto frame = make_frame(kCaps, n);
    write(frame);
    return overlay_.process(std::move(frame));
  }
  BufferPtr send(int n) {
    return send(n, [](const BufferPtr&) {});
  }
  BufferPtr send_classes(int n, const Classes& classes) {
    return send(n, [&](const BufferPtr& frame) { ResultWriter(frame).classes(classes); });
  }
  BufferPtr send_analysis(int n, const char* model, const Classes& classes) {
    return send(n, [&](const BufferPtr& frame) { ResultWriter(frame).analysis(model, classes); });
  }
  void set_expiry(guint64 ns) { g_object_set(overlay_.element(), "expire-overlay", ns, nullptr); }

  AttachingOverlay overlay_;
};

TEST_F(OverlayMemoryTest, SkippedFramesKeepTheLastResultUntilItExpires) {
  const auto id = composition_id(send_classes(0, kDog));
  EXPECT_NE(id, 0u);
  for (int n = 1; n <= 25; n++) EXPECT_EQ(composition_id(send(n)), id) << n;  // 25 x 40 ms = 1 s
  EXPECT_EQ(composition_id(send(26)), 0u);
  EXPECT_EQ(composition_id(send(27)), 0u);
}

TEST_F(OverlayMemoryTest, AnEmptyMetaFromAPoolCountsAsSkipped) {
  const auto id = composition_id(send_classes(0, kDog));
  EXPECT_EQ(composition_id(send(1, [](const BufferPtr& frame) { ResultWriter nothing(frame); })),
            id);
}

TEST_F(OverlayMemoryTest, AnAnalysedFrameWithoutClassesClearsAtOnce) {
  EXPECT_NE(composition_id(send_analysis(0, "aaaa", kDog)), 0u);
  EXPECT_EQ(composition_id(send_analysis(1, "aaaa", {})), 0u);
  EXPECT_EQ(composition_id(send(2)), 0u);
}

TEST_F(OverlayMemoryTest, AnotherModelsResultStaysWhereOneModelFindsNothing) {
  const auto both = areas_of(send(0, [](const BufferPtr& frame) {
    ResultWriter results(frame);
    results.analysis("aaaa", kDog);
    results.analysis("bbbb", kCat);
  }));
  const auto one = areas_of(send_analysis(1, "bbbb", {}));
  ASSERT_THAT(one, SizeIs(1));
  EXPECT_LT(one[0].height, both[0].height);
}

TEST_F(OverlayMemoryTest, AModelThatRunsSeldomDoesNotFlickerBesideOneThatRunsAlways) {
  const auto with_objects = [](const BufferPtr& frame) {
    ResultWriter(frame).object("car", 300, 200, 50, 50);
  };
  const auto first = areas_of(send(0, [&](const BufferPtr& frame) {
    ResultWriter results(frame);
    results.analysis("aaaa", kDog);
    results.object("car", 300, 200, 50, 50);
  }));
  EXPECT_EQ(areas_of(send(1, with_objects)), first);
  EXPECT_EQ(areas_of(send(2, with_objects)), first);
}

TEST_F(OverlayMemoryTest, ObjectsAreReplacedByEachAnalysedFrame) {
  send(0, [](const BufferPtr& frame) { ResultWriter(frame).object("car", 300, 200, 50, 50); });
  EXPECT_THAT(areas_of(send(1)), SizeIs(5));
  EXPECT_THAT(areas_of(send_analysis(2, "aaaa", {})), IsEmpty());
}

TEST_F(OverlayMemoryTest, ExpiryZeroShowsAResultOnItsOwnFrameOnly) {
  set_expiry(0);
  EXPECT_NE(composition_id(send_classes(0, kDog)), 0u);
  EXPECT_EQ(composition_id(send(1)), 0u);
}

TEST_F(OverlayMemoryTest, ExpiryAtItsMaximumKeepsAResultForEver) {
  set_expiry(GST_CLOCK_TIME_NONE);
  const auto id = composition_id(send_classes(0, kDog));
  EXPECT_EQ(composition_id(send(1000000)), id);
}

TEST_F(OverlayMemoryTest, ExpiryIsCountedInRunningTime) {
  // At double rate 2 s of the file pass in one second.
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.rate = 2.0;
  gst_harness_push_event(overlay_.get(), gst_event_new_segment(&segment));
  const auto id = composition_id(send_classes(0, kDog));
  EXPECT_EQ(composition_id(send(50)), id);
  EXPECT_EQ(composition_id(send(51)), 0u);
}

TEST_F(OverlayMemoryTest, FramesWithoutTimestampsKeepTheResult) {
  const auto id = composition_id(send_classes(0, kDog));
  auto frame = make_frame(kCaps);
  GST_BUFFER_PTS(frame.get()) = GST_CLOCK_TIME_NONE;
  EXPECT_EQ(composition_id(overlay_.process(std::move(frame))), id);
}

TEST_F(OverlayMemoryTest, AFlushForgets) {
  send_classes(0, kDog);
  gst_harness_push_event(overlay_.get(), gst_event_new_flush_start());
  gst_harness_push_event(overlay_.get(), gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(overlay_.get(), gst_event_new_segment(&segment));
  EXPECT_EQ(composition_id(send(1)), 0u);
}

TEST_F(OverlayMemoryTest, ANewStreamForgets) {
  send_classes(0, kDog);
  gst_harness_push_event(overlay_.get(), gst_event_new_stream_start("another"));
  EXPECT_EQ(composition_id(send(1)), 0u);
}

TEST_F(OverlayMemoryTest, TheSameTextIsDrawnOnce) {
  const auto first = send_classes(0, kDog);
  // Scores that round to the same percent look the same.
  const auto second = send_classes(1, {{"dog", 0.9004f}});
  EXPECT_EQ(composition_id(first), composition_id(second));
  EXPECT_NE(composition_id(send_classes(2, kCat)), composition_id(first));
}

TEST_F(OverlayMemoryTest, APanelIsNotDrawnAgainBecauseABoxMoves) {
  const auto at = [&](int n, int x) {
    return send(n, [&](const BufferPtr& frame) {
      ResultWriter results(frame);
      results.classes(kDog);
      results.object("car", x, 200, 50, 50);
    });
  };
  const auto before = at(0, 300), after = at(1, 304);
  EXPECT_NE(composition_id(before), composition_id(after));
  const auto panel = [](const BufferPtr& frame) { return rectangles_of(frame.get()).back(); };
  EXPECT_EQ(gst_video_overlay_rectangle_get_seqnum(panel(before)),
            gst_video_overlay_rectangle_get_seqnum(panel(after)));
  // The caption has moved, and its pixels are the same memory.
  const auto caption = [](const BufferPtr& frame) {
    return gst_video_overlay_rectangle_get_pixels_unscaled_raw(
        rectangles_of(frame.get())[4], GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  };
  EXPECT_EQ(gst_buffer_peek_memory(caption(before), 0), gst_buffer_peek_memory(caption(after), 0));
}

TEST_F(OverlayMemoryTest, ChangedPropertiesDrawAnew) {
  const auto before = composition_id(send_classes(0, kDog));
  g_object_set(overlay_.element(), "labels-color", 0xFFFFFF00u, nullptr);
  const auto after = composition_id(send(1));
  EXPECT_NE(after, 0u);
  EXPECT_NE(after, before);
}

TEST_F(OverlayMemoryTest, ThousandsOfDifferentCaptionsComeAndGo) {
  for (int n = 0; n < 60; n++) {
    const auto out = send(n, [&](const BufferPtr& frame) {
      ResultWriter results(frame);
      for (guint64 i = 0; i < 40; i++)
        results.track(results.object("car", 10 * static_cast<int>(i), 200, 50, 50), 40 * n + i);
    });
    ASSERT_THAT(areas_of(out), SizeIs(200));
  }
}

}  // namespace
}  // namespace torchinfer
