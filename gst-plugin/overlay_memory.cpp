// SPDX-License-Identifier: LGPL-2.1-or-later
#include "overlay_memory.h"

#include <algorithm>

namespace {

// Marks name their model; classifications without a mark share the 0.
GQuark
model_of (const ReportAnalysis &analysis) {
  return analysis.mark ? analysis.mark->model : 0;
}

bool
is_over (GstClockTime since, GstClockTime now, GstClockTime expiry) {
  return GST_CLOCK_TIME_IS_VALID (since) && GST_CLOCK_TIME_IS_VALID (now) &&
         GST_CLOCK_TIME_IS_VALID (expiry) && now > since && now - since > expiry;
}

}  // namespace

bool
OverlayMemory::update (const FrameReport &report, GstClockTime now, GstClockTime expiry) {
  const bool expired = expire (now, expiry);
  if (!report.analysed)
    return expired;
  replace (report, now);
  return true;
}

void
OverlayMemory::clear () {
  analyses_.clear ();
  said_at_.clear ();
  objects_.clear ();
  seen_at_ = GST_CLOCK_TIME_NONE;
}

bool
OverlayMemory::expire (GstClockTime now, GstClockTime expiry) {
  bool changed = false;
  for (std::size_t i = analyses_.size (); i-- > 0;) {
    if (!is_over (said_at_[i], now, expiry))
      continue;
    analyses_.erase (analyses_.begin () + static_cast<std::ptrdiff_t> (i));
    said_at_.erase (said_at_.begin () + static_cast<std::ptrdiff_t> (i));
    changed = true;
  }
  if (!objects_.empty () && is_over (seen_at_, now, expiry)) {
    objects_.clear ();
    changed = true;
  }
  return changed;
}

void
OverlayMemory::replace (const FrameReport &report, GstClockTime now) {
  objects_ = report.objects;
  seen_at_ = now;

  std::vector<ReportAnalysis> next;
  std::vector<GstClockTime> next_at;
  const auto take = [&] (GQuark model) {
    for (const auto &analysis : report.analyses) {
      if (model_of (analysis) != model)
        continue;
      next.push_back (analysis);
      next_at.push_back (now);
    }
  };
  const auto has = [] (const std::vector<ReportAnalysis> &list, GQuark model) {
    return std::any_of (list.begin (), list.end (),
        [&] (const auto &analysis) { return model_of (analysis) == model; });
  };

  for (std::size_t i = 0; i < analyses_.size (); i++) {
    const auto model = model_of (analyses_[i]);
    if (!has (report.analyses, model)) {
      next.push_back (analyses_[i]);
      next_at.push_back (said_at_[i]);
    } else if (!has (next, model)) {
      take (model);
    }
  }
  for (const auto &analysis : report.analyses)
    if (!has (next, model_of (analysis)))
      take (model_of (analysis));
  analyses_ = std::move (next);
  said_at_ = std::move (next_at);
}
