// SPDX-License-Identifier: LGPL-2.1-or-later
// Every line that these tests see is checked against docs/analytics-frame.schema.json.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <limits>

#include "analytics_fixture.h"
#include "json_schema.h"

namespace torchinfer {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr auto kCaps = "video/x-raw, format=I420, width=64, height=48, framerate=25/1";
constexpr guint64 kNtpOfUnixEpoch = G_GUINT64_CONSTANT(2208988800) * GST_SECOND;

class AnalyticsJson : public testing::Test {
 protected:
  void SetUp() override { json_.caps(kCaps); }

  Json send(BufferPtr frame) { return parse(json_.process(std::move(frame))); }

  Json parse(const BufferPtr& buffer) {
    if (!buffer) {
      ADD_FAILURE() << "no line came out";
      return Json();
    }
    const auto bytes = bytes_of(buffer);
    return parse_line(std::string(bytes.begin(), bytes.end()));
  }

  static BufferPtr frame(int n = 0) { return make_frame(kCaps, n); }

  static void add_reference(const BufferPtr& buffer, const char* caps_text, guint64 ns) {
    GstCaps* caps = gst_caps_from_string(caps_text);
    gst_buffer_add_reference_timestamp_meta(buffer.get(), caps, ns, GST_CLOCK_TIME_NONE);
    gst_caps_unref(caps);
  }

