// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frame_mapper.h"

#include <gst/video/gstvideometa.h>

#include <string>

#include "video_caps.h"

namespace {

using torchinfer::Code;
using torchinfer::ImageView;
using torchinfer::Result;
using torchinfer::Status;

struct MappedFrame {
  MappedFrame (const GstVideoInfo &info, GstBuffer *buffer)
      : mapped (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ)) {}
  ~MappedFrame () {
    if (mapped)
      gst_video_frame_unmap (&frame);
  }
  MappedFrame (const MappedFrame &) = delete;
  MappedFrame &operator= (const MappedFrame &) = delete;

  GstVideoFrame frame;
  const bool mapped;
};

struct Origin {
  int x = 0, y = 0;
};

/// Where the picture starts in the mapped frame. With a crop meta the caps tell the size of the
/// crop alone.
Origin
crop_origin (GstBuffer *buffer) {
  const auto crop = gst_buffer_get_video_crop_meta (buffer);
  return crop ? Origin{static_cast<int> (crop->x), static_cast<int> (crop->y)} : Origin{};
}

}  // namespace

std::pmr::memory_resource *
gst_torch_frame_memory () {
  static auto memory = new std::pmr::synchronized_pool_resource;
  return memory;
}

bool
GstTorchFrameMapper::set_info (const GstVideoInfo &info) {
  const auto format = gst_torch_image_format (info);
  if (!format)
    return false;
  info_ = info;
  format_ = *format;
  return true;
}

Result<ImageView>
GstTorchFrameMapper::map (GstBuffer *buffer) const {
  const std::pmr::polymorphic_allocator<MappedFrame> allocator (gst_torch_frame_memory ());
  const auto mapped = std::allocate_shared<MappedFrame> (allocator, info_, buffer);
  if (!mapped->mapped)
    return Status (Code::kInvalidArgument, "A video frame's memory cannot be read as its caps say.",
        "gst_video_frame_map() failed");

  const auto &frame = mapped->frame;
  const auto origin = crop_origin (buffer);
  if (origin.x + format_.width > GST_VIDEO_FRAME_WIDTH (&frame) ||
      origin.y + format_.height > GST_VIDEO_FRAME_HEIGHT (&frame))
    return Status (Code::kInvalidArgument, "A video frame is smaller than its caps say.",
        "frame " + std::to_string (GST_VIDEO_FRAME_WIDTH (&frame)) + "x" +
            std::to_string (GST_VIDEO_FRAME_HEIGHT (&frame)) + ", caps " +
            std::to_string (format_.width) + "x" + std::to_string (format_.height) + " at " +
            std::to_string (origin.x) + "," + std::to_string (origin.y));

  ImageView view;
  view.format = format_;
  view.where = {torchinfer::DeviceId::Kind::kCpu, 0};
  const auto layout = frame.info.finfo;
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES (&frame); plane++) {
    gint components[GST_VIDEO_MAX_COMPONENTS];
    gst_video_format_info_component (layout, plane, components);
    const auto component = components[0];
    // A crop that starts between two chroma samples starts at the one on its left and above, as
    // GStreamer's own converters have it.
    const auto x = origin.x >> GST_VIDEO_FORMAT_INFO_W_SUB (layout, component);
    const auto y = origin.y >> GST_VIDEO_FORMAT_INFO_H_SUB (layout, component);
    const std::ptrdiff_t stride = GST_VIDEO_FRAME_PLANE_STRIDE (&frame, plane);
    view.planes[plane].stride = stride;
    view.planes[plane].data =
        static_cast<const std::byte *> (GST_VIDEO_FRAME_PLANE_DATA (&frame, plane)) + y * stride +
        std::ptrdiff_t{x} * GST_VIDEO_FORMAT_INFO_PSTRIDE (layout, component);
  }
  view.owner = mapped;
  return view;
}
