// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/leaks.h"

#include <gst/gst.h>

#include <cstring>

namespace torchinfer::test {
namespace {

constexpr const char* kCategory = "GST_TRACER";

/// The tracer speaks in the debug log alone.
void note_leak(GstDebugCategory* category, GstDebugLevel, const gchar*, const gchar*, gint,
               GObject*, GstDebugMessage* message, gpointer leaks) {
  if (std::strcmp(gst_debug_category_get_name(category), kCategory) != 0) return;
  const std::string text = gst_debug_message_get(message);
  if (text.starts_with("object-alive") && !text.starts_with("object-alive.class"))
    static_cast<std::vector<std::string>*>(leaks)->push_back(text);
}

std::vector<std::string>& leaks() {
  static std::vector<std::string> found;
  return found;
}

}  // namespace

bool leaks_are_traced() {
  bool traced = false;
  GList* const tracers = gst_tracing_get_active_tracers();
  for (const GList* tracer = tracers; tracer != nullptr; tracer = tracer->next)
    traced = traced || std::strcmp(G_OBJECT_TYPE_NAME(tracer->data), "GstLeaksTracer") == 0;
  g_list_free_full(tracers, gst_object_unref);
  return traced;
}

void listen_to_leaks_tracer() {
  gst_debug_set_active(TRUE);
  gst_debug_set_threshold_for_name(kCategory, GST_LEVEL_TRACE);
  gst_debug_add_log_function(note_leak, &leaks(), nullptr);
}

std::vector<std::string> end_gstreamer() {
  gst_deinit();
  return leaks();
}

}  // namespace torchinfer::test