  Harness json_{"analyticsjson"};
};

TEST_F(AnalyticsJson, WritesTheFrameWithItsTimesAndSize) {
  const auto line = send(frame(3));
  EXPECT_EQ(line["schema_version"], "1.0");
  EXPECT_EQ(line["frame"], 0);
  EXPECT_EQ(line["pts"], 120000000);
  EXPECT_EQ(line["running_time"], 120000000);
  EXPECT_EQ(line["stream_time"], 120000000);
  EXPECT_EQ(line["size"]["width"], 64);
  EXPECT_EQ(line["size"]["height"], 48);
  EXPECT_EQ(line["analysed"], false);
  EXPECT_THAT(line["analyses"], SizeIs(0));
  EXPECT_THAT(line["objects"], SizeIs(0));
}

TEST_F(AnalyticsJson, GivesALineForEachFrameWithTheFramesTimestamps) {
  for (int n = 0; n < 5; n++) {
    const auto line = json_.process(frame(n));
    EXPECT_EQ(GST_BUFFER_PTS(line.get()), n * 40 * GST_MSECOND);
    EXPECT_EQ(GST_BUFFER_DURATION(line.get()), 40 * GST_MSECOND);
    EXPECT_EQ(parse(line)["frame"], n);
    EXPECT_EQ(json_.pull(), nullptr);
  }
}

TEST_F(AnalyticsJson, WritesAModelsWordOnTheFrameBestFirst) {
  auto buffer = frame();
  {
    ResultWriter results(buffer);
    const auto mark = results.mark("0123456789ab", 12345678, 42, 8);
    results.relate(mark,
                   results.classes({{"tabby", 0.25f}, {"tiger cat", 0.5f}, {"lynx", 0.125f}}));
  }
  const auto line = send(std::move(buffer));
  EXPECT_EQ(line["analysed"], true);
  ASSERT_THAT(line["analyses"], SizeIs(1));
  const auto& analysis = line["analyses"][0];
  EXPECT_EQ(analysis["model"], "0123456789ab");
  EXPECT_EQ(analysis["latency_ns"], 12345678);
  EXPECT_EQ(analysis["batch"]["id"], 42);
  EXPECT_EQ(analysis["batch"]["size"], 8);
  ASSERT_THAT(analysis["classes"], SizeIs(3));
  EXPECT_EQ(analysis["classes"][0]["label"], "tiger cat");
  EXPECT_EQ(analysis["classes"][0]["score"], 0.5);
  EXPECT_EQ(analysis["classes"][1]["label"], "tabby");
  EXPECT_EQ(analysis["classes"][2]["label"], "lynx");
}

TEST_F(AnalyticsJson, WritesScoresAsShortAsTheyAre) {
  auto buffer = frame();
  ResultWriter(buffer).classes({{"dog", 0.9f}});
  const auto bytes = bytes_of(json_.process(std::move(buffer)));
  EXPECT_THAT(std::string(bytes.begin(), bytes.end()), HasSubstr("\"score\":0.9}"));
}

TEST_F(AnalyticsJson, KeepsModelsApart) {
  auto buffer = frame();
  {
    ResultWriter results(buffer);
    results.analysis("aaaa", {{"day", 0.9f}});
    results.analysis("bbbb", {});
    results.classes({{"dog", 0.5f}});
    results.analysis("cccc", {{"rain", 0.7f}});
  }
  const auto line = send(std::move(buffer));
  ASSERT_THAT(line["analyses"], SizeIs(4));
  EXPECT_EQ(line["analyses"][0]["model"], "aaaa");
  EXPECT_EQ(line["analyses"][0]["classes"][0]["label"], "day");
  EXPECT_EQ(line["analyses"][1]["model"], "bbbb");
  EXPECT_THAT(line["analyses"][1]["classes"], SizeIs(0));
  EXPECT_EQ(line["analyses"][2]["model"], "cccc");
  EXPECT_EQ(line["analyses"][2]["classes"][0]["label"], "rain");
  EXPECT_TRUE(line["analyses"][3]["model"].is_null());
  EXPECT_EQ(line["analyses"][3]["classes"][0]["label"], "dog");
}

TEST_F(AnalyticsJson, ClassificationsOfOtherElementsCountAsAnalysed) {
  auto buffer = frame();
  ResultWriter(buffer).classes({{"dog", 0.5f}});
  const auto line = send(std::move(buffer));
  EXPECT_EQ(line["analysed"], true);
  const auto& analysis = line["analyses"][0];
  EXPECT_TRUE(analysis["model"].is_null());
  EXPECT_TRUE(analysis["latency_ns"].is_null());
  EXPECT_TRUE(analysis["batch"].is_null());
}

TEST_F(AnalyticsJson, AMarkAloneSaysThatTheModelFoundNothing) {
  auto buffer = frame();
  ResultWriter(buffer).analysis("aaaa", {});
  const auto line = send(std::move(buffer));
  EXPECT_EQ(line["analysed"], true);
  ASSERT_THAT(line["analyses"], SizeIs(1));
  EXPECT_THAT(line["analyses"][0]["classes"], SizeIs(0));
}

TEST_F(AnalyticsJson, AnEmptyMetaFromAPoolIsNoAnalysis) {
  auto buffer = frame();
  ResultWriter nothing(buffer);
  EXPECT_EQ(send(std::move(buffer))["analysed"], false);
}

TEST_F(AnalyticsJson, WritesObjectsWithBoxTrackAndClasses) {
  auto buffer = frame();
  {
    ResultWriter results(buffer);
    const auto car = results.object("car", -5, 10, 30, 20, 0.75f, 0.5f);
    results.track(car, 77, true);
    const auto mark = results.mark("bbbb", 1000, 3, 2);
    const auto kind = results.classes({{"taxi", 0.25f}, {"van", 0.5f}});
    results.relate(car, kind);
    results.relate(mark, kind);
    results.object("person", 1, 2, 3, 4, 0.5f);
  }
  const auto line = send(std::move(buffer));
  EXPECT_THAT(line["analyses"], SizeIs(0));  // the mark speaks of the car alone
  ASSERT_THAT(line["objects"], SizeIs(2));
  const auto& car = line["objects"][0];
  EXPECT_EQ(car["label"], "car");
  EXPECT_EQ(car["score"], 0.75);
  EXPECT_EQ(car["box"].dump(), R"({"height":20,"width":30,"x":-5,"y":10})");
  EXPECT_EQ(car["rotation"], 0.5);
  EXPECT_EQ(car["track"]["id"], 77);
  EXPECT_EQ(car["track"]["lost"], true);
  ASSERT_THAT(car["analyses"], SizeIs(1));
  EXPECT_EQ(car["analyses"][0]["model"], "bbbb");
  EXPECT_EQ(car["analyses"][0]["classes"][0]["label"], "van");
  const auto& person = line["objects"][1];
  EXPECT_EQ(person["label"], "person");
  EXPECT_TRUE(person["track"].is_null());
  EXPECT_THAT(person["analyses"], SizeIs(0));
}

TEST_F(AnalyticsJson, WritesNullForLabelsAndScoresThatAreNone) {
  auto buffer = frame();
  ResultWriter(buffer).classes({{nullptr, 0.5f},
                                {"nan", std::numeric_limits<float>::quiet_NaN()},
                                {"inf", std::numeric_limits<float>::infinity()}});
  const auto line = send(std::move(buffer));
  const auto& classes = line["analyses"][0]["classes"];
  EXPECT_EQ(classes[0].dump(), R"({"label":"inf","score":null})");
  EXPECT_EQ(classes[1].dump(), R"({"label":null,"score":0.5})");
  EXPECT_EQ(classes[2].dump(), R"({"label":"nan","score":null})");
}

TEST_F(AnalyticsJson, EscapesHostileLabelsAndKeepsToOneLine) {
  const std::string every_byte = [] {
    std::string text;
    for (int byte = 1; byte < 256; byte++) text += static_cast<char>(byte);
    return text;
  }();
  for (const std::string& label :
       {std::string("quote \" backslash \\ slash /"), std::string("two\nlines\r\nand a\ttab"),
        std::string("not UTF-8: \xff\xfe\xc3"), std::string("cut short: \xf0\x9f\x90"), every_byte,
        std::string("\xe2\x80\xa8 line separator"), std::string("</script><b>&amp;"),
        std::string(100000, 'x')}) {
    auto buffer = frame();
    {
      ResultWriter results(buffer);
      results.classes({{label.c_str(), 0.5f}});
      results.object(label.c_str(), 1, 1, 2, 2);
    }
    g_object_set(json_.element(), "stream-id", label.c_str(), nullptr);
    const auto line = send(std::move(buffer));
    gchar* valid = g_utf8_make_valid(label.c_str(), -1);
    // How many replacement characters stand for a broken sequence differs; what was readable is
    // there.
    if (g_utf8_validate(label.c_str(), -1, nullptr)) {
      EXPECT_EQ(line["analyses"][0]["classes"][0]["label"], valid);
      EXPECT_EQ(line["objects"][0]["label"], valid);
      EXPECT_EQ(line["stream_id"], valid);
    } else {
      EXPECT_THAT(line["analyses"][0]["classes"][0]["label"].get<std::string>(),
                  HasSubstr("\xef\xbf\xbd"));
    }
    g_free(valid);
  }
}

TEST_F(AnalyticsJson, TakesTheWallClockFromAnNtpReference) {
  auto buffer = frame();
  add_reference(buffer, "timestamp/x-ntp, clock=(string)somewhere",
                kNtpOfUnixEpoch + G_GUINT64_CONSTANT(1700000000123456789));
  const auto clock = send(std::move(buffer))["wall_clock"];
  EXPECT_EQ(clock["source"], "ntp");
  EXPECT_EQ(clock["time"], "2023-11-14T22:13:20.123456789Z");
}

TEST_F(AnalyticsJson, TakesTheWallClockFromAUnixReference) {
  auto buffer = frame();
  add_reference(buffer, "timestamp/x-unix", G_GUINT64_CONSTANT(951782400000000001));
  const auto clock = send(std::move(buffer))["wall_clock"];
  EXPECT_EQ(clock["source"], "unix");
  EXPECT_EQ(clock["time"], "2000-02-29T00:00:00.000000001Z");
}

TEST_F(AnalyticsJson, PrefersNtpAndIgnoresOtherReferences) {
  auto buffer = frame();
  add_reference(buffer, "timestamp/x-ptp, version=IEEE1588-2008, domain=0", 1);
  add_reference(buffer, "timestamp/x-unix", 5);
  add_reference(buffer, "timestamp/x-ntp", kNtpOfUnixEpoch);
  const auto clock = send(std::move(buffer))["wall_clock"];
  EXPECT_EQ(clock["source"], "ntp");
  EXPECT_EQ(clock["time"], "1970-01-01T00:00:00.000000000Z");
}

TEST_F(AnalyticsJson, UsesTheSystemsClockWithoutAUsableReference) {
  const auto seconds_of = [](const Json& clock) {
    std::tm utc = {};
    strptime(clock["time"].get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    return static_cast<gint64>(timegm(&utc));
  };
  // A camera that was never set sends NTP times near its start.
  for (const bool unset_camera : {false, true}) {
    auto buffer = frame();
    if (unset_camera) add_reference(buffer, "timestamp/x-ntp", 12 * GST_SECOND);
    const auto before = g_get_real_time() / G_USEC_PER_SEC;
    const auto clock = send(std::move(buffer))["wall_clock"];
    const auto after = g_get_real_time() / G_USEC_PER_SEC;
    EXPECT_EQ(clock["source"], "system");
    EXPECT_GE(seconds_of(clock), before);
    EXPECT_LE(seconds_of(clock), after);
  }
}

TEST_F(AnalyticsJson, EmitAnalysedLeavesOutTheOthersAndCountsThem) {
  g_object_set(json_.element(), "emit", 1, nullptr);
  EXPECT_EQ(json_.push(frame(0)), GST_FLOW_OK);
  EXPECT_EQ(json_.push(frame(1)), GST_FLOW_OK);
  EXPECT_EQ(json_.pull(), nullptr);
  auto buffer = frame(2);
  ResultWriter(buffer).analysis("aaaa", {});
  const auto line = json_.process(std::move(buffer));
  EXPECT_TRUE(GST_BUFFER_IS_DISCONT(line.get()));
  EXPECT_EQ(parse(line)["frame"], 2);
}

TEST_F(AnalyticsJson, NamesTheStreamAfterUpstreamUnlessTold) {
  gst_harness_push_event(json_.get(), gst_event_new_stream_start("camera/7"));
  EXPECT_EQ(send(frame(0))["stream_id"], "camera/7");
  g_object_set(json_.element(), "stream-id", "front door", nullptr);
  EXPECT_EQ(send(frame(1))["stream_id"], "front door");
  g_object_set(json_.element(), "stream-id", nullptr, nullptr);
  EXPECT_EQ(send(frame(2))["stream_id"], "camera/7");
}

TEST_F(AnalyticsJson, CountsFromZeroInANewStreamAndNotAfterAFlush) {
  EXPECT_EQ(send(frame(0))["frame"], 0);
  gst_harness_push_event(json_.get(), gst_event_new_flush_start());
  gst_harness_push_event(json_.get(), gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(json_.get(), gst_event_new_segment(&segment));
  EXPECT_EQ(send(frame(1))["frame"], 1);
  gst_harness_push_event(json_.get(), gst_event_new_stream_start("another"));
  json_.caps(kCaps);
  gst_harness_push_event(json_.get(), gst_event_new_segment(&segment));
  EXPECT_EQ(send(frame(2))["frame"], 0);
}

TEST_F(AnalyticsJson, TellsRunningTimeFromStreamTime) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.rate = 2.0;
  segment.start = segment.time = 100 * GST_SECOND;
  segment.base = 7 * GST_SECOND;
  gst_harness_push_event(json_.get(), gst_event_new_segment(&segment));
  auto buffer = frame();
  GST_BUFFER_PTS(buffer.get()) = 104 * GST_SECOND;
  auto line = send(std::move(buffer));
  EXPECT_EQ(line["pts"], 104 * GST_SECOND);
  EXPECT_EQ(line["running_time"], 9 * GST_SECOND);
  EXPECT_EQ(line["stream_time"], 104 * GST_SECOND);

  buffer = frame();  // at 0, before the segment starts
  line = send(std::move(buffer));
  EXPECT_EQ(line["pts"], 0);
  EXPECT_TRUE(line["running_time"].is_null());
  EXPECT_TRUE(line["stream_time"].is_null());
}

TEST_F(AnalyticsJson, WritesNullForTimesThatAreNone) {
  auto buffer = frame();
  GST_BUFFER_PTS(buffer.get()) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(buffer.get()) = GST_CLOCK_TIME_NONE;
  const auto out = json_.process(std::move(buffer));
  EXPECT_FALSE(GST_BUFFER_PTS_IS_VALID(out.get()));
  const auto line = parse(out);
  EXPECT_TRUE(line["pts"].is_null());
  EXPECT_TRUE(line["running_time"].is_null());
  EXPECT_TRUE(line["stream_time"].is_null());
}

TEST_F(AnalyticsJson, SaysWhatItSends) {
  send(frame());
  GstCaps* caps = gst_pad_get_current_caps(json_.get()->sinkpad);
  gchar* text = gst_caps_to_string(caps);
  EXPECT_STREQ(text, "application/x-json, format=(string)analytics-frame");
  g_free(text);
  gst_caps_unref(caps);
}

TEST_F(AnalyticsJson, TakesFramesOfAnyMemoryAndLayout) {
  json_.caps("video/x-raw(memory:Strange), format=NV12, width=640, height=360, framerate=25/1");
  const auto line = send(BufferPtr(gst_buffer_new()));
  EXPECT_EQ(line["size"]["width"], 640);

  GstCaps* caps = gst_caps_from_string(kCaps);
  GstQuery* query = gst_query_new_allocation(caps, FALSE);
  EXPECT_TRUE(gst_pad_peer_query(json_.get()->srcpad, query));
  EXPECT_TRUE(gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr));
  gst_query_unref(query);
  gst_caps_unref(caps);
}

TEST_F(AnalyticsJson, FollowsACapsChange) {
  EXPECT_EQ(send(frame(0))["size"]["width"], 64);
  json_.caps("video/x-raw, format=I420, width=320, height=240, framerate=25/1");
  EXPECT_EQ(send(make_frame(video_caps("I420", 320, 240), 1))["size"]["height"], 240);
}

TEST_F(AnalyticsJson, PassesGapAndEosBehindTheLines) {
  json_.push(frame(0));
  while (auto* event = gst_harness_try_pull_event(json_.get())) gst_event_unref(event);
  gst_harness_push_event(json_.get(), gst_event_new_gap(40 * GST_MSECOND, 40 * GST_MSECOND));
  gst_harness_push_event(json_.get(), gst_event_new_eos());
  EXPECT_EQ(gst_harness_buffers_in_queue(json_.get()), 1u);
  for (const auto type : {GST_EVENT_GAP, GST_EVENT_EOS}) {
    auto* event = gst_harness_try_pull_event(json_.get());
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(GST_EVENT_TYPE(event), type);
    gst_event_unref(event);
  }
}

// The frame may come from a small pool, and whoever takes the line may keep it waiting.
TEST_F(AnalyticsJson, LetsGoOfTheFrameBeforeTheLineLeaves) {
  struct {
    bool freed = false, freed_when_pushed = false;
  } seen;
  auto buffer = frame();
  gst_mini_object_weak_ref(
      GST_MINI_OBJECT_CAST(buffer.get()),
      [](gpointer data, GstMiniObject*) { static_cast<decltype(seen)*>(data)->freed = true; },
      &seen);
  gst_pad_add_probe(
      json_.get()->sinkpad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo*, gpointer data) {
        auto* record = static_cast<decltype(seen)*>(data);
        record->freed_when_pushed = record->freed;
        return GST_PAD_PROBE_OK;
      },
      &seen, nullptr);
  json_.push(std::move(buffer));
  EXPECT_TRUE(seen.freed_when_pushed);
}

