// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/allocation_probe.h"

#include <cstdlib>
#include <limits>
#include <new>

namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
thread_local std::uint64_t allocations = 0;
thread_local std::size_t limit = kNoLimit;

}  // namespace

void* operator new(std::size_t bytes) {
  ++allocations;
  void* block = bytes < limit ? std::malloc(bytes == 0 ? 1 : bytes) : nullptr;
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }

namespace torchinfer::test {

AllocationProbe::AllocationProbe() {
  allocations = 0;
  limit = kNoLimit;
}
AllocationProbe::~AllocationProbe() { limit = kNoLimit; }
std::uint64_t AllocationProbe::calls() const { return allocations; }
void AllocationProbe::refuse_from(std::size_t bytes) { limit = bytes; }

}  // namespace torchinfer::test
