// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/cpu_budget.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <string>

#include "support/temp_folder.h"

namespace torchinfer::test {
namespace {

/// A machine's /proc and /sys as far as limits of CPU time go.
class CpuBudgetTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root.path(path)).parent_path());
    root.write(path, text);
  }
  void in_group(const std::string& lines) { write("proc/self/cgroup", lines); }
  int cores() const { return available_cores(root.path(".")); }

  /// With nothing but the affinity mask.
  const int all = available_cores("/no/such/root");
  TempFolder root;
};

TEST_F(CpuBudgetTest, WithoutAnyGroupItIsTheAffinityMask) {
  cpu_set_t mask;
  ASSERT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  EXPECT_EQ(all, CPU_COUNT(&mask));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int i = 0; CPU_COUNT(&one) == 0; ++i)
    if (CPU_ISSET(i, &mask)) CPU_SET(i, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(available_cores("/no/such/root"), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof mask, &mask), 0);
}

TEST_F(CpuBudgetTest, NoQuotaIsNoLimit) {
  in_group("0::/\n");
  write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(cores(), all);
}

TEST_F(CpuBudgetTest, AQuotaOfVersion2LimitsAndItsPartsCountAsCores) {
  in_group("0::/\n");
  write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(cores(), 1);
  write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(cores(), std::min(2, all));
}

TEST_F(CpuBudgetTest, AQuotaAboveTheMaskLimitsNothing) {
  in_group("0::/\n");
  write("sys/fs/cgroup/cpu.max", "99900000 100000\n");
  EXPECT_EQ(cores(), all);
}

TEST_F(CpuBudgetTest, TheTightestGroupOnTheWayUpCounts) {
  in_group("0::/system.slice/camera.service\n");
  write("sys/fs/cgroup/system.slice/camera.service/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/system.slice/cpu.max", "100000 100000\n");
  EXPECT_EQ(cores(), 1);
}

TEST_F(CpuBudgetTest, AQuotaOfVersion1LimitsWhereverItsControllerIsMounted) {
  in_group("12:memory:/other\n5:cpu,cpuacct:/docker/abc\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "100000\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores(), 1);
}

TEST_F(CpuBudgetTest, AContainerThatSeesItsOwnGroupAtTheMountPointIsLimitedToo) {
  in_group("5:cpu:/docker/abc\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores(), 1);
}

TEST_F(CpuBudgetTest, MinusOneInVersion1IsNoLimit) {
  in_group("5:cpu:/\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores(), all);
}

TEST_F(CpuBudgetTest, NonsenseLimitsNothing) {
  in_group("no colons\n0:\n0::relative\n::\n7:cpu:/x\n0::/\n");
  write("sys/fs/cgroup/cpu.max", "soon 100000\n");
  EXPECT_EQ(cores(), all);
  write("sys/fs/cgroup/cpu.max", "100000 0\n");
  EXPECT_EQ(cores(), all);
}

TEST(ShareCores, GivesEachOfAtMostFourWorkersOneThreadAndDividesWhatIsLeft) {
  struct Case {
    int cores, workers, threads;
  };
  for (const Case& test : {Case{1, 1, 1}, Case{2, 2, 1}, Case{4, 4, 1}, Case{6, 4, 1},
                           Case{8, 4, 2}, Case{64, 4, 16}}) {
    const CpuShare share = share_cores(test.cores, 0, 0);
    EXPECT_EQ(share.workers, test.workers) << test.cores;
    EXPECT_EQ(share.threads, test.threads) << test.cores;
  }
}

TEST(ShareCores, TakesWhatIsSaid) {
  EXPECT_EQ(share_cores(8, 1, 0).threads, 8);
  EXPECT_EQ(share_cores(8, 16, 0).threads, 1);
  EXPECT_EQ(share_cores(8, 0, 3).workers, 4);
  EXPECT_EQ(share_cores(8, 0, 3).threads, 3);
}

}  // namespace
}  // namespace torchinfer::test
