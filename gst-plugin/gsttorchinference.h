// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_TORCH_INFERENCE (gst_torch_inference_get_type ())
G_DECLARE_FINAL_TYPE (GstTorchInference, gst_torch_inference, GST, TORCH_INFERENCE, GstElement)

GST_ELEMENT_REGISTER_DECLARE (torchinference)

G_END_DECLS
