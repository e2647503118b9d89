// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/run_sheet.h"

#include <algorithm>
#include <cstdio>

#include "report/video_reader.h"

namespace torchinfer::report {
namespace {

std::string caption(const Frame& frame) {
  char text[64];
  const std::uint64_t ms = frame.stream_time.value_or(0) / 1'000'000;
  std::snprintf(text, sizeof text, "frame %llu   %llu:%02llu.%03llu",
                static_cast<unsigned long long>(frame.number),
                static_cast<unsigned long long>(ms / 60'000),
                static_cast<unsigned long long>(ms / 1'000 % 60),
                static_cast<unsigned long long>(ms % 1'000));
  return text;
}

}  // namespace

Result<cv::Mat> make_run_sheet(const std::string& video, const std::vector<Frame>& frames,
                               const SheetLayout& layout) {
  const auto stops_growing = [](const Frame& a, const Frame& b) { return a.number >= b.number; };
  if (std::adjacent_find(frames.begin(), frames.end(), stops_growing) != frames.end()) {
    return Status(Code::kInvalidArgument,
                  "the frame numbers start over; a contact sheet is made of one run");
  }
  const auto count =
      static_cast<std::size_t>(layout.columns) * static_cast<std::size_t>(layout.rows);
  std::vector<std::size_t> positions;
  std::vector<std::string> captions;
  for (const std::size_t line : spread(frames.size(), count)) {
    positions.push_back(frames[line].number);
    captions.push_back(caption(frames[line]));
  }
  ContactSheet sheet(layout);
  std::size_t taken = 0;
  const Status status = read_frames(video, positions, [&](std::size_t, const cv::Mat& frame) {
    sheet.add(frame, captions[taken++]);
  });
  if (!status.ok()) return status;
  return sheet.image();
}

}  // namespace torchinfer::report
