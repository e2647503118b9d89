// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_analysis.h"

namespace {

// No transform: what the mark says holds for a scaled or converted frame as well, and NULL means
// plain copy.
const GstAnalyticsMtdImpl kImpl = {"torch-analysis", nullptr, nullptr, {nullptr}};

}  // namespace

GstAnalyticsMtdType
gst_torch_analysis_get_mtd_type (void) {
  return reinterpret_cast<GstAnalyticsMtdType> (&kImpl);
}

gboolean
gst_torch_analysis_add (
    GstAnalyticsRelationMeta *meta, const GstTorchAnalysis *analysis, GstAnalyticsMtd *mtd) {
  auto data = gst_analytics_relation_meta_add_mtd (meta, &kImpl, sizeof (*analysis), mtd);
  if (data == nullptr)
    return FALSE;
  *static_cast<GstTorchAnalysis *> (data) = *analysis;
  return TRUE;
}

gboolean
gst_torch_analysis_get (const GstAnalyticsMtd *mtd, GstTorchAnalysis *analysis) {
  // By name, so that an application which has this file compiled in reads the plugin's marks, and
  // the plugin reads the application's.
  const auto type = gst_analytics_mtd_get_mtd_type (mtd);
  if (type != gst_torch_analysis_get_mtd_type () &&
      g_strcmp0 (gst_analytics_mtd_type_get_name (type), kImpl.name) != 0)
    return FALSE;
  if (gst_analytics_mtd_get_size (mtd) != sizeof (*analysis))
    return FALSE;
  auto data = gst_analytics_relation_meta_get_mtd_data (mtd->meta, mtd->id);
  if (data == nullptr)
    return FALSE;
  *analysis = *static_cast<const GstTorchAnalysis *> (data);
  return TRUE;
}
