// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

struct GstMiniObjectUnref {
  template <class T>
  void operator() (T *object) const {
    gst_mini_object_unref (GST_MINI_OBJECT_CAST (object));
  }
};

/// Owns one reference to a GstBuffer, GstCaps, GstQuery, GstVideoOverlayComposition and the like.
template <class T>
using GstMiniPtr = std::unique_ptr<T, GstMiniObjectUnref>;
