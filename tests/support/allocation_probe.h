// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace torchinfer::test {

/// Watches `operator new` of the whole process, libraries included, while it lives. Link
/// allocation_probe.cpp, which replaces the operators. One at a time.
class AllocationProbe {
 public:
  AllocationProbe();
  AllocationProbe(const AllocationProbe&) = delete;
  AllocationProbe& operator=(const AllocationProbe&) = delete;
  ~AllocationProbe();

  /// Of this thread.
  std::uint64_t calls() const;
  /// Of all threads.
  std::uint64_t calls_of_all() const;
  /// This thread's requests of `bytes` and more throw std::bad_alloc.
  void refuse_from(std::size_t bytes);

 private:
  const std::uint64_t before_;
};

}  // namespace torchinfer::test
