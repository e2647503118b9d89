// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <memory_resource>

#include "core/image_view.h"
#include "core/status.h"

/// Blocks of memory for what lives as long as a frame, used again instead of being freed.
/// Process-wide, thread-safe, never destroyed: an engine may drop the last view of a frame after
/// the element has gone.
std::pmr::memory_resource *gst_torch_frame_memory ();

/// Turns buffers of one stream into views of their pixels, from the buffer's own strides and
/// offsets (video meta) and its crop, if it has one. Of one thread: the streaming thread.
class GstTorchFrameMapper {
 public:
  /// For the buffers that follow. False for a format that cannot be preprocessed.
  bool set_info (const GstVideoInfo &info);

  /// Maps `buffer` for reading. The view's owner holds the map and a reference to the buffer, and
  /// gives both up with its last copy, on any thread. kInvalidArgument where the buffer cannot be
  /// mapped as the caps say.
  torchinfer::Result<torchinfer::ImageView> map (GstBuffer *buffer) const;

 private:
  GstVideoInfo info_ = {};
  torchinfer::ImageFormat format_;
};
