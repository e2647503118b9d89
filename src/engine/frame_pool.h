// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "core/export.h"
#include "engine/task.h"

namespace torchinfer {

/// FrameResults that are used again, with the memory of their items and of their reference counts,
/// so that a stream in steady state allocates none. What is out keeps the pool alive. Thread-safe.
class TORCHINFER_API FramePool : public std::enable_shared_from_this<FramePool> {
 public:
  static std::shared_ptr<FramePool> create();
  ~FramePool();

  /// A result with `items` empty items, all of them open.
  std::shared_ptr<FrameResult> make(std::size_t items);

 private:
  template <class T>
  class CountAllocator;

  FramePool() = default;
  void recycle(FrameResult* frame) noexcept;
  void* take_memory();
  void give_back(void* memory) noexcept;

  std::mutex mutex_;
  std::vector<std::unique_ptr<FrameResult>> frames_;
  std::vector<void*> memory_;  // for reference counts, kCountBytes each
  std::size_t made_ = 0;       // frames, in the pool or out
};

}  // namespace torchinfer
