// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <vector>

#include "engine/task.h"
#include "gst_mini_ptr.h"

// Results become metadata here, and nowhere else; so do the differences between GStreamer's
// versions.

/// The quarks of one model's labels and digest, looked up once instead of for every frame. Quarks
/// are never freed, so the labels of a model cost their memory once a process. Of one thread at a
/// time.
class GstTorchResultQuarks {
 public:
  /// Makes the quarks of the model that gave `frame`, unless they are there already.
  void use (const torchinfer::FrameResult &frame);
  GQuark model () const { return model_; }
  /// The label, or the class's number where the model has no labels.
  GQuark label (int index);

 private:
  std::shared_ptr<const torchinfer::ModelInfo> info_;
  GQuark model_ = 0;
  std::vector<GQuark> labels_;
};

/// gst_buffer_make_writable(), but tensor metas survive: up to GStreamer 1.26 they get lost in the
/// copy of a buffer that others hold too.
GstMiniPtr<GstBuffer> gst_torch_make_writable (GstMiniPtr<GstBuffer> buffer);

/// Adds what a model said of the whole frame: a mark (gst_torch_analysis.h) and, unless no class
/// passed the threshold, a classification, best first, that the mark relates to. `item` is ok.
/// Returns the buffer, or a copy where others hold it too.
GstMiniPtr<GstBuffer> gst_torch_attach_results (GstMiniPtr<GstBuffer> buffer,
    const torchinfer::FrameResult &frame, GstTorchResultQuarks &quarks);

/// A pool hands buffers out again with our relation meta, emptied. On a frame that no model looked
/// at it would say "nothing seen", so it goes, if the buffer is ours to change.
void gst_torch_remove_stale_results (GstBuffer *buffer);
