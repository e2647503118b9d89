// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decode/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

#include "support/allocation_probe.h"
#include "support/status_matchers.h"

namespace torchinfer {
namespace {

using test::FailsWith;
using test::IsOk;
using testing::IsEmpty;

constexpr double kTolerance = 1e-6;

/// An output that owns its numbers.
template <class T>
TensorView tensor(DType dtype, const std::vector<T>& values, std::vector<std::int64_t> dims = {}) {
  auto copy = std::make_shared<std::vector<T>>(values);
  TensorView view;
  view.name = "output_0";
  view.dtype = dtype;
  view.dims = dims.empty() ? std::vector<std::int64_t>{static_cast<std::int64_t>(values.size())}
                           : std::move(dims);
  view.host = reinterpret_cast<const std::byte*>(copy->data());
  view.owner = copy;
  return view;
}

TensorView floats(const std::vector<float>& values, std::vector<std::int64_t> dims = {}) {
  return tensor(DType::kFloat32, values, std::move(dims));
}

DecodePlan plan_of(Activation activation, int top_k, float threshold = 0.0F,
                   std::vector<std::string> labels = {}) {
  auto info = std::make_shared<ModelInfo>();
  info->decode.activation = activation;
  info->labels = std::move(labels);
  return {info, top_k, threshold};
}

Result<std::vector<Class>> decode(const DecodePlan& plan, std::span<const TensorView> outputs) {
  std::vector<Class> classes(3);  // what a reused vector may hold
  Status status = decode_classification(plan, outputs, classes);
  if (status.ok()) return classes;
  EXPECT_TRUE(classes.empty());
  return status;
}

Result<std::vector<Class>> decode(const DecodePlan& plan, const TensorView& output) {
  return decode(plan, std::span(&output, 1));
}

std::vector<int> indices(const std::vector<Class>& classes) {
  std::vector<int> result;
  for (const auto& item : classes) result.push_back(item.index);
  return result;
}

/// All classes, by the textbook and a whole sort.
std::vector<Class> reference(Activation activation, const std::vector<float>& values) {
  std::vector<double> scores(values.begin(), values.end());
  if (activation == Activation::kSoftmax) {
    double sum = 0.0;
    for (auto& score : scores) sum += score = std::exp(score);
    for (auto& score : scores) score /= sum;
  } else if (activation == Activation::kSigmoid) {
    for (auto& score : scores) score = 1.0 / (1.0 + std::exp(-score));
  }
  std::vector<Class> classes;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    classes.push_back({static_cast<int>(i), static_cast<float>(scores[i])});
  }
  std::stable_sort(classes.begin(), classes.end(),
                   [](const Class& a, const Class& b) { return a.score > b.score; });
  return classes;
}

TEST(Decoder, AgreesWithThePlainComputationForEveryCountAndActivation) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-4.0F, 4.0F);
  for (const std::size_t count : {1U, 2U, 3U, 10U, 1000U, 1001U}) {
    std::vector<float> values(count);
    for (const auto activation : {Activation::kSoftmax, Activation::kSigmoid, Activation::kNone}) {
      for (auto& value : values) {
        value = uniform(random);
        if (activation == Activation::kNone) value = (value + 4.0F) / 8.0F;
      }
      const auto expected = reference(activation, values);
      for (const int top_k : {1, 2, 5, 1000, 5000}) {
        const auto classes = decode(plan_of(activation, top_k), floats(values));
        ASSERT_THAT(classes.status(), IsOk());
        ASSERT_EQ(classes->size(), std::min(count, static_cast<std::size_t>(top_k)));
        for (std::size_t i = 0; i < classes->size(); ++i) {
          EXPECT_EQ((*classes)[i].index, expected[i].index) << "place " << i;
          EXPECT_NEAR((*classes)[i].score, expected[i].score, kTolerance);
        }
      }
    }
  }
}

TEST(Decoder, OrdersEqualValuesByIndex) {
  const auto output = floats({0.5F, 0.9F, 0.5F, 0.9F, 0.5F, 0.9F});
  for (const auto activation : {Activation::kSoftmax, Activation::kSigmoid, Activation::kNone}) {
    EXPECT_EQ(indices(*decode(plan_of(activation, 6), output)),
              (std::vector<int>{1, 3, 5, 0, 2, 4}));
    EXPECT_EQ(indices(*decode(plan_of(activation, 2), output)), (std::vector<int>{1, 3}));
  }
}

TEST(Decoder, OrdersByTheModelsValuesWhereScoresSaturate) {
  const auto classes = decode(plan_of(Activation::kSigmoid, 3), floats({50, 70, 60}));
  EXPECT_EQ(indices(*classes), (std::vector<int>{1, 2, 0}));
  for (const auto& item : *classes) EXPECT_EQ(item.score, 1.0F);
}

