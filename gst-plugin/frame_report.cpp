// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frame_report.h"

#include <algorithm>
#include <cmath>

namespace {

// The handles of one relation meta, by what they are.
struct Handles {
  std::vector<GstAnalyticsMtd> marks, classes, objects, segments, tracks;
};

Handles
collect (GstAnalyticsRelationMeta *meta) {
  const auto class_type = gst_analytics_cls_mtd_get_mtd_type ();
  const auto object_type = gst_analytics_od_mtd_get_mtd_type ();
  const auto segment_type = gst_analytics_segmentation_mtd_get_mtd_type ();
  const auto track_type = gst_analytics_tracking_mtd_get_mtd_type ();

  Handles handles;
  gpointer state = nullptr;
  GstAnalyticsMtd mtd;
  while (gst_analytics_relation_meta_iterate (meta, &state, GST_ANALYTICS_MTD_TYPE_ANY, &mtd)) {
    const auto type = gst_analytics_mtd_get_mtd_type (&mtd);
    GstTorchAnalysis ignored;
    if (type == class_type)
      handles.classes.push_back (mtd);
    else if (type == object_type)
      handles.objects.push_back (mtd);
    else if (type == segment_type)
      handles.segments.push_back (mtd);
    else if (type == track_type)
      handles.tracks.push_back (mtd);
    else if (gst_torch_analysis_get (&mtd, &ignored))
      handles.marks.push_back (mtd);
  }
  return handles;
}

bool
relates (const GstAnalyticsMtd &from, const GstAnalyticsMtd &to, unsigned how) {
  return (gst_analytics_relation_meta_get_relation (from.meta, from.id, to.id) & how) != 0;
}

// By falling score. Other elements attach one classification for each class, or all classes in the
// model's order, so the order of the metas says nothing. NaN goes last; equal scores keep their
// order.
void
sort_classes (std::vector<ReportClass> &classes) {
  std::stable_sort (
      classes.begin (), classes.end (), [] (const ReportClass &a, const ReportClass &b) {
        return a.score > b.score || (std::isnan (b.score) && !std::isnan (a.score));
      });
}

// Appends the classes of `mtd` to the analysis of the mark that relates to it, or else to the one
// without a mark; makes it where it is missing.
void
append (std::vector<ReportAnalysis> &analyses, std::vector<guint> &mark_ids, const Handles &handles,
    const GstAnalyticsMtd &mtd) {
  constexpr guint kNoMark = G_MAXUINT;
  const auto mark = std::find_if (handles.marks.begin (), handles.marks.end (),
      [&] (const auto &m) { return relates (m, mtd, GST_ANALYTICS_REL_TYPE_RELATE_TO); });
  const guint id = mark == handles.marks.end () ? kNoMark : mark->id;

  auto slot = std::find (mark_ids.begin (), mark_ids.end (), id) - mark_ids.begin ();
  if (static_cast<std::size_t> (slot) == analyses.size ()) {
    ReportAnalysis analysis;
    if (GstTorchAnalysis found; id != kNoMark && gst_torch_analysis_get (&*mark, &found))
      analysis.mark = found;
    analyses.push_back (std::move (analysis));
    mark_ids.push_back (id);
  }
  auto handle = mtd;
  const gsize length = gst_analytics_cls_mtd_get_length (&handle);
  auto &classes = analyses[slot].classes;
  for (gsize i = 0; i < length; i++) {
    classes.push_back ({gst_analytics_cls_mtd_get_quark (&handle, i),
        gst_analytics_cls_mtd_get_level (&handle, i)});
  }
}

ReportObject
read_object (const GstAnalyticsMtd &mtd, const Handles &handles) {
  ReportObject object = {};
  auto handle = mtd;
  object.label = gst_analytics_od_mtd_get_obj_type (&handle);
  auto &box = object.box;
  gst_analytics_od_mtd_get_oriented_location (
      &handle, &box.x, &box.y, &box.width, &box.height, &box.rotation, &object.score);
  for (auto track : handles.tracks) {
    if (!relates (mtd, track, GST_ANALYTICS_REL_TYPE_RELATE_TO))
      continue;
    guint64 id = 0;
    gboolean lost = FALSE;
    GstClockTime first, last;
    if (gst_analytics_tracking_mtd_get_info (&track, &id, &first, &last, &lost))
      object.track = ReportTrack{id, lost != FALSE};
    break;
  }
  return object;
}

}  // namespace

FrameReport
read_frame_report (GstBuffer *buffer) {
  FrameReport report;
  auto meta = gst_buffer_get_analytics_relation_meta (buffer);
  if (meta == nullptr || gst_analytics_relation_get_length (meta) == 0)
    return report;
  const auto handles = collect (meta);
  report.analysed =
      !handles.marks.empty () || !handles.classes.empty () || !handles.objects.empty ();

  // A mark counts for the whole frame even where it relates to nothing: its model looked and found
  // no class.
  std::vector<guint> frame_marks;
  for (const auto &mark : handles.marks) {
    GstTorchAnalysis analysis;
    if (!gst_torch_analysis_get (&mark, &analysis))
      continue;
    report.analyses.push_back ({analysis, {}});
    frame_marks.push_back (mark.id);
  }

  std::vector<std::vector<guint>> object_marks (handles.objects.size ());
  for (const auto &object : handles.objects)
    report.objects.push_back (read_object (object, handles));

  for (const auto &mtd : handles.classes) {
    bool claimed =
        std::any_of (handles.segments.begin (), handles.segments.end (), [&] (const auto &s) {
          return relates (s, mtd, GST_ANALYTICS_REL_TYPE_RELATE_TO | GST_ANALYTICS_REL_TYPE_N_TO_N);
        });
    for (std::size_t i = 0; i < handles.objects.size (); i++) {
      if (!relates (handles.objects[i], mtd, GST_ANALYTICS_REL_TYPE_RELATE_TO))
        continue;
      append (report.objects[i].analyses, object_marks[i], handles, mtd);
      claimed = true;
    }
    if (!claimed)
      append (report.analyses, frame_marks, handles, mtd);
  }

  // A mark whose classes all belong to objects says nothing about the whole frame.
  for (std::size_t i = report.analyses.size (); i-- > 0;) {
    const auto in_object = [id = frame_marks[i]] (const auto &ids) {
      return std::find (ids.begin (), ids.end (), id) != ids.end ();
    };
    if (report.analyses[i].classes.empty () &&
        std::any_of (object_marks.begin (), object_marks.end (), in_object))
      report.analyses.erase (report.analyses.begin () + static_cast<std::ptrdiff_t> (i));
  }

  for (auto &analysis : report.analyses) sort_classes (analysis.classes);
  for (auto &object : report.objects)
    for (auto &analysis : object.analyses) sort_classes (analysis.classes);
  return report;
}

ReportClass
best_class (const ReportObject &object) {
  for (auto analysis = object.analyses.rbegin (); analysis != object.analyses.rend (); ++analysis)
    if (!analysis->classes.empty ())
      return analysis->classes.front ();
  return {object.label, object.score};
}