TEST_F(AnalyticsJson, PropertiesRoundTrip) {
  gchar* name;
  gint emit;
  g_object_get(json_.element(), "stream-id", &name, "emit", &emit, nullptr);
  EXPECT_EQ(name, nullptr);
  EXPECT_EQ(emit, 0);
  gst_util_set_object_arg(G_OBJECT(json_.element()), "emit", "analysed");
  g_object_set(json_.element(), "stream-id", "cam-1", nullptr);
  g_object_get(json_.element(), "stream-id", &name, "emit", &emit, nullptr);
  EXPECT_STREQ(name, "cam-1");
  EXPECT_EQ(emit, 1);
  g_free(name);
}

TEST(AnalyticsJsonErrors, AFrameBeforeCapsIsAnErrorOnTheBus) {
  Harness json("analyticsjson");
  GstBus* bus = gst_bus_new();
  gst_element_set_bus(json.element(), bus);
  GstPad* pad = gst_element_get_static_pad(json.element(), "sink");
  gst_pad_send_event(pad, gst_event_new_stream_start("stream"));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_send_event(pad, gst_event_new_segment(&segment));
  EXPECT_EQ(gst_pad_chain(pad, make_frame(kCaps).release()), GST_FLOW_NOT_NEGOTIATED);
  GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  ASSERT_NE(message, nullptr);
  GError* error;
  gst_message_parse_error(message, &error, nullptr);
  EXPECT_TRUE(g_error_matches(error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION));
  g_error_free(error);
  gst_message_unref(message);
  gst_object_unref(pad);
  gst_element_set_bus(json.element(), nullptr);
  gst_object_unref(bus);
}

