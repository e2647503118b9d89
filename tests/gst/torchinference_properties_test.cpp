// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace torchinfer::test {
namespace {

class Properties : public testing::Test {
 protected:
  Properties() : element_(gst_element_factory_make("torchinference", nullptr)) {
    gst_object_ref_sink(element_);
  }
  ~Properties() override { gst_object_unref(element_); }

  std::vector<GParamSpec*> own_properties() {
    guint count = 0;
    const std::unique_ptr<GParamSpec*, void (*)(gpointer)> all(
        g_object_class_list_properties(G_OBJECT_GET_CLASS(element_), &count), g_free);
    std::vector<GParamSpec*> own;
    for (guint i = 0; i < count; i++)
      if (all.get()[i]->owner_type == G_OBJECT_TYPE(element_)) own.push_back(all.get()[i]);
    return own;
  }

  std::string text(const char* property) {
    GValue value = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(element_), property, &value);
    const std::unique_ptr<gchar, void (*)(gpointer)> serialized(gst_value_serialize(&value),
                                                                g_free);
    g_value_unset(&value);
    return serialized ? serialized.get() : "NULL";
  }

  GstElement* element_;
};

TEST_F(Properties, ValuesOtherThanTheDefaultComeBack) {
  const std::vector<std::pair<const char*, const char*>> others = {
      {"model-file", "/a/model.pt"},
      {"model-info-file", "/a/model.modelinfo"},
      {"label-file", "/a/labels.txt"},
      {"model-sha256", "00ff"},
      {"device", "cuda:1"},
      {"precision", "bf16"},
      {"batch-size", "8"},
      {"batch-timeout", "5000000"},
      {"workers", "3"},
      {"threads", "2"},
      {"engine-name", "gate"},
      {"inference-interval", "10"},
      {"top-k", "3"},
      {"class-confidence-threshold", "0.25"},
      {"overload-policy", "drop"},
      {"qos", "false"},
      {"error-policy", "pass"},
      {"attach", "0"},
      {"dump-inputs", "/a/inputs.npy"},
      {"stats-interval", "1000000000"},
  };
  for (const auto& [name, value] : others) {
    const auto before = text(name);
    gst_util_set_object_arg(G_OBJECT(element_), name, value);
    EXPECT_NE(text(name), before) << name;
  }
  EXPECT_EQ(text("model-file"), "/a/model.pt");
  EXPECT_EQ(text("device"), "cuda:1");
  EXPECT_EQ(text("precision"), "bf16");
  EXPECT_EQ(text("batch-timeout"), "5000000");
  EXPECT_EQ(text("class-confidence-threshold"), "0.25");
  EXPECT_EQ(text("overload-policy"), "drop");
  EXPECT_EQ(text("attach"), "0");
  // All but the statistics, which cannot be set.
  EXPECT_EQ(others.size() + 1, own_properties().size());
}

TEST_F(Properties, RangesEndWhereTheySay) {
  auto* const klass = G_OBJECT_GET_CLASS(element_);
  const auto spec = [&](const char* name) { return g_object_class_find_property(klass, name); };
  EXPECT_EQ(G_PARAM_SPEC_UINT(spec("top-k"))->minimum, 1u);
  EXPECT_EQ(G_PARAM_SPEC_UINT(spec("inference-interval"))->minimum, 1u);
  EXPECT_EQ(G_PARAM_SPEC_INT(spec("threads"))->minimum, -1);
  EXPECT_EQ(G_PARAM_SPEC_INT(spec("workers"))->minimum, -1);
  EXPECT_EQ(G_PARAM_SPEC_FLOAT(spec("class-confidence-threshold"))->minimum, 0.0F);
  EXPECT_EQ(G_PARAM_SPEC_FLOAT(spec("class-confidence-threshold"))->maximum, 1.0F);
}

TEST_F(Properties, BatchTimeoutStopsAtTenSeconds) {
  g_object_set(element_, "batch-timeout", 11 * GST_SECOND, nullptr);
  EXPECT_EQ(text("batch-timeout"), std::to_string(10 * GST_SECOND));
  g_object_set(element_, "batch-timeout", GST_CLOCK_TIME_NONE, nullptr);
  EXPECT_EQ(text("batch-timeout"), std::to_string(G_MAXUINT64));
}

TEST_F(Properties, StringsCanBeTakenBack) {
  g_object_set(element_, "model-file", "a", "device", "cpu", nullptr);
  g_object_set(element_, "model-file", nullptr, "device", nullptr, nullptr);
  EXPECT_EQ(text("model-file"), "NULL");
  EXPECT_EQ(text("device"), "auto");
}

TEST_F(Properties, StatisticsAreThereBeforeAnythingIsLoadedAndCanBeWrittenDown) {
  GstStructure* stats = nullptr;
  g_object_get(element_, "stats", &stats, nullptr);
  ASSERT_NE(stats, nullptr);
  guint64 received = 1;
  EXPECT_TRUE(gst_structure_get_uint64(stats, "received", &received));
  EXPECT_EQ(received, 0u);
  const std::unique_ptr<gchar, void (*)(gpointer)> text(gst_structure_to_string(stats), g_free);
  GstStructure* read = gst_structure_from_string(text.get(), nullptr);
  ASSERT_NE(read, nullptr) << text.get();
  EXPECT_TRUE(gst_structure_is_equal(stats, read));
  gst_structure_free(read);
  gst_structure_free(stats);
}

TEST(Element, IsDescribedAsAnAnalyzerThatNobodyPlugsByItself) {
  GstElementFactory* factory = gst_element_factory_find("torchinference");
  ASSERT_NE(factory, nullptr);
  EXPECT_STREQ(gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS),
               "Analyzer/Video");
  EXPECT_EQ(gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory)), GST_RANK_NONE);
  gst_object_unref(factory);
}

// A module beside the plugin, or a plugin linked with libtorch, would cost every scan of the
// registry half a second.
TEST(Element, OpensNoLibtorchToDescribeItself) {
  for (const auto name : {"torchinference", "classificationoverlay", "analyticsjson"}) {
    GstElement* element = gst_element_factory_make(name, nullptr);
    ASSERT_NE(element, nullptr) << name;
    gst_object_unref(gst_object_ref_sink(element));
  }
  std::ifstream maps("/proc/self/maps");
  const std::string text(std::istreambuf_iterator<char>(maps), {});
  EXPECT_THAT(text, testing::HasSubstr("libgsttorch.so"));
  for (const auto library : {"libtorchinfer-torch", "libtorch.so", "libtorch_cpu", "libc10"})
    EXPECT_THAT(text, testing::Not(testing::HasSubstr(library)));
}

}  // namespace
}  // namespace torchinfer::test
