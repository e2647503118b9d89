// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace torchinfer::inspect {

/// What a piece of work may use.
struct Bounds {
  int seconds = 60;
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;  ///< heap and the like; not under sanitizers
};

/// How the work ended: with its own exit status, or not by itself, which `problem` says.
struct Ending {
  int exit_status = 1;
  std::string problem;
};

/// Runs `work` in a process of its own. A file that makes libtorch crash, hang or eat memory cannot
/// take more than that one with it. What it writes to standard output and error is passed on when
/// it has ended by itself, so that a slow reader costs it no time. To be called while the process
/// has one thread; SIGCHLD gets its default action.
Ending run_bounded(const Bounds& bounds, const std::function<int()>& work);

}  // namespace torchinfer::inspect
