// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "gst_torch_settings.h"

// The properties of torchinference: names, ranges, defaults, and their way in and out of
// GstTorchSettings.

enum GstTorchProperty : guint {
  GST_TORCH_PROP_0,
  GST_TORCH_PROP_MODEL_FILE,
  GST_TORCH_PROP_MODEL_INFO_FILE,
  GST_TORCH_PROP_LABEL_FILE,
  GST_TORCH_PROP_MODEL_SHA256,
  GST_TORCH_PROP_DEVICE,
  GST_TORCH_PROP_PRECISION,
  GST_TORCH_PROP_BATCH_SIZE,
  GST_TORCH_PROP_BATCH_TIMEOUT,
  GST_TORCH_PROP_WORKERS,
  GST_TORCH_PROP_THREADS,
  GST_TORCH_PROP_ENGINE_NAME,
  GST_TORCH_PROP_INFERENCE_INTERVAL,
  GST_TORCH_PROP_TOP_K,
  GST_TORCH_PROP_CLASS_CONFIDENCE_THRESHOLD,
  GST_TORCH_PROP_OVERLOAD_POLICY,
  GST_TORCH_PROP_QOS,
  GST_TORCH_PROP_ERROR_POLICY,
  GST_TORCH_PROP_ATTACH,
  GST_TORCH_PROP_DUMP_INPUTS,
  GST_TORCH_PROP_STATS_INTERVAL,
  GST_TORCH_PROP_STATS,  ///< read only, not in GstTorchSettings
};

void gst_torch_properties_install (GObjectClass *object_class);

/// False where `id` is not a property that can be set. The caller holds the lock of `settings`.
bool gst_torch_properties_set (GstTorchSettings &settings, guint id, const GValue *value);

/// False where `id` is not in `settings`. The caller holds the lock of `settings`.
bool gst_torch_properties_get (const GstTorchSettings &settings, guint id, GValue *value);
