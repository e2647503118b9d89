// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/video_reader.h"

#include <gst/video/video.h>

#include <memory>

#include "frames/video_decoder.h"

namespace torchinfer::report {
namespace {

bool hand_over(GstSample* sample, std::size_t position,
               const std::function<void(std::size_t, const cv::Mat&)>& take) {
  GstVideoInfo info;
  GstVideoFrame frame;
  if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) {
    return false;
  }
  const std::unique_ptr<GstVideoFrame, void (*)(GstVideoFrame*)> unmap(&frame,
                                                                       gst_video_frame_unmap);
  take(position, cv::Mat(GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_WIDTH(&frame), CV_8UC3,
                         GST_VIDEO_FRAME_PLANE_DATA(&frame, 0),
                         static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0))));
  return true;
}

}  // namespace

Status read_frames(const std::string& path, const std::vector<std::size_t>& positions,
                   const std::function<void(std::size_t, const cv::Mat&)>& take) {
  frames::VideoDecoder decoder(path, "video/x-raw,format=BGR");
  const auto ended = [&] {
    const Status status = decoder.status();
    return status.ok() ? Status(Code::kUnreadable, path + " ended before the wanted frame")
                       : status;
  };
  std::size_t position = 0;
  for (const std::size_t wanted : positions) {
    frames::SamplePtr sample;
    for (; position <= wanted; ++position) {
      sample = decoder.next();
      if (!sample) return ended();
    }
    if (sample && !hand_over(sample.get(), wanted, take))
      return {Code::kUnreadable, path + ": a frame cannot be mapped"};
  }
  return {};
}

}  // namespace torchinfer::report
