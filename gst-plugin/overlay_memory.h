// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "frame_report.h"

/// What an overlay shows at a moment: the last word of each model, until it is replaced or expires.
/// Keeps labels from flickering where only some frames are analysed, and results from staying for
/// ever where analysis has stopped. Not thread-safe.
class OverlayMemory {
 public:
  /// Takes in the next frame. `now` is its running time in ns, GST_CLOCK_TIME_NONE if it has none
  /// (then nothing expires by it); `expiry` is how long a result outlives its frame in ns,
  /// GST_CLOCK_TIME_NONE for ever.
  ///  - A frame that was not analysed changes nothing.
  ///  - A model that speaks replaces what it said before, also by saying that it found no class.
  ///    What other models said stays.
  ///  - Objects move, so every analysed frame replaces all of them.
  /// Returns whether there is anything new to draw or something to take away.
  bool update (const FrameReport &report, GstClockTime now, GstClockTime expiry);

  /// Forgets all, for a new stream and after a flush.
  void clear ();

  /// Of the whole frame, in the order in which the models first spoke.
  const std::vector<ReportAnalysis> &analyses () const { return analyses_; }
  const std::vector<ReportObject> &objects () const { return objects_; }

 private:
  bool expire (GstClockTime now, GstClockTime expiry);
  void replace (const FrameReport &report, GstClockTime now);

  std::vector<ReportAnalysis> analyses_;
  std::vector<GstClockTime> said_at_;  // beside analyses_
  std::vector<ReportObject> objects_;
  GstClockTime seen_at_ = GST_CLOCK_TIME_NONE;  // of objects_
};
