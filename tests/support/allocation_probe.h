// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace torchinfer::test {

/// Watches `operator new` of the whole process, libraries included, while it lives. Link
/// allocation_probe.cpp, which replaces the operators. One at a time; counts this thread's calls
/// alone.
class AllocationProbe {
 public:
  AllocationProbe();
  AllocationProbe(const AllocationProbe&) = delete;
  AllocationProbe& operator=(const AllocationProbe&) = delete;
  ~AllocationProbe();

  std::uint64_t calls() const;
  /// Requests of `bytes` and more throw std::bad_alloc.
  void refuse_from(std::size_t bytes);
};

}  // namespace torchinfer::test