TEST(Decoder, DoesNotOverflowInSoftmax) {
  const auto classes = decode(plan_of(Activation::kSoftmax, 3), floats({3e38F, -3e38F, 3e38F}));
  ASSERT_THAT(classes.status(), IsOk());
  EXPECT_EQ(*classes, (std::vector<Class>{{0, 0.5F}, {2, 0.5F}, {1, 0.0F}}));
}

TEST(Decoder, LeavesOutClassesBelowTheThreshold) {
  const auto output = floats({0.2F, 0.7F, 0.5F});
  EXPECT_EQ(indices(*decode(plan_of(Activation::kNone, 3, 0.5F), output)), (std::vector<int>{1, 2}))
      << "a score of just the threshold stays";
  EXPECT_THAT(*decode(plan_of(Activation::kNone, 3, 0.8F), output), IsEmpty());
}

TEST(Decoder, GivesAtLeastTheBestWhateverTopKSays) {
  EXPECT_EQ(indices(*decode(plan_of(Activation::kNone, 0), floats({0.1F, 0.2F}))),
            (std::vector<int>{1}));
}

TEST(Decoder, ReadsTheFirstOutput) {
  const std::vector<TensorView> outputs = {floats({0, 1}), floats({5, 1, 2})};
  const auto classes = decode(plan_of(Activation::kNone, 1), outputs);
  ASSERT_THAT(classes.status(), IsOk());
  EXPECT_EQ(indices(*classes), (std::vector<int>{1}));
}

TEST(Decoder, TakesDimsOfOneAroundTheClasses) {
  for (const auto& dims :
       std::vector<std::vector<std::int64_t>>{{3}, {1, 3}, {3, 1, 1}, {1, 3, 1}}) {
    EXPECT_EQ(indices(*decode(plan_of(Activation::kSoftmax, 1), floats({1, 3, 2}, dims))),
              (std::vector<int>{1}));
  }
  auto scalar = floats({0.0F});
  scalar.dims.clear();
  EXPECT_EQ(*decode(plan_of(Activation::kSigmoid, 1), scalar), (std::vector<Class>{{0, 0.5F}}));
}

TEST(Decoder, RefusesOtherShapes) {
  for (const auto& dims : std::vector<std::vector<std::int64_t>>{
           {2, 3}, {0}, {3, 0}, {-1}, {1, 2, 3}, {std::int64_t{1} << 40}}) {
    EXPECT_THAT(decode(plan_of(Activation::kSoftmax, 1), floats({1, 2, 3, 4, 5, 6}, dims)).status(),
                FailsWith(Code::kBadOutput, "output_0", "shape"));
  }
  EXPECT_THAT(decode(plan_of(Activation::kSoftmax, 1), floats({1, 2}, {2, 3, 0})).status(),
              FailsWith(Code::kBadOutput, "[2,3,0]"));
}

TEST(Decoder, RefusesNoOutput) {
  EXPECT_THAT(decode(plan_of(Activation::kSoftmax, 1), std::span<const TensorView>()).status(),
              FailsWith(Code::kBadOutput, "no output"));
  EXPECT_THAT(decode(plan_of(Activation::kSoftmax, 1), TensorView()).status(),
              FailsWith(Code::kBadOutput, "no output"));
}

TEST(Decoder, RefusesNanAndInfinityWhereverTheyAre) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const auto activation : {Activation::kSoftmax, Activation::kSigmoid, Activation::kNone}) {
    for (std::size_t at = 0; at < 5; ++at) {
      std::vector<float> values = {0.1F, 0.2F, 0.3F, 0.4F, 0.5F};
      values[at] = kNan;
      EXPECT_THAT(decode(plan_of(activation, 2), floats(values)).status(),
                  FailsWith(Code::kBadOutput, "output_0", "NaN", "class " + std::to_string(at)));
      for (const float infinity : {kInfinity, -kInfinity}) {
        values[at] = infinity;
        EXPECT_THAT(decode(plan_of(activation, 2), floats(values)).status(),
                    FailsWith(Code::kBadOutput, "infinite", "class " + std::to_string(at)));
      }
    }
  }
  EXPECT_THAT(decode(plan_of(Activation::kSoftmax, 1), tensor<double>(DType::kFloat64, {1, 1e300}))
                  .status(),
              FailsWith(Code::kBadOutput, "infinite"));
  const auto half = tensor<std::uint16_t>(DType::kFloat16, {0x3C00, 0x7E00});
  EXPECT_THAT(decode(plan_of(Activation::kSoftmax, 1), half).status(),
              FailsWith(Code::kBadOutput, "NaN"));
  const auto brain = tensor<std::uint16_t>(DType::kBfloat16, {0x3F80, 0xFF80});
  EXPECT_THAT(decode(plan_of(Activation::kSoftmax, 1), brain).status(),
              FailsWith(Code::kBadOutput, "infinite"));
}

