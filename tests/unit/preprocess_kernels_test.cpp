// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every level of the CPU must write the bytes that the plainest one writes, at any length: vector
// code goes wrong in the last few elements first.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "preprocess/cpu_kernels.h"

namespace torchinfer {
namespace {

template <class T = std::uint8_t>
std::vector<T> random_values(std::size_t count, int least = 0, int most = 255) {
  static std::mt19937 random(17);
  std::vector<T> values(count);
  std::uniform_int_distribution<int> distribution(least, most);
  std::generate(values.begin(), values.end(), [&] { return static_cast<T>(distribution(random)); });
  return values;
}

class Kernels : public testing::TestWithParam<int> {
 protected:
  int count() const { return GetParam(); }
  std::size_t size() const { return static_cast<std::size_t>(GetParam()); }

  /// Calls `run` with each level's kernels and a cleared output of so many values.
  template <class T, class Run>
  void expect_same_of_all_levels(std::size_t outputs, Run run) {
    std::vector<T> expected;
    for (const CpuKernels& kernels : usable_cpu_kernels()) {
      std::vector<T> out(outputs);
      run(kernels, out.data());
      if (expected.empty()) expected = out;
      EXPECT_EQ(out, expected) << kernels.name;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(OfLength, Kernels,
                         testing::Values(1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 77, 200),
                         [](const auto& info) { return std::to_string(info.param); });

TEST_P(Kernels, BlendChromaAlike) {
  const auto before = random_values(size());
  const auto after = random_values(size());
  for (const int quarters : {0, 1, 2, 3}) {
    expect_same_of_all_levels<std::uint16_t>(size(), [&](const CpuKernels& k, std::uint16_t* out) {
      k.blend_chroma(before.data(), after.data(), quarters, count(), out);
      EXPECT_EQ(out[0], (4 - quarters) * before[0] + quarters * after[0]);
    });
  }
}

TEST_P(Kernels, SpreadChromaAlike) {
  for (const int step : {1, 2}) {
    const auto chroma =
        random_values<std::uint16_t>((size() + 2) * static_cast<std::size_t>(step), 0, 1020);
    for (const bool cosited : {false, true}) {
      expect_same_of_all_levels<std::int16_t>(
          2 * size(), [&](const CpuKernels& k, std::int16_t* out) {
            k.spread_chroma(chroma.data() + step, step, cosited, count(), out);
            const int last = chroma[0];
            const int here = chroma[static_cast<std::size_t>(step)];
            const int next = chroma[static_cast<std::size_t>(2 * step)];
            EXPECT_EQ(out[0] + 2048, cosited ? 4 * here : last + 3 * here);
            EXPECT_EQ(out[1] + 2048, cosited ? 2 * here + 2 * next : 3 * here + next);
          });
    }
  }
}

TEST_P(Kernels, ConvertYuvAlike) {
  const auto y = random_values(size());
  const auto u = random_values<std::int16_t>(size(), -2048, 2032);
  const auto v = random_values<std::int16_t>(size(), -2048, 2032);
  for (const ColorMatrix matrix : {ColorMatrix::kFcc, ColorMatrix::kBt709, ColorMatrix::kBt2020}) {
    for (const ColorRange range : {ColorRange::kLimited, ColorRange::kFull}) {
      const YuvToRgb to_rgb = make_yuv_to_rgb({matrix, range, {}});
      expect_same_of_all_levels<std::uint8_t>(
          3 * size(), [&](const CpuKernels& k, std::uint8_t* out) {
            std::uint8_t* const rgb[] = {out, out + count(), out + 2 * count()};
            k.yuv_to_rgb(y.data(), u.data(), v.data(), to_rgb, count(), rgb);
          });
    }
  }
}

TEST_P(Kernels, ExpandAlike) {
  const auto in = random_values(size());
  expect_same_of_all_levels<std::uint8_t>(size(), [&](const CpuKernels& k, std::uint8_t* out) {
    k.expand(in.data(), expansion_of(ColorRange::kLimited), count(), out);
  });
}

TEST_P(Kernels, WeighRgbAlike) {
  const std::uint8_t offsets[] = {2, 0, 1};
  for (const int pixel : {3, 4}) {
    const auto in = random_values(size() * static_cast<std::size_t>(pixel));
    expect_same_of_all_levels<std::uint8_t>(size(), [&](const CpuKernels& k, std::uint8_t* out) {
      k.rgb_to_luma(in.data(), pixel, offsets, count(), out);
    });
  }
}

TEST_P(Kernels, TurnRows) {
  std::vector<std::vector<std::uint8_t>> rows;
  const std::uint8_t* in[kLanes];
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    rows.push_back(random_values(size()));
    in[lane] = rows.back().data();
  }
  std::vector<std::uint8_t> expected;
  for (std::size_t i = 0; i < size(); ++i) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) expected.push_back(rows[lane][i]);
  }
  for (const CpuKernels& kernels : usable_cpu_kernels()) {
    std::vector<std::uint8_t> out(size() * kLanes);
    kernels.turn_rows(in, count(), out.data());
    EXPECT_EQ(out, expected) << kernels.name;
  }
}

TEST_P(Kernels, FilterAcrossAlike) {
  const auto block = random_values(size() * kLanes * 3);
  for (const int resized : {1, 7, 8, 30}) {
    const AxisFilter filter =
        make_axis_filter({0, count()}, resized, {0, resized}, Interpolation::kBicubic);
    const std::ptrdiff_t begin = filter.begin;
    const std::uint8_t* const first = block.data() + begin * 3 * kLanes;
    const TurnedRows in{{first, first + kLanes, first + 2 * kLanes}, 3 * kLanes};
    for (const int channels : {1, 3}) {
      const std::ptrdiff_t row = std::ptrdiff_t{channels} * resized + 5;
      expect_same_of_all_levels<std::uint8_t>(static_cast<std::size_t>(row) * kLanes,
                                              [&](const CpuKernels& k, std::uint8_t* out) {
                                                k.filter_across(in, channels, filter, row, out);
                                              });
    }
  }
}

TEST_P(Kernels, FilterDownAlike) {
  for (int taps = 1; taps <= 9; ++taps) {
    const auto rows = random_values(size() * static_cast<std::size_t>(taps));
    std::vector<std::int32_t> weights(static_cast<std::size_t>(taps), (2 << kWeightBits) / taps);
    weights[0] -= 1 << kWeightBits;  // sums to one, and may overshoot
    expect_same_of_all_levels<std::uint8_t>(size(), [&](const CpuKernels& k, std::uint8_t* out) {
      std::vector<std::int32_t> sums(size());
      k.filter_down(rows.data(), count(), weights.data(), taps, count(), sums.data(), out);
    });
  }
}

TEST(KernelTable, StartsWithTheLevelThatEveryCpuHas) {
  ASSERT_FALSE(usable_cpu_kernels().empty());
  EXPECT_STREQ(usable_cpu_kernels().front().name, "baseline");
}

}  // namespace
}  // namespace torchinfer
