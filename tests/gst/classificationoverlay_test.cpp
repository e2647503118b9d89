// SPDX-License-Identifier: LGPL-2.1-or-later
// What is drawn, where, and with which settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <climits>

#include "overlay_fixture.h"

namespace torchinfer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const Classes kThree = {
    {"golden retriever", 0.87f}, {"tabby", 0.06f}, {"chat à neuf queues", 0.02f}};

TEST(ClassificationOverlay, PassesAFrameWithoutResultsAsTheSameBuffer) {
  Harness overlay("classificationoverlay");
  const auto caps = video_caps("I420", 64, 48);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  GstBuffer* const same = frame.get();
  const auto bytes = bytes_of(frame);
  const auto out = overlay.process(std::move(frame));
  EXPECT_EQ(out.get(), same);
  EXPECT_EQ(bytes_of(out), bytes);
}

TEST(ClassificationOverlay, PassesAFrameWithAnEmptyStaleMetaUntouched) {
  Harness overlay("classificationoverlay");
  const auto caps = video_caps("I420", 640, 360);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter nothing(frame);
  const auto bytes = bytes_of(frame);
  EXPECT_EQ(bytes_of(overlay.process(std::move(frame))), bytes);
}

struct Size {
  int width, height;
};
class Sizes : public testing::TestWithParam<Size> {};
INSTANTIATE_TEST_SUITE_P(Frames, Sizes,
                         testing::Values(Size{176, 144}, Size{177, 145}, Size{640, 272},
                                         Size{360, 640}, Size{1281, 719}, Size{1920, 1080},
                                         Size{3840, 2160}),
                         [](const auto& info) {
                           return std::to_string(info.param.width) + "x" +
                                  std::to_string(info.param.height);
                         });

TEST_P(Sizes, ThePanelFitsTheFrameAndLeavesMostOfItFree) {
  const auto [width, height] = GetParam();
  AttachingOverlay overlay;
  const auto caps = video_caps("I420", width, height);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter(frame).classes(
      {{"a label that is much longer than any frame could be wide, if it were "
        "drawn as a whole and not cut and ended by an ellipsis",
        0.9f},
       {"second", 0.05f},
       {"third", 0.02f},
       {"fourth", 0.02f},
       {"fifth", 0.01f}});
  const auto areas = areas_of(overlay.process(std::move(frame)));
  ASSERT_THAT(areas, SizeIs(1));
  EXPECT_GE(areas[0].x, 0);
  EXPECT_GE(areas[0].y, 0);
  EXPECT_LE(areas[0].x + areas[0].width, width);
  EXPECT_LE(areas[0].y + areas[0].height, height * 2 / 3);
  if (width >= 640) {
    EXPECT_LT(areas[0].width * areas[0].height, width * height / 4);
  }
}

TEST_P(Sizes, TextGrowsWithTheFrameAndStaysReadableOnSmallOnes) {
  const auto [width, height] = GetParam();
  AttachingOverlay overlay;
  const auto caps = video_caps("I420", width, height);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter(frame).classes({{"one", 0.9f}});
  const auto areas = areas_of(overlay.process(std::move(frame)));
  ASSERT_THAT(areas, SizeIs(1));
  const int size = std::max(std::min(width, height) / 32, 11);
  EXPECT_GE(areas[0].height, size);
  EXPECT_LE(areas[0].height, 3 * size);
}

TEST(ClassificationOverlay, SurvivesFramesTooSmallForAnyText) {
  for (const auto& [width, height] :
       {Size{1, 1}, Size{2, 2}, Size{16, 16}, Size{320, 8}, Size{8, 320}}) {
    Harness overlay("classificationoverlay");
    const auto caps = video_caps("I420", width, height);
    overlay.caps(caps);
    auto frame = make_frame(caps);
    ResultWriter results(frame);
    results.classes(kThree);
    results.object("person", 0, 0, width, height);
    EXPECT_NE(overlay.process(std::move(frame)), nullptr) << width << "x" << height;
  }
}

// Markup would draw nothing for the first (and warn, which is fatal here), and the same for the
// second and third.
TEST(ClassificationOverlay, DrawsLabelsAsWrittenAndNotAsMarkup) {
  const auto ampersand = draw_panel({{"black & gold", 0.5f}});
  const auto tagged = draw_panel({{"<b>dog</b>", 0.5f}});
  const auto plain = draw_panel({{"dog", 0.5f}});
  EXPECT_THAT(ampersand, Not(IsEmpty()));
  EXPECT_NE(ampersand, draw_panel({{"black", 0.5f}}));
  EXPECT_NE(ampersand, draw_panel({{"", 0.5f}}));
  EXPECT_NE(tagged, plain);
  EXPECT_NE(draw_panel({{"&lt;", 0.5f}}), draw_panel({{"<", 0.5f}}));
}

