// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "frame_report.h"

// The JSON form of one frame, which docs/analytics-frame.schema.json describes. Knows no element.

enum class WallClockSource { kNtp, kUnix, kSystem };

struct WallClock {
  std::int64_t unix_ns;  ///< ns since 1970-01-01 00:00:00 UTC, leap seconds not counted
  WallClockSource source;
};

struct FrameFacts {
  std::string stream_id;
  std::uint64_t number;                         ///< of the frame in its stream, from 0
  GstClockTime pts, running_time, stream_time;  ///< ns; GST_CLOCK_TIME_NONE is written as null
  WallClock wall_clock;
  int width, height;  ///< pixels
};

/// What time it was at the frame: from its reference timestamp meta, timestamp/x-ntp before
/// timestamp/x-unix; else the system's clock, now.
WallClock read_wall_clock (GstBuffer *buffer);

/// "2026-11-24T08:39:27.000000001Z". Years 0000 to 9999 hold every int64.
std::string format_rfc3339 (std::int64_t unix_ns);

/// One JSON object and "\n"; no other line break is in it. Bytes that are not UTF-8 become U+FFFD.
/// May throw std::bad_alloc.
std::string format_frame_json (const FrameFacts &facts, const FrameReport &report);
