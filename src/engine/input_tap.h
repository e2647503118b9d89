// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <span>

namespace torchinfer {

/// Looks on as a stream's frames become a model's input.
class InputTap {
 public:
  virtual ~InputTap() = default;
  /// `item` is one item as the model takes it, valid during the call. Called on the thread that
  /// submits, with no lock held, before the item is queued; the stream waits for it.
  virtual void see(std::span<const std::byte> item) noexcept = 0;
};

}  // namespace torchinfer
