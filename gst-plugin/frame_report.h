// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/analytics/analytics.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "gst_torch_analysis.h"

// What the analytics metas of one frame say, as plain values. The only reader of these metas: the
// elements that show or write results see a FrameReport and nothing else. Labels stay GQuarks, as
// in the metas, so that two reports compare without touching a string.

struct ReportClass {
  GQuark label;  ///< 0 when the meta has none
  float score;   ///< as the model's activation gave it; in [0, 1] after softmax or sigmoid

  bool operator== (const ReportClass &) const = default;
};

/// One model's word on a frame or on an object of it.
struct ReportAnalysis {
  std::optional<GstTorchAnalysis> mark;  ///< absent when another element made the classification
  std::vector<ReportClass> classes;      ///< best first; empty when none passed the threshold
};

struct ReportBox {
  int x, y, width, height;  ///< pixels of the frame; may lie partly or wholly outside of it
  float rotation;           ///< radians, about the centre; 0 for upright boxes
};

struct ReportTrack {
  std::uint64_t id;
  bool lost;  ///< the tracker no longer sees the object and predicts its place
};

struct ReportObject {
  GQuark label;  ///< the detector's type of object, 0 when it gave none
  float score;   ///< the detector's confidence in the box
  ReportBox box;
  std::optional<ReportTrack> track;
  std::vector<ReportAnalysis> analyses;  ///< in the order in which they were attached
};

struct FrameReport {
  /// A model looked at the frame: it carries a mark of ours, or classes or objects of anybody. An
  /// empty relation meta does not count, since pooled buffers come back with one.
  bool analysed = false;
  /// Of the whole frame: one for each mark, then one for all classes without a mark.
  std::vector<ReportAnalysis> analyses;
  std::vector<ReportObject> objects;
};

/// Reads the relation meta of `buffer`, which may have none. A classification belongs to the object
/// that relates to it (RELATE_TO, from the object), to nothing here if a segmentation does, else to
/// the whole frame. Classes are sorted, best first. Reads only; may throw std::bad_alloc.
FrameReport read_frame_report (GstBuffer *buffer);

/// The more telling name of an object and its score: the best class that a model gave to it, else
/// what the detector said.
ReportClass best_class (const ReportObject &object);
