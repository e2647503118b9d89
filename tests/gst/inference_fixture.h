// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/analytics/analytics.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gst_torch_analysis.h"
#include "support/fake/fake_module_control.h"
#include "support/pads.h"
#include "support/temp_folder.h"

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

/// torchinference with models of the fake back-end (support/fake/fake_model_text.h), which see a
/// frame of Pads::buffer(n) as class n.
class InferenceTest : public testing::Test {
 protected:
  InferenceTest() { control.reset(); }
  ~InferenceTest() override { EXPECT_EQ(control.wrong_calls(), 0u); }
  // An element on its way to NULL waits for the forward that runs.
  void TearDown() override {
    control.open_gate("g");
    streams_.clear();
  }

  /// A stream whose model may stand at the gate "g" when the test ends.
  Pads& play(const std::string& launch) {
    return *streams_.emplace_back(std::make_unique<Pads>(launch));
  }

  std::string write_model(const std::string& lines, const std::string& name = "model.pt") {
    return folder.write(name, "fake-model 1\n" + lines);
  }

  /// A launch line for a model with these lines. One worker, batches of one, unless `properties`
  /// say otherwise.
  std::string launch(const std::string& lines = "", const std::string& properties = "") {
    return "torchinference model-file=" + write_model(lines) +
           " workers=1 threads=1 batch-size=1 " + properties;
  }

  template <class Value>
  static Value get(GstElement* element, const char* property) {
    Value value{};
    g_object_get(element, property, &value, nullptr);
    return value;
  }

  /// A counter of the `stats` property; "close-reasons/timeout" looks into a structure in it.
  static guint64 stat(GstElement* element, const std::string& path) {
    const std::unique_ptr<GstStructure, void (*)(GstStructure*)> stats(
        get<GstStructure*>(element, "stats"), gst_structure_free);
    return stat(stats.get(), path);
  }

  static guint64 stat(const GstStructure* stats, const std::string& path) {
    const auto slash = path.find('/');
    if (slash != std::string::npos)
      stats =
          gst_value_get_structure(gst_structure_get_value(stats, path.substr(0, slash).c_str()));
    const auto field = slash == std::string::npos ? path : path.substr(slash + 1);
    guint64 value = 0;
    EXPECT_TRUE(gst_structure_get_uint64(stats, field.c_str(), &value)) << path;
    return value;
  }

  FakeControl& control = fake_control();
  const TempFolder folder;

 private:
  std::vector<std::unique_ptr<Pads>> streams_;
};

}  // namespace torchinfer::test
