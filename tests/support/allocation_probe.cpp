// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/allocation_probe.h"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
thread_local std::uint64_t allocations = 0;
std::atomic<std::uint64_t> allocations_of_all{0};
thread_local std::size_t limit = kNoLimit;

}  // namespace

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  allocations_of_all.fetch_add(1, std::memory_order_relaxed);
  return bytes < limit ? std::malloc(bytes == 0 ? 1 : bytes) : nullptr;
}
void* operator new(std::size_t bytes) {
  void* block = operator new(bytes, std::nothrow);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void* operator new(std::size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept {
  ++allocations;
  allocations_of_all.fetch_add(1, std::memory_order_relaxed);
  const auto alignment = static_cast<std::size_t>(align);
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  return bytes < limit ? std::aligned_alloc(alignment, whole) : nullptr;
}
void* operator new(std::size_t bytes, std::align_val_t align) {
  void* block = operator new(bytes, align, std::nothrow);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

namespace torchinfer::test {

AllocationProbe::AllocationProbe() : before_(allocations_of_all) {
  allocations = 0;
  limit = kNoLimit;
}
AllocationProbe::~AllocationProbe() { limit = kNoLimit; }
std::uint64_t AllocationProbe::calls() const { return allocations; }
std::uint64_t AllocationProbe::calls_of_all() const { return allocations_of_all - before_; }
void AllocationProbe::refuse_from(std::size_t bytes) { limit = bytes; }

}  // namespace torchinfer::test