TEST(ClassificationOverlay, DrawsAccents) {
  EXPECT_NE(draw_panel({{"chat à neuf queues", 0.5f}}), draw_panel({{"chat a neuf queues", 0.5f}}));
}

TEST(ClassificationOverlay, SurvivesHostileLabels) {
  const std::string endless(100000, 'x');
  for (const char* label : {"", "\xff\xfe not UTF-8 \xc3", "two\nlines", "tab\tand\x01\x1b[31m",
                            "\xe2\x80\xae right to left override", endless.c_str()}) {
    EXPECT_THAT(draw_panel({{label, 0.5f}}), Not(IsEmpty()));
  }
  EXPECT_THAT(draw_panel({{nullptr, 0.5f}}), Not(IsEmpty()));
}

TEST(ClassificationOverlay, ALineBreakInALabelMakesNoSecondRow) {
  EXPECT_EQ(draw_panel({{"two\nlines", 0.5f}}), draw_panel({{"two lines", 0.5f}}));
}

TEST(ClassificationOverlay, SurvivesScoresThatAreNoShares) {
  const auto panel = draw_panel({{"dog", 0.5f}});
  for (const float score : {-3.5f, 17.25f, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), 1e30f, -1e30f}) {
    const auto odd = draw_panel({{"dog", score}});
    EXPECT_THAT(odd, Not(IsEmpty()));
    EXPECT_NE(odd, panel);
  }
}

TEST(ClassificationOverlay, DrawsTheBestFirstInWhateverOrderTheyCome) {
  EXPECT_EQ(draw_panel({{"low", 0.1f}, {"high", 0.8f}}),
            draw_panel({{"high", 0.8f}, {"low", 0.1f}}));
  EXPECT_EQ(draw_panel({{"low", 0.1f}, {"high", 0.8f}}, 640, 360, " max-labels=1"),
            draw_panel({{"high", 0.8f}}));
}

TEST(ClassificationOverlay, MaxLabelsCutsTheList) {
  const auto rows = [](const char* setting) {
    return draw_panel(kThree, 640, 360, setting).size();
  };
  EXPECT_LT(rows(" max-labels=1"), rows(" max-labels=2"));
  EXPECT_LT(rows(" max-labels=2"), rows(" max-labels=3"));
  EXPECT_EQ(rows(" max-labels=3"), rows(" max-labels=100"));
  EXPECT_EQ(rows(" max-labels=0"), 0u);
}

TEST(ClassificationOverlay, LabelsColorColoursTheText) {
  EXPECT_NE(draw_panel(kThree, 640, 360, " labels-color=0xFFFF0000"), draw_panel(kThree));
}

TEST(ClassificationOverlay, WithoutDrawLabelsOnlyBoxesRemain) {
  AttachingOverlay overlay(" draw-labels=false");
  const auto caps = video_caps("I420", 640, 360);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter results(frame);
  results.classes(kThree);
  results.object("person", 100, 100, 80, 120);
  EXPECT_THAT(areas_of(overlay.process(std::move(frame))), SizeIs(4));
}

TEST(ClassificationOverlay, ABoxIsFourLinesAroundTheObjectAndACaptionAbove) {
  AttachingOverlay overlay;
  const auto caps = video_caps("I420", 640, 360);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter(frame).object("person", 100, 100, 80, 120);
  const auto areas = areas_of(overlay.process(std::move(frame)));
  ASSERT_THAT(areas, SizeIs(5));
  EXPECT_THAT((std::vector<Area>(areas.begin(), areas.begin() + 4)),
              ElementsAre(Area{100, 100, 80, 4}, Area{100, 216, 80, 4}, Area{100, 104, 4, 112},
                          Area{176, 104, 4, 112}));
  EXPECT_EQ(areas[4].x, 100);
  EXPECT_LE(areas[4].y + areas[4].height, 100);
  EXPECT_GE(areas[4].y, 60);
}

TEST(ClassificationOverlay, RotatedObjectsGetTheUprightBoxAroundThem) {
  AttachingOverlay overlay(" draw-labels=false");
  const auto caps = video_caps("I420", 640, 360);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter(frame).object("ship", 100, 100, 200, 50, 0.5f, static_cast<float>(G_PI / 2));
  const auto areas = areas_of(overlay.process(std::move(frame)));
  ASSERT_THAT(areas, SizeIs(4));
  EXPECT_EQ(areas[0], (Area{175, 25, 50, 4}));
}

TEST(ClassificationOverlay, ShowsTheTrackersNumber) {
  const auto caption = [](bool tracked) {
    AttachingOverlay overlay;
    const auto caps = video_caps("I420", 640, 360);
    overlay.caps(caps);
    auto frame = make_frame(caps);
    ResultWriter results(frame);
    const auto object = results.object("person", 100, 100, 80, 120);
    if (tracked) results.track(object, 4711);
    return areas_of(overlay.process(std::move(frame))).back().width;
  };
  EXPECT_GT(caption(true), caption(false));
}

