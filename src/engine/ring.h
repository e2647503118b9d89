// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace torchinfer {

/// A queue that keeps its memory, so that a stream in steady state allocates nothing (std::deque
/// allocates and frees as it moves along). T is default-constructible and cheap to hold when moved
/// from. Not thread-safe.
template <class T>
class Ring {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& front() { return slots_[head_]; }
  const T& front() const { return slots_[head_]; }

  /// Makes room for `more` push_back() calls that then cannot throw.
  void reserve(std::size_t more) {
    if (size_ + more <= slots_.size()) return;
    std::vector<T> wider(2 * (size_ + more));
    for (std::size_t i = 0; i < size_; ++i)
      wider[i] = std::move(slots_[(head_ + i) % slots_.size()]);
    slots_ = std::move(wider);
    head_ = 0;
  }

  void push_back(T value) {
    reserve(1);
    slots_[(head_ + size_) % slots_.size()] = std::move(value);
    ++size_;
  }

  T pop_front() {
    T value = std::move(slots_[head_]);
    head_ = (head_ + 1) % slots_.size();
    --size_;
    return value;
  }

 private:
  std::vector<T> slots_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace torchinfer
