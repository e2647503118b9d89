// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace torchinfer::test {

/// Counts what malloc() and its like are asked for by the whole process, libraries included, while
/// it lives; `operator new` ends there too. Link malloc_probe.cpp, which stands before glibc's: not
/// for what runs under a sanitizer or valgrind, which do the same.
class MallocProbe {
 public:
  MallocProbe();

  /// Of all threads: malloc(), calloc(), realloc() and the aligned ones.
  std::uint64_t calls_of_all() const;

 private:
  const std::uint64_t before_;
};

}  // namespace torchinfer::test
