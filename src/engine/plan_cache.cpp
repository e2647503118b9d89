// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/plan_cache.h"

#include <algorithm>
#include <utility>

namespace torchinfer {

Result<std::shared_ptr<const PreprocessPlan>> PlanCache::get(const ImageFormat& format,
                                                             const std::optional<Region>& region) {
  {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_) {
      if (entry.region != region || entry.format != format) continue;
      entry.used = ++uses_;
      return entry.plan;
    }
  }
  // Two threads may make the same plan at once; both are right, and one is kept.
  auto plan = make_plan(format, region, params_);
  if (!plan.ok()) return plan;
  const std::lock_guard lock(mutex_);
  Entry entry{format, region, *plan, ++uses_};
  if (entries_.size() < kMost)
    entries_.push_back(std::move(entry));
  else
    *std::ranges::min_element(entries_, {}, &Entry::used) = std::move(entry);
  return plan;
}

}  // namespace torchinfer
