// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "core/status.h"

/// How a fault is told to an application: a GStreamer error domain and a code in it.
struct GstTorchError {
  GQuark domain;
  gint code;
};

/// The only table from the library's codes to GStreamer's. Total: every code but kOk has a row.
GstTorchError gst_torch_error_from_code (torchinfer::Code code);

/// Posts `status`, which is not ok, as an error or a warning of `element`: its message for the
/// user, its detail for the log, and the library's own code as `torch-code` in the message's
/// details. Call it with no lock held. `source_*`: the caller's place.
void gst_torch_post_status (GstElement *element, GstMessageType type,
    const torchinfer::Status &status, const char *source_file, const char *source_function,
    int source_line);

#define GST_TORCH_POST_ERROR(element, status) \
  gst_torch_post_status (                     \
      GST_ELEMENT_CAST (element), GST_MESSAGE_ERROR, status, __FILE__, GST_FUNCTION, __LINE__)
#define GST_TORCH_POST_WARNING(element, status) \
  gst_torch_post_status (                       \
      GST_ELEMENT_CAST (element), GST_MESSAGE_WARNING, status, __FILE__, GST_FUNCTION, __LINE__)
