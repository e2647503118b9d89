// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/malloc_probe.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

// glibc's own, under the names that stay when a program defines malloc(). free() is not replaced.
// NOLINTBEGIN(bugprone-reserved-identifier): glibc's own names
extern "C" {
void* __libc_malloc(std::size_t bytes) noexcept;
void* __libc_calloc(std::size_t count, std::size_t bytes) noexcept;
void* __libc_realloc(void* block, std::size_t bytes) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t bytes) noexcept;
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

// Constant-initialised: malloc() is called before any constructor runs.
constinit std::atomic<std::uint64_t> calls{0};

void count() { calls.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) noexcept {
  count();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t number, std::size_t bytes) noexcept {
  count();
  return __libc_calloc(number, bytes);
}
void* realloc(void* block, std::size_t bytes) noexcept {
  count();
  return __libc_realloc(block, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  count();
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  count();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept {
  count();
  void* const made = __libc_memalign(alignment, bytes);
  if (made == nullptr) return ENOMEM;
  *block = made;
  return 0;
}

}  // extern "C"

namespace torchinfer::test {

MallocProbe::MallocProbe() : before_(calls) {}
std::uint64_t MallocProbe::calls_of_all() const { return calls - before_; }

}  // namespace torchinfer::test
