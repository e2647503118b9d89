// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <string>

#include "support/temp_folder.h"

namespace torchinfer::report::test {

/// Writes an uncompressed video of 16x16 pixels, of which frame n is plain luma 16 + 8n: each frame
/// tells its number. Returns its path. In a container, as videos come: decodebin of GStreamer 1.28
/// often fails with raw frames that are in none.
inline std::string write_gray_clip(const torchinfer::test::TempFolder& folder, int frames) {
  std::string raw;
  for (int i = 0; i < frames; ++i) {
    raw.append(16 * 16, static_cast<char>(16 + 8 * i));
    raw.append(2 * 8 * 8, static_cast<char>(128));
  }
  const std::string clip = folder.path("clip.mkv");
  const std::string line = "filesrc location=" + folder.write("clip.yuv", raw) +
                           " ! rawvideoparse format=i420 width=16 height=16 framerate=25/1"
                           " ! matroskamux ! filesink location=" +
                           clip;
  GstElement* pipeline = gst_parse_launch(line.c_str(), nullptr);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* end = gst_bus_timed_pop_filtered(
      bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  EXPECT_EQ(GST_MESSAGE_TYPE(end), GST_MESSAGE_EOS) << "the clip could not be written";
  gst_message_unref(end);
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return clip;
}

}  // namespace torchinfer::report::test
