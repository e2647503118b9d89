// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/export.h"
#include "core/image_view.h"
#include "core/status.h"
#include "preprocess/plan.h"

namespace torchinfer {

/// A stream's plans by frame format and region, so that a plan is made once per caps and not once
/// per frame. Keeps the kMost used last. Thread-safe.
class TORCHINFER_API PlanCache {
 public:
  explicit PlanCache(const PreprocessParams& params) : params_(params) {}

  /// As make_plan().
  Result<std::shared_ptr<const PreprocessPlan>> get(const ImageFormat& format,
                                                    const std::optional<Region>& region);

  static constexpr std::size_t kMost = 16;

 private:
  struct Entry {
    ImageFormat format;
    std::optional<Region> region;
    std::shared_ptr<const PreprocessPlan> plan;
    std::uint64_t used = 0;
  };

  const PreprocessParams params_;
  std::mutex mutex_;  // guards what follows
  std::vector<Entry> entries_;
  std::uint64_t uses_ = 0;
};

}  // namespace torchinfer
