// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/analytics/analytics.h>

// Marks a frame that a model has looked at. A relation meta alone does not: pooled buffers come
// back with an empty one, and other elements attach theirs. The mark relates (RELATE_TO) to each
// classification that the model gave for the whole frame; a frame in which no class passed the
// threshold carries the mark alone. Stored by value in the relation meta, so it survives whatever
// the meta survives.

struct GstTorchAnalysis {
  GQuark model;          ///< first 12 hex digits of the model file's SHA-256
  GstClockTime latency;  ///< from the frame's submission until its result was decoded, in ns
  guint64 batch;         ///< the engine's number of the batch that the frame rode in, from 1
  guint batch_size;      ///< frames or regions in that batch
};

GstAnalyticsMtdType gst_torch_analysis_get_mtd_type (void);

/// Appends a mark to a meta of a writable buffer; `mtd` receives its handle.
gboolean gst_torch_analysis_add (
    GstAnalyticsRelationMeta *meta, const GstTorchAnalysis *analysis, GstAnalyticsMtd *mtd);

/// Copies a mark out. FALSE when `mtd` is of another type.
gboolean gst_torch_analysis_get (const GstAnalyticsMtd *mtd, GstTorchAnalysis *analysis);
