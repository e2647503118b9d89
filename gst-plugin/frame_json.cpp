// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frame_json.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace {

constexpr auto kSchemaVersion = "1.0";

// Keys in the order of the schema, so that a person can read a line; floats as floats, since a
// score of 0.9 is to be written 0.9 and not as the nearest double's seventeen digits.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool,
    std::int64_t, std::uint64_t, float>;

// Seconds from 1900, where NTP counts from, to 1970.
constexpr std::uint64_t kNtpToUnixSeconds = 2'208'988'800;

Json
time_or_null (GstClockTime time) {
  return GST_CLOCK_TIME_IS_VALID (time) ? Json (static_cast<std::uint64_t> (time)) : Json (nullptr);
}

Json
number_or_null (float number) {
  return std::isfinite (number) ? Json (number) : Json (nullptr);
}

Json
label_or_null (GQuark label) {
  return label != 0 ? Json (g_quark_to_string (label)) : Json (nullptr);
}

const char *
name_of (WallClockSource source) {
  switch (source) {
    case WallClockSource::kNtp: return "ntp";
    case WallClockSource::kUnix: return "unix";
    case WallClockSource::kSystem: break;
  }
  return "system";
}

Json
to_json (const std::vector<ReportAnalysis> &analyses) {
  Json list = Json::array ();
  for (const auto &analysis : analyses) {
    Json classes = Json::array ();
    for (const auto &entry : analysis.classes)
      classes.push_back (
          {{"label", label_or_null (entry.label)}, {"score", number_or_null (entry.score)}});
    const auto &mark = analysis.mark;
    list.push_back ({
        {"model", mark ? label_or_null (mark->model) : Json (nullptr)},
        {"latency_ns", mark ? time_or_null (mark->latency) : Json (nullptr)},
        {"batch", mark ? Json ({{"id", mark->batch}, {"size", mark->batch_size}}) : Json (nullptr)},
        {"classes", std::move (classes)},
    });
  }
  return list;
}

Json
to_json (const ReportObject &object) {
  const auto &box = object.box;
  Json track = nullptr;
  if (object.track)
    track = {{"id", object.track->id}, {"lost", object.track->lost}};
  return {
      {"label", label_or_null (object.label)},
      {"score", number_or_null (object.score)},
      {"box", {{"x", box.x}, {"y", box.y}, {"width", box.width}, {"height", box.height}}},
      {"rotation", number_or_null (box.rotation)},
      {"track", std::move (track)},
      {"analyses", to_json (object.analyses)},
  };
}

// The timestamp of the first reference meta with this caps name, whatever else its caps say (the
// clock's address, for example).
std::optional<std::uint64_t>
find_reference (GstBuffer *buffer, const char *name) {
  gpointer state = nullptr;
  while (auto meta = gst_buffer_iterate_meta_filtered (
             buffer, &state, GST_REFERENCE_TIMESTAMP_META_API_TYPE)) {
    const auto reference = reinterpret_cast<GstReferenceTimestampMeta *> (meta);
    if (gst_caps_get_size (reference->reference) > 0 &&
        GST_CLOCK_TIME_IS_VALID (reference->timestamp) &&
        gst_structure_has_name (gst_caps_get_structure (reference->reference, 0), name))
      return reference->timestamp;
  }
  return std::nullopt;
}

}  // namespace

WallClock
read_wall_clock (GstBuffer *buffer) {
  // An NTP time before 1970 comes from a camera whose clock was never set, one that does not fit from
  // nowhere; either would be written as a date that nobody can use.
  constexpr std::uint64_t kOffset = kNtpToUnixSeconds * GST_SECOND;
  if (auto ntp = find_reference (buffer, "timestamp/x-ntp");
      ntp && *ntp >= kOffset && *ntp - kOffset <= G_MAXINT64)
    return {static_cast<std::int64_t> (*ntp - kOffset), WallClockSource::kNtp};
  if (auto unix_time = find_reference (buffer, "timestamp/x-unix");
      unix_time && *unix_time <= G_MAXINT64)
    return {static_cast<std::int64_t> (*unix_time), WallClockSource::kUnix};
  const auto now = std::chrono::system_clock::now ().time_since_epoch ();
  return {std::chrono::duration_cast<std::chrono::nanoseconds> (now).count (),
      WallClockSource::kSystem};
}

std::string
format_rfc3339 (std::int64_t unix_ns) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  std::int64_t fraction = unix_ns % kNsPerSecond;
  if (fraction < 0)
    fraction += kNsPerSecond;
  const auto seconds = static_cast<std::time_t> ((unix_ns - fraction) / kNsPerSecond);
  std::tm utc = {};
  gmtime_r (&seconds, &utc);
  std::array<char, 64> text = {};
  std::snprintf (text.data (), text.size (), "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ",
      utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
      static_cast<int> (fraction));
  return text.data ();
}

std::string
format_frame_json (const FrameFacts &facts, const FrameReport &report) {
  Json objects = Json::array ();
  for (const auto &object : report.objects) objects.push_back (to_json (object));
  const Json line = {
      {"schema_version", kSchemaVersion},
      {"stream_id", facts.stream_id},
      {"frame", facts.number},
      {"pts", time_or_null (facts.pts)},
      {"running_time", time_or_null (facts.running_time)},
      {"stream_time", time_or_null (facts.stream_time)},
      {"wall_clock", {{"time", format_rfc3339 (facts.wall_clock.unix_ns)},
                         {"source", name_of (facts.wall_clock.source)}}},
      {"size", {{"width", facts.width}, {"height", facts.height}}},
      {"analysed", report.analysed},
      {"analyses", to_json (report.analyses)},
      {"objects", std::move (objects)},
  };
  return line.dump (-1, ' ', false, Json::error_handler_t::replace) + '\n';
}
