// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/block_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace torchinfer {
namespace {

/// Counts what is out, and refuses after so many.
class CountingAllocator final : public BlockAllocator {
 public:
  explicit CountingAllocator(int most = 1000) : most_(most) {}
  std::byte* allocate(std::size_t bytes) override {
    if (allocated >= most_) return nullptr;
    ++allocated;
    ++out;
    return host_allocator().allocate(bytes);
  }
  void release(std::byte* block, std::size_t bytes) override {
    --out;
    host_allocator().release(block, bytes);
  }
  std::atomic<int> allocated{0};
  std::atomic<int> out{0};

 private:
  const int most_;
};

TEST(BlockPool, BlocksAreAlignedForVectorInstructions) {
  const auto pool = BlockPool::create(100);
  EXPECT_EQ(pool->block_bytes(), 100U);
  for (int i = 0; i < 8; ++i) {
    const auto block = pool->take();
    ASSERT_TRUE(block.ok());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block->data()) % 64, 0U);
  }
}

TEST(BlockPool, ABlockThatCameBackIsUsedAgain) {
  CountingAllocator allocator;
  const auto pool = BlockPool::create(64, allocator);
  for (int i = 0; i < 100; ++i) {
    auto first = pool->take();
    auto second = pool->take();
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_NE(first->data(), second->data());
  }
  EXPECT_EQ(allocator.allocated, 2);
}

TEST(BlockPool, MovingABlockHandsItOver) {
  const auto pool = BlockPool::create(64);
  Block a = std::move(pool->take()).value();
  std::byte* const data = a.data();
  Block b = std::move(a);
  EXPECT_FALSE(a);
  EXPECT_EQ(b.data(), data);
  Block c = std::move(pool->take()).value();
  c = std::move(b);  // what c had goes back
  EXPECT_EQ(c.data(), data);
  EXPECT_NE(pool->take()->data(), data);
}

TEST(BlockPool, ABlockKeepsItsPoolAliveAndAllMemoryIsReleased) {
  CountingAllocator allocator;
  {
    Block kept;
    {
      const auto pool = BlockPool::create(64, allocator);
      kept = std::move(pool->take()).value();
      (void)pool->take();
    }
    EXPECT_EQ(allocator.out, 2);
    *kept.data() = std::byte{1};
  }
  EXPECT_EQ(allocator.out, 0);
}

TEST(BlockPool, NoMemoryIsAnErrorThatSaysHowMuchWasWantedAndPasses) {
  CountingAllocator allocator(1);
  const auto pool = BlockPool::create(4096, allocator);
  {
    const auto first = pool->take();
    const auto second = pool->take();
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.status().code(), Code::kOutOfMemory);
    EXPECT_NE(second.status().message().find("4096"), std::string::npos);
  }
  EXPECT_TRUE(pool->take().ok());
}

TEST(BlockPool, ManyThreadsNeverShareABlock) {
  const auto pool = BlockPool::create(sizeof(int));
  std::atomic<bool> shared{false};
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id)
    threads.emplace_back([&, id] {
      for (int i = 0; i < 2000; ++i) {
        const auto block = pool->take();
        auto* mine = reinterpret_cast<int*>(block->data());
        *mine = id;
        if (i % 64 == 0) std::this_thread::yield();
        if (*mine != id) shared = true;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(shared);
}

}  // namespace
}  // namespace torchinfer
