// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/block_pool.h"

#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace torchinfer {
namespace {

constexpr std::align_val_t kAlignment{64};

class HostAllocator final : public BlockAllocator {
 public:
  std::byte* allocate(std::size_t bytes) override {
    return static_cast<std::byte*>(::operator new(bytes, kAlignment, std::nothrow));
  }
  void release(std::byte* block, std::size_t) override { ::operator delete(block, kAlignment); }
};

class FreeListPool final : public BlockPool {
 public:
  FreeListPool(std::size_t block_bytes, BlockAllocator& allocator)
      : block_bytes_(block_bytes), allocator_(allocator) {}

  // Blocks keep the pool alive, so all of them are in the list by now.
  ~FreeListPool() override {
    for (std::byte* block : free_) allocator_.release(block, block_bytes_);
  }

  std::size_t block_bytes() const override { return block_bytes_; }

  Result<Block> take() override {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        // The block that came back last is the likeliest to be in a cache.
        std::byte* block = free_.back();
        free_.pop_back();
        return make_block(block);
      }
      // Room for this one now, so that giving it back can never fail.
      free_.reserve(allocated_ + 1);
      ++allocated_;
    }
    std::byte* block = allocator_.allocate(block_bytes_);
    if (block != nullptr) return make_block(block);
    const std::lock_guard lock(mutex_);
    --allocated_;
    return Status(Code::kOutOfMemory,
                  "no memory for an input block of " + std::to_string(block_bytes_) + " bytes");
  }

 private:
  void give_back(std::byte* data) noexcept override {
    const std::lock_guard lock(mutex_);
    free_.push_back(data);
  }

  const std::size_t block_bytes_;
  BlockAllocator& allocator_;
  std::mutex mutex_;  // guards what follows
  std::vector<std::byte*> free_;
  std::size_t allocated_ = 0;
};

}  // namespace

BlockAllocator& host_allocator() {
  // Never destroyed: pools may outlive static destructors.
  static auto* allocator = new HostAllocator;
  return *allocator;
}

Block::Block(std::shared_ptr<BlockPool> pool, std::byte* data)
    : pool_(std::move(pool)), data_(data) {}

Block::Block(Block&& other) noexcept
    : pool_(std::move(other.pool_)), data_(std::exchange(other.data_, nullptr)) {}

Block& Block::operator=(Block&& other) noexcept {
  if (this != &other) {
    Block old(std::move(*this));
    pool_ = std::move(other.pool_);
    data_ = std::exchange(other.data_, nullptr);
  }
  return *this;
}

Block::~Block() {
  if (data_ != nullptr) pool_->give_back(data_);
}

std::shared_ptr<BlockPool> BlockPool::create(std::size_t block_bytes, BlockAllocator& allocator) {
  return std::make_shared<FreeListPool>(block_bytes, allocator);
}

}  // namespace torchinfer