// The validation above means nothing unless it can fail.
TEST(AnalyticsJsonSchema, RejectsWhatIsNotALine) {
  Harness json("analyticsjson");
  json.caps(kCaps);
  auto frame = make_frame(kCaps);
  ResultWriter(frame).object("car", 1, 2, 3, 4);
  const auto bytes = bytes_of(json.process(std::move(frame)));
  const auto good = Json::parse(bytes.begin(), bytes.end());
  EXPECT_EQ(schema_errors(good), "");
  const auto broken = [&](const char* pointer, const Json& value) {
    auto copy = good;
    copy[Json::json_pointer(pointer)] = value;
    return schema_errors(copy);
  };
  EXPECT_NE(broken("/frame", -1), "");
  EXPECT_NE(broken("/frame", "0"), "");
  EXPECT_NE(broken("/pts", 1.5), "");
  EXPECT_NE(broken("/unheard_of", 1), "");
  EXPECT_NE(broken("/wall_clock/time", "2023-11-14 22:13:20"), "");
  EXPECT_NE(broken("/wall_clock/source", "guess"), "");
  EXPECT_NE(broken("/objects/0/box/x", 0.5), "");
  EXPECT_NE(broken("/objects/0/track", 7), "");
  for (const auto& [key, value] : good.items()) {
    auto copy = good;
    copy.erase(key);
    EXPECT_NE(schema_errors(copy), "") << key;
  }
}

}  // namespace
}  // namespace torchinfer
