// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <string>
#include <vector>

// One field of a structure, by the type of its value. Times are guint64 ns, as GstClockTime is.

inline void
gst_torch_set (GstStructure *structure, const char *name, guint64 value) {
  gst_structure_set (structure, name, G_TYPE_UINT64, value, nullptr);
}

inline void
gst_torch_set (GstStructure *structure, const char *name, std::chrono::nanoseconds value) {
  gst_torch_set (structure, name, static_cast<guint64> (value.count ()));
}

inline void
gst_torch_set (GstStructure *structure, const char *name, gint value) {
  gst_structure_set (structure, name, G_TYPE_INT, value, nullptr);
}

inline void
gst_torch_set (GstStructure *structure, const char *name, gdouble value) {
  gst_structure_set (structure, name, G_TYPE_DOUBLE, value, nullptr);
}

inline void
gst_torch_set (GstStructure *structure, const char *name, bool value) {
  gst_structure_set (structure, name, G_TYPE_BOOLEAN, static_cast<gboolean> (value), nullptr);
}

inline void
gst_torch_set (GstStructure *structure, const char *name, const std::string &text) {
  gst_structure_set (structure, name, G_TYPE_STRING, text.c_str (), nullptr);
}

inline void
gst_torch_set (GstStructure *structure, const char *name, const std::vector<std::string> &texts) {
  GValue array = G_VALUE_INIT;
  gst_value_array_init (&array, texts.size ());
  for (const auto &text : texts) {
    GValue value = G_VALUE_INIT;
    g_value_init (&value, G_TYPE_STRING);
    g_value_set_string (&value, text.c_str ());
    gst_value_array_append_and_take_value (&array, &value);
  }
  gst_structure_take_value (structure, name, &array);
}

/// A file's name, which need not be UTF-8 as a structure's strings must.
inline void
gst_torch_set_file_name (GstStructure *structure, const char *name, const std::string &path) {
  GValue value = G_VALUE_INIT;
  g_value_init (&value, G_TYPE_STRING);
  g_value_take_string (&value, g_filename_display_name (path.c_str ()));
  gst_structure_take_value (structure, name, &value);
}

/// Adds `inner`, in a field of its own name, and takes it.
inline void
gst_torch_take (GstStructure *structure, GstStructure *inner) {
  gst_structure_set (structure, gst_structure_get_name (inner), GST_TYPE_STRUCTURE, inner, nullptr);
  gst_structure_free (inner);
}
