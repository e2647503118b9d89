// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>

#include "core/status.h"

namespace torchinfer::frames {

struct SampleUnref {
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
using SamplePtr = std::unique_ptr<GstSample, SampleUnref>;

/// The decoded frames of a video or picture file, one after the other. gst_init() was called
/// before. For one thread at a time, which may be none that streams.
class VideoDecoder {
 public:
  /// Starts at once. `caps` are what frames are converted to where they differ, as gst-launch takes
  /// them. Reports nothing: the first next() gives null and status() says why.
  VideoDecoder(const std::string& path, const std::string& caps);
  /// Stops whatever runs.
  ~VideoDecoder();
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  /// The next frame; null at the end and after a failure, which status() tells apart. Blocks.
  SamplePtr next();

  /// Ok, or kUnreadable with the file and what GStreamer said.
  Status status() const;

 private:
  bool note_problem();

  struct Unref {
    void operator()(GstElement* element) const { gst_object_unref(element); }
  };
  std::string path_;
  std::string problem_;
  std::unique_ptr<GstElement, Unref> pipeline_, sink_;
};

}  // namespace torchinfer::frames
