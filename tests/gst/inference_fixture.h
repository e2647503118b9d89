// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "results.h"
#include "support/fake/fake_module_control.h"
#include "support/pads.h"
#include "support/temp_folder.h"

namespace torchinfer::test {

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

  /// What another thread does comes true, within a minute.
  static bool eventually(const std::function<bool()>& is_true) {
    for (int i = 0; i < 60000 && !is_true(); i++) g_usleep(1000);
    return is_true();
  }

  FakeControl& control = fake_control();
  const TempFolder folder;

 private:
  std::vector<std::unique_ptr<Pads>> streams_;
};

}  // namespace torchinfer::test
