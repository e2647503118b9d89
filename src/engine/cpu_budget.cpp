// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/cpu_budget.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace torchinfer {
namespace {

constexpr int kMostWorkers = 4;

int cores_by_affinity() {
  // A fixed cpu_set_t holds 1024 cores; the kernel refuses it where it knows more.
  for (int most = CPU_SETSIZE; most <= 1 << 16; most *= 2) {
    const std::size_t bytes = CPU_ALLOC_SIZE(most);
    std::vector<unsigned long> mask(bytes / sizeof(unsigned long));
    auto* set = reinterpret_cast<cpu_set_t*>(mask.data());
    if (sched_getaffinity(0, bytes, set) == 0) return CPU_COUNT_S(bytes, set);
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

/// A quota and its period in microseconds as cores, rounded up; 0 = no limit.
int cores_of(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min<long long>((quota + period - 1) / period, 1 << 16));
}

/// Version 2: "max 100000" or "150000 100000".
int limit_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  long long quota = 0, period = 0;
  return file >> quota >> period ? cores_of(quota, period) : 0;
}

/// Version 1: -1 in the quota's file means no limit.
int limit_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"),
      period_file(folder + "/cpu.cfs_period_us");
  long long quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? cores_of(quota, period) : 0;
}

/// The tightest limit of the group `path` and all above it, below the mount point. In a container
/// the path may be the host's, of which only the mount point is seen; absent files limit nothing.
template <class Limit>
int tightest(const std::string& mount, std::string path, int cores, Limit&& limit_of) {
  for (;;) {
    const int limit = limit_of(mount + path);
    if (limit > 0) cores = std::min(cores, limit);
    if (path.empty()) return cores;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
}

bool has_cpu_controller(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string one; std::getline(list, one, ',');)
    if (one == "cpu") return true;
  return false;
}

}  // namespace

int available_cores(const std::string& root) {
  int cores = std::max(1, cores_by_affinity());
  const std::string mount = root + "/sys/fs/cgroup";
  std::ifstream groups(root + "/proc/self/cgroup");
  // Lines of hierarchy:controllers:path; version 2 has no controllers.
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers.empty()) {
      cores = tightest(mount, path, cores, limit_v2);
    } else if (has_cpu_controller(controllers)) {
      cores = tightest(std::string(mount).append("/").append(controllers), path, cores, limit_v1);
      cores = tightest(mount + "/cpu", path, cores, limit_v1);
    }
  }
  return cores;
}

CpuShare share_cores(int cores, int workers, int threads) {
  CpuShare share;
  share.workers = workers > 0 ? workers : std::clamp(cores, 1, kMostWorkers);
  share.threads = threads > 0 ? threads : std::max(1, cores / share.workers);
  return share;
}

}  // namespace torchinfer
