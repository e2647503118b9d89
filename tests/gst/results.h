// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/analytics/analytics.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gst_torch_analysis.h"

namespace torchinfer::test {

/// What a frame carries of one model's results.
struct FrameResults {
  GstTorchAnalysis mark;
  std::vector<std::pair<std::string, float>> classes;  ///< those the mark relates to
};

/// The results on a frame, or nothing where no model has looked at it.
inline std::optional<FrameResults> results_of(GstBuffer* buffer) {
  auto* meta = gst_buffer_get_analytics_relation_meta(buffer);
  if (meta == nullptr) return std::nullopt;
  gpointer state = nullptr;
  GstAnalyticsMtd mark;
  FrameResults results;
  do {
    if (!gst_analytics_relation_meta_iterate(meta, &state, GST_ANALYTICS_MTD_TYPE_ANY, &mark))
      return std::nullopt;
  } while (!gst_torch_analysis_get(&mark, &results.mark));
  GstAnalyticsClsMtd classes;
  if (gst_analytics_relation_meta_get_direct_related(
          meta, mark.id, GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type(),
          nullptr, &classes))
    for (gsize i = 0; i < gst_analytics_cls_mtd_get_length(&classes); i++)
      results.classes.emplace_back(g_quark_to_string(gst_analytics_cls_mtd_get_quark(&classes, i)),
                                   gst_analytics_cls_mtd_get_level(&classes, i));
  return results;
}

/// The best class's name, "none" where no class passed the threshold, "" where no model has looked.
inline std::string best_class(GstBuffer* buffer) {
  const auto results = results_of(buffer);
  if (!results) return "";
  return results->classes.empty() ? "none" : results->classes.front().first;
}

}  // namespace torchinfer::test
