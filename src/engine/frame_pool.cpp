// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/frame_pool.h"

#include <new>
#include <utility>

namespace torchinfer {
namespace {

constexpr std::size_t kCountBytes = 96;  // more than any implementation's count with our deleter

}  // namespace

/// Gives std::shared_ptr the memory for its count.
template <class T>
class FramePool::CountAllocator {
 public:
  using value_type = T;

  explicit CountAllocator(std::shared_ptr<FramePool> pool) : pool_(std::move(pool)) {}
  template <class U>
  CountAllocator(const CountAllocator<U>& other) : pool_(other.pool_) {}

  T* allocate(std::size_t count) {
    static_assert(sizeof(T) <= kCountBytes && alignof(T) <= alignof(std::max_align_t));
    if (count != 1) throw std::bad_array_new_length();
    return static_cast<T*>(pool_->take_memory());
  }
  void deallocate(T* memory, std::size_t) noexcept { pool_->give_back(memory); }

  template <class U>
  bool operator==(const CountAllocator<U>& other) const {
    return pool_ == other.pool_;
  }

  std::shared_ptr<FramePool> pool_;
};

std::shared_ptr<FramePool> FramePool::create() { return std::shared_ptr<FramePool>(new FramePool); }

FramePool::~FramePool() {
  for (void* memory : memory_) ::operator delete(memory);
}

std::shared_ptr<FrameResult> FramePool::make(std::size_t items) {
  std::unique_ptr<FrameResult> frame;
  {
    const std::lock_guard lock(mutex_);
    if (!frames_.empty()) {
      frame = std::move(frames_.back());
      frames_.pop_back();
    } else {
      // Room for one more in both lists, so that giving back cannot fail.
      frames_.reserve(made_ + 1);
      memory_.reserve(made_ + 1);
      ++made_;
    }
  }
  if (!frame) frame = std::make_unique<FrameResult>();
  frame->items.resize(items);
  frame->open.store(static_cast<int>(items), std::memory_order_relaxed);
  // When this constructor throws, it hands the frame to the deleter: nothing is lost.
  auto pool = shared_from_this();
  return std::shared_ptr<FrameResult>(
      frame.release(), [pool](FrameResult* done) { pool->recycle(done); },
      CountAllocator<FrameResult>(pool));
}

void FramePool::recycle(FrameResult* frame) noexcept {
  std::unique_ptr<FrameResult> mine(frame);
  for (ItemResult& item : mine->items) {
    item.status = {};
    item.classes.clear();
    item.tensors.clear();
    item.timing = {};
  }
  mine->model.reset();
  mine->waker.reset();
  const std::lock_guard lock(mutex_);
  frames_.push_back(std::move(mine));
}

void* FramePool::take_memory() {
  {
    const std::lock_guard lock(mutex_);
    if (!memory_.empty()) {
      void* memory = memory_.back();
      memory_.pop_back();
      return memory;
    }
  }
  return ::operator new(kCountBytes);
}

void FramePool::give_back(void* memory) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (memory_.size() < memory_.capacity()) {
      memory_.push_back(memory);
      return;
    }
  }
  // More counts than frames, for a moment: a frame is back before its count is.
  ::operator delete(memory);
}

}  // namespace torchinfer