TEST(Decoder, SuspectsAWrongActivationWhereScoresAreNone) {
  for (const float value : {7.25F, -3.0F}) {
    EXPECT_THAT(decode(plan_of(Activation::kNone, 1), floats({value})).status(),
                FailsWith(Code::kBadOutput, "activation=none", "softmax"));
  }
  // A model's own softmax in bfloat16 misses 1 by a little.
  EXPECT_EQ(*decode(plan_of(Activation::kNone, 1), floats({1.004F, 0.0F})),
            (std::vector<Class>{{0, 1.0F}}));
}

TEST(Decoder, NamesBothCountsWhenLabelsDoNotFit) {
  EXPECT_THAT(
      decode(plan_of(Activation::kSoftmax, 1, 0.0F, {"a", "b"}), floats({1, 2, 3})).status(),
      FailsWith(Code::kBadLabels, "2", "3", "output_0"));
  EXPECT_THAT(
      decode(plan_of(Activation::kSoftmax, 1, 0.0F, {"a", "b", "c"}), floats({1, 2, 3})).status(),
      IsOk());
}

TEST(Decoder, ReadsEveryTypeOfNumber) {
  const auto best = [](const TensorView& output) {
    const auto classes = decode(plan_of(Activation::kSigmoid, 3), output);
    EXPECT_THAT(classes.status(), IsOk());
    EXPECT_EQ(indices(*classes), (std::vector<int>{1, 2, 0})) << to_string(output.dtype);
    EXPECT_NEAR((*classes)[0].score, 0.9525741268, kTolerance) << to_string(output.dtype);
  };
  best(tensor<float>(DType::kFloat32, {-1, 3, 2}));
  best(tensor<double>(DType::kFloat64, {-1, 3, 2}));
  best(tensor<std::int8_t>(DType::kInt8, {-1, 3, 2}));
  best(tensor<std::uint8_t>(DType::kUint8, {0, 3, 2}));
  best(tensor<std::int16_t>(DType::kInt16, {-1, 3, 2}));
  best(tensor<std::int32_t>(DType::kInt32, {-1, 3, 2}));
  best(tensor<std::int64_t>(DType::kInt64, {-1, 3, 2}));
  best(tensor<std::uint16_t>(DType::kFloat16, {0xBC00, 0x4200, 0x4000}));
  best(tensor<std::uint16_t>(DType::kBfloat16, {0xBF80, 0x4040, 0x4000}));
}

TEST(Decoder, ReadsLargeIntegersWithoutOverflow) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  const auto classes = decode(plan_of(Activation::kSoftmax, 3),
                              tensor<std::int64_t>(DType::kInt64, {-kHuge, kHuge, 0}));
  ASSERT_THAT(classes.status(), IsOk());
  EXPECT_EQ(*classes, (std::vector<Class>{{1, 1.0F}, {2, 0.0F}, {0, 0.0F}}));
}

TEST(Decoder, TellsApartWhatAFloatCannot) {
  constexpr std::int64_t kLarge = std::int64_t{1} << 40;
  const auto output = tensor<std::int64_t>(DType::kInt64, {kLarge, kLarge + 1, kLarge - 5});
  const auto classes = decode(plan_of(Activation::kSoftmax, 2), output);
  ASSERT_THAT(classes.status(), IsOk());
  EXPECT_EQ(indices(*classes), (std::vector<int>{1, 0}));
  EXPECT_NEAR((*classes)[0].score, 0.7297, 1e-3);
  EXPECT_NEAR((*classes)[1].score, 0.2684, 1e-3);
}

TEST(Decoder, ReadsTensorsAtAnyAddress) {
  const std::vector<float> values = {1, 3, 2};
  std::vector<std::byte> bytes(1 + sizeof(float) * values.size());
  std::memcpy(bytes.data() + 1, values.data(), sizeof(float) * values.size());
  auto output = floats(values);
  output.host = bytes.data() + 1;
  EXPECT_EQ(indices(*decode(plan_of(Activation::kSoftmax, 1), output)), (std::vector<int>{1}));
}

TEST(Decoder, AllocatesNothingWhereTheResultsMemoryIsUsedAgain) {
  std::vector<float> values(1000);
  std::iota(values.begin(), values.end(), 0.0F);
  const auto output = floats(values);
  const auto plan = plan_of(Activation::kSoftmax, 5);
  std::vector<Class> classes;
  ASSERT_THAT(decode_classification(plan, std::span(&output, 1), classes), IsOk());
  const auto first = classes;
  const test::AllocationProbe probe;
  const Status again = decode_classification(plan, std::span(&output, 1), classes);
  EXPECT_EQ(probe.calls(), 0U);
  EXPECT_THAT(again, IsOk());
  EXPECT_EQ(classes, first);
}

}  // namespace
}  // namespace torchinfer
