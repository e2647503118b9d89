// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "core/export.h"

namespace torchinfer {

/// Cores this process may use: those of its affinity mask, or fewer where a cgroup (version 1 or 2,
/// this one or one above it) limits the CPU time; a part of a core counts as one. At least 1.
/// `root` is put before /proc and /sys, for tests. Reads files; not cached, since quotas change.
TORCHINFER_API int available_cores(const std::string& root = {});

struct CpuShare {
  int workers = 1;
  int threads = 1;
};

/// What 0 (= auto) in `workers` and `threads` stands for on that many cores: one thread a worker
/// and at most four workers, since more small forwards at once beat wider ones; beyond that, cores
/// are divided among the workers.
TORCHINFER_API CpuShare share_cores(int cores, int workers, int threads);

}  // namespace torchinfer
