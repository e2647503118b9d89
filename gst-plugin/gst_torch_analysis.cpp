// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_analysis.h"

namespace {

// No transform: what the mark says holds for a scaled or converted frame as well, and NULL means plain copy.
const GstAnalyticsMtdImpl kImpl = {"torch-analysis", nullptr, nullptr, {nullptr}};

}  // namespace

GstAnalyticsMtdType gst_torch_analysis_get_mtd_type (void) {
  return reinterpret_cast<GstAnalyticsMtdType> (&kImpl);
}

gboolean gst_torch_analysis_add (GstAnalyticsRelationMeta *meta, const GstTorchAnalysis *analysis,
    GstAnalyticsMtd *mtd) {
  auto data = gst_analytics_relation_meta_add_mtd (meta, &kImpl, sizeof (*analysis), mtd);
  if (data == nullptr)
    return FALSE;
  *static_cast<GstTorchAnalysis *> (data) = *analysis;
  return TRUE;
}

gboolean gst_torch_analysis_get (const GstAnalyticsMtd *mtd, GstTorchAnalysis *analysis) {
  if (gst_analytics_mtd_get_mtd_type (mtd) != gst_torch_analysis_get_mtd_type ())
    return FALSE;
  auto data = gst_analytics_relation_meta_get_mtd_data (mtd->meta, mtd->id);
  if (data == nullptr)
    return FALSE;
  *analysis = *static_cast<const GstTorchAnalysis *> (data);
  return TRUE;
}