TEST(ClassificationOverlay, AClassOfAnObjectNamesItAndIsNotDrawnForTheFrame) {
  AttachingOverlay overlay;
  const auto caps = video_caps("I420", 640, 360);
  overlay.caps(caps);
  const auto draw = [&](bool classified) {
    auto frame = make_frame(caps);
    ResultWriter results(frame);
    const auto object = results.object("car", 100, 100, 80, 120);
    if (classified)
      results.relate(object, results.classes({{"a convertible with a long name", 0.8f}}));
    return areas_of(overlay.process(std::move(frame)));
  };
  const auto plain = draw(false), classified = draw(true);
  ASSERT_THAT(plain, SizeIs(5));
  ASSERT_THAT(classified, SizeIs(5));
  EXPECT_GT(classified[4].width, plain[4].width);
}

TEST(ClassificationOverlay, BoxesAreCutAtTheFramesEdges) {
  AttachingOverlay overlay;
  const auto caps = video_caps("I420", 320, 240);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter results(frame);
  results.object("left", -30, 50, 60, 60);
  results.object("right", 300, 50, 60, 60);
  results.object("top", 100, -30, 60, 60);
  results.object("bottom", 100, 220, 60, 60);
  results.object("all", -50, -50, 500, 500);
  const auto areas = areas_of(overlay.process(std::move(frame)));
  EXPECT_THAT(areas, SizeIs(4 * 3 + 5));  // no line of "all" is in sight
  for (const auto& area : areas) {
    EXPECT_GE(area.x, 0);
    EXPECT_GE(area.y, 0);
    EXPECT_LE(area.x + area.width, 320);
    EXPECT_LE(area.y + area.height, 240);
  }
}

TEST(ClassificationOverlay, ObjectsOutOfSightAndImpossibleOnesDrawNothing) {
  Harness overlay("classificationoverlay");
  const auto caps = video_caps("I420", 320, 240);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  const auto bytes = bytes_of(frame);
  ResultWriter results(frame);
  results.object("left", -100, 50, 100, 50);
  results.object("below", 50, 240, 50, 50);
  results.object("far", INT_MAX, INT_MAX, INT_MAX, INT_MAX);
  results.object("before", INT_MIN, INT_MIN, 1, 1);
  results.object("empty", 50, 50, 0, 10);
  results.object("negative", 50, 50, -10, -10);
  results.object("turned", 50, 50, 10, 10, 0.5f, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(bytes_of(overlay.process(std::move(frame))), bytes);
}

TEST(ClassificationOverlay, SurvivesBoxesOfAnySize) {
  Harness overlay("classificationoverlay");
  const auto caps = video_caps("I420", 320, 240);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter results(frame);
  results.object("dot", 10, 200, 1, 1);
  results.object("thin", 30, 150, 3, 50);
  results.object("flat", 50, 200, 50, 3);
  results.object("huge", INT_MIN / 2, INT_MIN / 2, INT_MAX, INT_MAX);
  results.object("corner", -5, -5, INT_MAX, INT_MAX);
  EXPECT_NE(overlay.process(std::move(frame)), nullptr);
}

TEST(ClassificationOverlay, DrawsAHundredObjectsAndTheFramesClasses) {
  AttachingOverlay overlay;
  const auto caps = video_caps("NV12", 1920, 1080);
  overlay.caps(caps);
  auto frame = make_frame(caps);
  ResultWriter results(frame);
  results.classes(kThree);
  for (int i = 0; i < 100; i++) {
    const auto object = results.object("person", 10 + i % 10 * 190, 60 + i / 10 * 100, 90, 60);
    results.relate(object, results.classes({{"pedestrian", static_cast<float>(i) / 100}}));
  }
  EXPECT_THAT(areas_of(overlay.process(std::move(frame))), SizeIs(100 * 5 + 1));
}

TEST(ClassificationOverlay, PropertiesRoundTrip) {
  Harness overlay("classificationoverlay");
  gboolean labels;
  guint color, most;
  guint64 expiry;
  const auto get = [&] {
    g_object_get(overlay.element(), "draw-labels", &labels, "labels-color", &color, "max-labels",
                 &most, "expire-overlay", &expiry, nullptr);
  };
  get();
  EXPECT_TRUE(labels);
  EXPECT_EQ(color, 0xFFFFFFFFu);
  EXPECT_EQ(most, 5u);
  EXPECT_EQ(expiry, GST_SECOND);
  g_object_set(overlay.element(), "draw-labels", FALSE, "labels-color", 0x80112233u, "max-labels",
               7u, "expire-overlay", G_GUINT64_CONSTANT(0), nullptr);
  get();
  EXPECT_FALSE(labels);
  EXPECT_EQ(color, 0x80112233u);
  EXPECT_EQ(most, 7u);
  EXPECT_EQ(expiry, 0u);
}

}  // namespace
}  // namespace torchinfer
