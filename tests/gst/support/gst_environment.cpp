// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "support/leaks.h"

// Linked into every test of the elements: starts and ends GStreamer, and fails the test in which
// GLib or GStreamer says that something was called as it must not be, and the program that leaves
// any of GStreamer's objects behind.

namespace torchinfer::test {
namespace {

GLogWriterOutput fail_on_complaint(GLogLevelFlags level, const GLogField* fields, gsize count,
                                   gpointer) {
  if ((level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) != 0) {
    g_autofree gchar* text = g_log_writer_format_fields(level, fields, count, FALSE);
    ADD_FAILURE() << text;
    return G_LOG_WRITER_HANDLED;
  }
  return g_log_writer_default(level, fields, count, nullptr);
}

class GstEnvironment final : public testing::Environment {
 public:
  void SetUp() override {
    g_log_set_writer_func(fail_on_complaint, nullptr, nullptr);
    gst_init(nullptr, nullptr);
    if (leaks_are_traced()) listen_to_leaks_tracer();
  }
  void TearDown() override {
    for (const auto& leak : end_gstreamer()) ADD_FAILURE() << leak;
  }
};

const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new GstEnvironment);

}  // namespace
}  // namespace torchinfer::test
