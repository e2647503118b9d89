// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>

#include "core/export.h"
#include "core/status.h"

namespace torchinfer {

/// Where a pool's memory comes from: aligned host memory, or a device's pinned memory.
class BlockAllocator {
 public:
  virtual ~BlockAllocator() = default;
  /// 64-byte aligned, or null when there is none left.
  virtual std::byte* allocate(std::size_t bytes) = 0;
  virtual void release(std::byte* block, std::size_t bytes) = 0;
};

/// Host memory. Stateless, lives until the process ends.
TORCHINFER_API BlockAllocator& host_allocator();

class BlockPool;

/// A block of a pool, handed back when destroyed; keeps its pool alive. Movable, of one thread at a
/// time.
class TORCHINFER_API Block {
 public:
  Block() = default;
  Block(Block&& other) noexcept;
  Block& operator=(Block&& other) noexcept;
  ~Block();

  explicit operator bool() const { return data_ != nullptr; }
  std::byte* data() const { return data_; }

 private:
  friend class BlockPool;
  Block(std::shared_ptr<BlockPool> pool, std::byte* data);
  std::shared_ptr<BlockPool> pool_;
  std::byte* data_ = nullptr;
};

/// Blocks of one size, reused; grows on demand, never shrinks before it goes. The number in use is
/// bounded by the streams' credit. Thread-safe.
class TORCHINFER_API BlockPool : public std::enable_shared_from_this<BlockPool> {
 public:
  static std::shared_ptr<BlockPool> create(std::size_t block_bytes,
                                           BlockAllocator& allocator = host_allocator());
  virtual ~BlockPool() = default;
  virtual std::size_t block_bytes() const = 0;
  /// kOutOfMemory when the allocator has none.
  virtual Result<Block> take() = 0;

 protected:
  friend class Block;
  virtual void give_back(std::byte* data) noexcept = 0;
  Block make_block(std::byte* data) { return Block(shared_from_this(), data); }
};

}  // namespace torchinfer
