// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "preprocess/cpu_kernels.h"

namespace torchinfer {
namespace {

class Kernels : public testing::TestWithParam<const CpuKernels*> {
 protected:
  using Store = void (*)(const float* const*, int, int, void*);

  template <class T>
  std::vector<T> stored(Store store, const std::vector<float>& values) {
    std::vector<T> out(values.size());
    const float* row = values.data();
    store(&row, 1, static_cast<int>(values.size()), out.data());
    return out;
  }
};

std::vector<const CpuKernels*> every_level() {
  std::vector<const CpuKernels*> levels;
  for (const CpuKernels& kernels : usable_cpu_kernels()) levels.push_back(&kernels);
  return levels;
}

INSTANTIATE_TEST_SUITE_P(EveryCpuLevel, Kernels, testing::ValuesIn(every_level()),
                         [](const auto& info) { return std::string(info.param->name); });

/// The value of a float16 without a sign, also where it is infinite: one step above the largest.
float half_value(int bits) {
  return bits < 1024 ? std::ldexp(static_cast<float>(bits), -24)
                     : std::ldexp(static_cast<float>(1024 + bits % 1024), bits / 1024 - 25);
}

TEST_P(Kernels, RoundEveryFloat16ToNearestAndHalvesToEven) {
  std::vector<float> values;
  std::vector<std::uint16_t> expected;
  const auto expect = [&](float value, int bits) {
    values.push_back(value);
    expected.push_back(static_cast<std::uint16_t>(bits));
    values.push_back(-value);
    expected.push_back(static_cast<std::uint16_t>(bits | 0x8000));
  };
  for (int bits = 0; bits < 0x7c00; ++bits) {
    const float middle = (half_value(bits) + half_value(bits + 1)) / 2;
    expect(half_value(bits), bits);
    expect(std::nextafter(middle, 0.0F), bits);
    expect(middle, bits % 2 == 0 ? bits : bits + 1);
    expect(std::nextafter(middle, 1e9F), bits + 1);
  }
  EXPECT_EQ(stored<std::uint16_t>(GetParam()->store_f16, values), expected);
}

TEST_P(Kernels, RoundBfloat16ToNearestAndHalvesToEven) {
  std::vector<float> values;
  std::vector<std::uint16_t> expected;
  for (std::uint32_t bits = 0x0080; bits < 0x7f7f; ++bits) {
    for (const std::uint32_t sign : {0U, 0x8000U}) {
      for (const std::uint32_t rest : {0x0000U, 0x7fffU, 0x8000U, 0x8001U}) {
        values.push_back(std::bit_cast<float>(((bits | sign) << 16) | rest));
        const bool up = rest > 0x8000 || (rest == 0x8000 && bits % 2 != 0);
        expected.push_back(static_cast<std::uint16_t>((bits | sign) + (up ? 1 : 0)));
      }
    }
  }
  EXPECT_EQ(stored<std::uint16_t>(GetParam()->store_bf16, values), expected);
}

TEST_P(Kernels, RoundBytesHalfUp) {
  EXPECT_EQ(stored<std::uint8_t>(GetParam()->store_u8,
                                 {0, 0.49F, 0.5F, 1.5F, 2.5F, 127.499F, 254.5F, 254.49F, 255}),
            (std::vector<std::uint8_t>{0, 0, 1, 2, 3, 127, 255, 254, 255}));
}

TEST_P(Kernels, InterleaveThreeChannels) {
  // Longer than any vector register, and not a multiple.
  constexpr int kCount = 37;
  std::vector<float> rows[3];
  std::vector<std::uint8_t> expected;
  for (int i = 0; i < kCount; ++i) {
    for (int c = 0; c < 3; ++c) {
      rows[c].push_back(static_cast<float>(3 * i + c));
      expected.push_back(static_cast<std::uint8_t>(3 * i + c));
    }
  }
  const float* const in[] = {rows[0].data(), rows[1].data(), rows[2].data()};
  std::vector<std::uint8_t> out(3 * kCount);
  GetParam()->store_u8(in, 3, kCount, out.data());
  EXPECT_EQ(out, expected);
}

TEST_P(Kernels, BlendAnyNumberOfRows) {
  constexpr int kBytes = 45;
  for (int taps = 1; taps <= 13; ++taps) {
    std::vector<std::uint8_t> rows;
    for (int i = 0; i < taps * kBytes; ++i) rows.push_back(static_cast<std::uint8_t>(i * 89));
    std::vector<float> weights;
    for (int k = 0; k < taps; ++k) weights.push_back(k == 0 || k == 5 ? 0.0F : 1.0F / (k + 1));
    std::vector<float> out(kBytes);
    GetParam()->blend_rows(rows.data(), kBytes, weights.data(), taps, kBytes, out.data());
    for (int i = 0; i < kBytes; ++i) {
      double expected = 0;
      for (int k = 0; k < taps; ++k) {
        expected += static_cast<double>(weights[static_cast<std::size_t>(k)]) *
                    rows[static_cast<std::size_t>(k * kBytes + i)];
      }
      ASSERT_NEAR(out[static_cast<std::size_t>(i)], expected, 1e-3) << taps << " taps, byte " << i;
    }
  }
}

TEST(KernelTable, StartsWithTheLevelThatEveryCpuHas) {
  ASSERT_FALSE(usable_cpu_kernels().empty());
  EXPECT_STREQ(usable_cpu_kernels().front().name, "baseline");
}

}  // namespace
}  // namespace torchinfer
