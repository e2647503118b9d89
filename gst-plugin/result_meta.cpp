// SPDX-License-Identifier: LGPL-2.1-or-later
#include "result_meta.h"

#include <gst/analytics/analytics.h>

#include <string>

#include "gst_torch_analysis.h"

namespace {

constexpr gsize kMarkAndClassification = 2;

/// Tensors are values: a copy of each keeps both buffers independent.
void
copy_tensor_metas (GstBuffer *from, GstBuffer *to) {
  gpointer state = nullptr;
  GstMeta *meta;
  while ((meta = gst_buffer_iterate_meta_filtered (from, &state, GST_TENSOR_META_API_TYPE)) !=
         nullptr) {
    const auto tensors = reinterpret_cast<GstTensorMeta *> (meta);
    const auto copies = g_new (GstTensor *, tensors->num_tensors);
    for (gsize i = 0; i < tensors->num_tensors; i++)
      copies[i] = gst_tensor_copy (tensors->tensors[i]);
    // gst_buffer_add_tensor_meta() gives back an existing one on some versions; two models' tensors
    // would be mixed.
    const auto added = gst_buffer_add_meta (to, GST_TENSOR_META_INFO, nullptr);
    gst_tensor_meta_set (reinterpret_cast<GstTensorMeta *> (added), tensors->num_tensors, copies);
  }
}

/// Room for what we add, so that the meta does not grow: it copies all of itself each time it does.
GstAnalyticsRelationMeta *
relation_meta_for (GstBuffer *buffer, std::size_t classes) {
  GstAnalyticsRelationMetaInitParams params;
  // Twice what we add ourselves: a tracker or a second model behind us finds room as well.
  params.initial_relation_order = 2 * kMarkAndClassification;
  params.initial_buf_size =
      256 + sizeof (GstTorchAnalysis) + classes * (sizeof (gfloat) + sizeof (GQuark));
  return gst_buffer_add_analytics_relation_meta_full (buffer, &params);
}

}  // namespace

void
GstTorchResultQuarks::use (const torchinfer::FrameResult &frame) {
  if (info_ == frame.model)
    return;
  info_ = frame.model;
  model_ = g_quark_from_string (frame.model_id.c_str ());
  labels_.clear ();
  labels_.reserve (info_->labels.size ());
  for (const auto &label : info_->labels) labels_.push_back (g_quark_from_string (label.c_str ()));
}

GQuark
GstTorchResultQuarks::label (int index) {
  while (labels_.size () <= static_cast<std::size_t> (index))
    labels_.push_back (g_quark_from_string (std::to_string (labels_.size ()).c_str ()));
  return labels_[index];
}

GstMiniPtr<GstBuffer>
gst_torch_make_writable (GstMiniPtr<GstBuffer> buffer) {
  if (gst_buffer_is_writable (buffer.get ()))
    return buffer;
  GstMiniPtr<GstBuffer> copy (gst_buffer_copy (buffer.get ()));
  if (!gst_buffer_get_meta (copy.get (), GST_TENSOR_META_API_TYPE))
    copy_tensor_metas (buffer.get (), copy.get ());
  return copy;
}

GstMiniPtr<GstBuffer>
gst_torch_attach_results (GstMiniPtr<GstBuffer> buffer, const torchinfer::FrameResult &frame,
    GstTorchResultQuarks &quarks) {
  const auto &item = frame.items.front ();
  quarks.use (frame);
  buffer = gst_torch_make_writable (std::move (buffer));
  const auto meta = relation_meta_for (buffer.get (), item.classes.size ());

  GstTorchAnalysis analysis;
  analysis.model = quarks.model ();
  analysis.latency = std::chrono::nanoseconds (item.timing.done - item.timing.submitted).count ();
  analysis.batch = item.timing.batch_id;
  analysis.batch_size = item.timing.batch_size;
  GstAnalyticsMtd mark;
  if (!gst_torch_analysis_add (meta, &analysis, &mark) || item.classes.empty ())
    return buffer;

  // Lives as long as its thread, so that a frame costs no allocation of ours.
  thread_local std::vector<gfloat> scores;
  thread_local std::vector<GQuark> labels;
  scores.clear ();
  labels.clear ();
  for (const auto &found : item.classes) {
    scores.push_back (found.score);
    labels.push_back (quarks.label (found.index));
  }
  GstAnalyticsClsMtd classes;
  if (gst_analytics_relation_meta_add_cls_mtd (
          meta, scores.size (), scores.data (), labels.data (), &classes))
    gst_analytics_relation_meta_set_relation (
        meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, mark.id, classes.id);
  return buffer;
}

void
gst_torch_remove_stale_results (GstBuffer *buffer) {
  if (!gst_buffer_is_writable (buffer))
    return;
  const auto meta = gst_buffer_get_analytics_relation_meta (buffer);
  if (meta && gst_analytics_relation_get_length (meta) == 0)
    gst_buffer_remove_meta (buffer, reinterpret_cast<GstMeta *> (meta));
}
