// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

#include "engine/back_end.h"

/// What happens to a frame that comes while the stream's share of the engine is used up.
enum GstTorchOverloadPolicy {
  GST_TORCH_OVERLOAD_POLICY_AUTO,  ///< skip where the stream is live, wait otherwise
  GST_TORCH_OVERLOAD_POLICY_WAIT,  ///< upstream waits
  GST_TORCH_OVERLOAD_POLICY_SKIP,  ///< the frame goes on without results
  GST_TORCH_OVERLOAD_POLICY_DROP,  ///< the frame goes no further
};

/// What happens to the stream when a model fails on a frame.
enum GstTorchErrorPolicy {
  GST_TORCH_ERROR_POLICY_FAIL,  ///< the element posts an error and the stream ends
  GST_TORCH_ERROR_POLICY_PASS,  ///< a warning, once, and the frame goes on without results
};

enum GstTorchAttachFlags {
  GST_TORCH_ATTACH_RESULTS = 1 << 0,
};

/// Properties that act on the frames after a change. Plain values; the initialisers are the
/// properties' defaults.
struct GstTorchLiveSettings {
  GstClockTime batch_timeout =
      GST_CLOCK_TIME_NONE;  ///< at most 10 s; none = by the stream's liveness
  guint inference_interval = 1;
  guint top_k = 5;
  gfloat class_confidence_threshold = 0.0F;
  GstTorchOverloadPolicy overload_policy = GST_TORCH_OVERLOAD_POLICY_AUTO;
  GstTorchErrorPolicy error_policy = GST_TORCH_ERROR_POLICY_FAIL;
  bool qos = true;
  GstClockTime stats_interval = 0;
};

/// All properties. Strings are empty where the property is NULL. Those outside `live` are read when
/// the element goes to PAUSED, and the first four also when model_file is set after that.
struct GstTorchSettings {
  std::string model_file;
  std::string model_info_file;
  std::string label_file;
  std::string model_sha256;

  std::string device = "auto";
  torchinfer::Precision precision = torchinfer::Precision::kAuto;
  guint batch_size = 0;
  gint workers = -1;
  gint threads = -1;
  std::string engine_name;
  guint attach = GST_TORCH_ATTACH_RESULTS;
  std::string dump_inputs;
  GstTorchLiveSettings live;
};
