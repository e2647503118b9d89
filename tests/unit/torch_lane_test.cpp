// SPDX-License-Identifier: LGPL-2.1-or-later
// Forwards: what rows come out, who owns them, what a failure says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <cmath>
#include <filesystem>
#include <thread>

#include "support/torch_module.h"

// A build with AddressSanitizer shall answer an allocation that cannot be had as any other build
// does.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

namespace torchinfer {
namespace {

using test::load;
using test::load_options;
using test::noise_image;
using test::plain_image;
using test::Rows;
using test::run;
using test::staged_task;
using test::values;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

const InputSpec kImage = load_options().input;

std::shared_ptr<Model> loaded(const std::string& name, const LoadOptions& options) {
  auto model = load(name, options);
  if (!model) throw std::runtime_error(model.status().message());
  return std::move(*model);
}

std::unique_ptr<Lane> lane_of(Model& model) { return std::move(model.make_lane()).value(); }

/// A model and one lane on this thread.
struct Seat {
  explicit Seat(const std::string& name, int batch = 1) : Seat(name, load_options(batch)) {}
  Seat(const std::string& name, const LoadOptions& options)
      : model(loaded(name, options)), lane(lane_of(*model)) {}
  std::shared_ptr<Model> model;
  std::unique_ptr<Lane> lane;
};

std::vector<Task> noise_images(int count, unsigned first_seed = 0) {
  std::vector<Task> tasks;
  for (int i = 0; i < count; ++i)
    tasks.push_back(noise_image(kImage, first_seed + static_cast<unsigned>(i)));
  return tasks;
}

std::vector<Task> plain_images(const std::vector<std::array<float, 3>>& colours) {
  std::vector<Task> tasks;
  for (const auto& colour : colours) tasks.push_back(plain_image(kImage, colour));
  return tasks;
}

std::vector<float> flat(const Rows& rows) {
  std::vector<float> numbers;
  for (const auto& row : rows)
    for (const auto& view : row)
      for (const auto number : values<float>(view)) numbers.push_back(number);
  return numbers;
}

TEST(TorchLane, GivesEachTaskItsOwnRow) {
  Seat seat("colour", 4);
  auto tasks = plain_images({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  const auto rows = run(*seat.lane, tasks);
  EXPECT_THAT(values<float>(rows[0].at(0)), ElementsAre(10, 20, 30));
  EXPECT_THAT(values<float>(rows[1].at(0)), ElementsAre(40, 50, 60));
  EXPECT_THAT(values<float>(rows[2].at(0)), ElementsAre(70, 80, 90));
  EXPECT_THAT(rows[2][0].dims, ElementsAre(3));
  EXPECT_EQ(rows[2][0].name, "output_0");
}

TEST(TorchLane, GivesABatchWhatItGivesItsRows) {
  Seat seat("classifier", 8);
  auto batch = noise_images(7);
  const auto together = flat(run(*seat.lane, batch));
  std::vector<float> apart;
  for (auto& task : batch)
    for (const auto number : flat(run(*seat.lane, std::span(&task, 1)))) apart.push_back(number);
  ASSERT_EQ(together.size(), 70U);
  ASSERT_EQ(apart.size(), together.size());
  for (std::size_t i = 0; i < apart.size(); ++i) EXPECT_NEAR(together[i], apart[i], 1e-5);
}

TEST(TorchLane, ForgetsTheBatchBefore) {
  Seat seat("classifier", 4);
  auto some = noise_images(2);
  const auto before = flat(run(*seat.lane, some));
  auto others = noise_images(4, 100);
  run(*seat.lane, others);
  EXPECT_EQ(flat(run(*seat.lane, some)), before);
}

class AliasingModel : public ::testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(AliasingModel, LeavesEarlierResultsAlone) {
  const auto [name, batch] = GetParam();
  Seat seat(name, batch);
  auto first = noise_images(batch);
  const auto rows = run(*seat.lane, first);
  const auto before = flat(rows);
  first.clear();  // the blocks go back to their pools, as after a finished frame
  auto second = noise_images(batch, 50);
  EXPECT_NE(flat(run(*seat.lane, second)), before);
  EXPECT_EQ(flat(rows), before);
}

INSTANTIATE_TEST_SUITE_P(TorchLane, AliasingModel,
                         ::testing::Values(std::tuple("identity", 1), std::tuple("identity", 3),
                                           std::tuple("list_output", 1),
                                           std::tuple("list_output", 2),
                                           std::tuple("remembers", 1)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

TEST(TorchLane, KeepsRowsAliveWithoutItself) {
  Rows rows;
  {
    Seat seat("colour", 2);
    auto tasks = plain_images({{1, 2, 3}, {4, 5, 6}});
    rows = run(*seat.lane, tasks);
  }
  rows[0].clear();
  EXPECT_THAT(values<float>(rows[1].at(0)), ElementsAre(40, 50, 60));
}

TEST(TorchLane, HandsOutTheInputUnchanged) {
  Seat seat("identity", 2);
  auto tasks = noise_images(2);
  const auto rows = run(*seat.lane, tasks);
  for (std::size_t i = 0; i < tasks.size(); ++i)
    EXPECT_EQ(std::memcmp(rows[i].at(0).host, tasks[i].block.data(), kImage.bytes()), 0);
  EXPECT_THAT(rows[0][0].dims, ElementsAre(3, 32, 32));
}

TEST(TorchLane, DoesNotLetTheModelWriteToABlock) {
  // The engine runs a task again whose batch has failed.
  Seat seat("writes_input");
  auto tasks = plain_images({{1, 2, 3}});
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(values<float>(run(*seat.lane, tasks)[0].at(0)), ElementsAre(3 * 32 * 32));
}

TEST(TorchLane, KnowsOfWritesThatTheSelfTestsNoiseDoesNotShow) {
  Seat seat("halves_bright_input");
  auto tasks = plain_images({{8, 2, 4}});
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(values<float>(run(*seat.lane, tasks)[0].at(0)), ElementsAre(4, 2, 2));
}

TEST(TorchLane, UsesTheMemoryOfRowsAgain) {
  Seat seat("dict_output", 2);
  auto tasks = noise_images(2);
  Rows rows(2);
  for (auto& row : rows) {
    row.resize(2);
    for (auto& view : row) view.dims.reserve(100);
  }
  const auto status = seat.lane->run(tasks, rows);
  ASSERT_TRUE(status.ok()) << status.message();
  for (const auto& row : rows) {
    EXPECT_THAT(row.at(1).dims, ElementsAre(12));
    for (const auto& view : row) EXPECT_GE(view.dims.capacity(), 100U);
  }
}

TEST(TorchLane, PassesOnTypesAsTheyAre) {
  auto tasks = plain_images({{0, 1, 0}, {0, -1, 2}});
  EXPECT_THAT(values<std::int32_t>(run(*Seat("int_output", 2).lane, tasks)[1].at(0)),
              ElementsAre(2));
  const auto flags = run(*Seat("bool_output", 2).lane, tasks);
  EXPECT_EQ(flags[1].at(0).dtype, DType::kUint8);
  EXPECT_THAT(values<std::uint8_t>(flags[1][0]), ElementsAre(0, 0, 1));
  const auto pair = run(*Seat("tuple_output", 2).lane, tasks);
  EXPECT_EQ(pair[1].at(1).dtype, DType::kFloat64);
  EXPECT_THAT(values<double>(pair[1][1]), ElementsAre(0, -1, 2));
}

TEST(TorchLane, NamesTheTensorsOfADict) {
  auto tasks = plain_images({{1, 2, 3}});
  const auto rows = run(*Seat("dict_output").lane, tasks);
  ASSERT_EQ(rows[0].size(), 2U);
  EXPECT_EQ(rows[0][0].name, "scores");
  EXPECT_THAT(values<float>(rows[0][0]), ElementsAre(1, 2, 3));
  EXPECT_EQ(rows[0][1].name, "boxes");
  EXPECT_THAT(rows[0][1].dims, ElementsAre(12));
}

TEST(TorchLane, MakesRowsOfPermutedOutputsContiguous) {
  auto tasks = noise_images(2);
  const auto rows = run(*Seat("list_output", 2).lane, tasks);
  const auto* input = reinterpret_cast<const float*>(tasks[1].block.data());
  const auto permuted = values<float>(rows[1].at(1));
  EXPECT_THAT(rows[1][1].dims, ElementsAre(32, 32, 3));
  for (std::size_t pixel = 0; pixel < 32 * 32; ++pixel)
    for (std::size_t channel = 0; channel < 3; ++channel)
      ASSERT_EQ(permuted[pixel * 3 + channel], input[channel * 32 * 32 + pixel]);
}

TEST(TorchLane, TakesBytesWithChannelsLast) {
  auto options = load_options(2);
  options.input = {DType::kUint8, Layout::kNhwc, 3, 32, 32};
  Seat seat("uint8_nhwc", options);
  const auto pixels = [&](int r, int g, int b) {
    return staged_task(options.input, [=](std::byte* data) {
      for (int i = 0; i < 32 * 32; ++i)
        for (const int value : {r, g, b}) *data++ = static_cast<std::byte>(value);
    });
  };
  std::array tasks{pixels(255, 0, 51), pixels(0, 255, 102)};
  const auto rows = run(*seat.lane, tasks);
  EXPECT_THAT(values<float>(rows[0].at(0)), ElementsAre(10, 0, 2));
  EXPECT_THAT(values<float>(rows[1].at(0)), ElementsAre(0, 10, 4));
}

TEST(TorchLane, TakesHalfPrecisionInputs) {
  // 1.5 is 0x3E00 as float16 and 0x3FC0 as bfloat16.
  const auto run_half = [](const std::string& name, DType dtype, std::uint16_t bits) {
    auto options = load_options();
    options.input.dtype = dtype;
    Seat seat(name, options);
    auto task = staged_task(options.input, [&](std::byte* data) {
      std::fill_n(reinterpret_cast<std::uint16_t*>(data), 3 * 32 * 32, bits);
    });
    const auto rows = run(*seat.lane, std::span(&task, 1));
    EXPECT_EQ(rows[0].at(0).dtype, dtype);
    return values<std::uint16_t>(rows[0][0]).at(0);
  };
  EXPECT_EQ(run_half("float16_input", DType::kFloat16, 0x3E00), 0x3E00);
  EXPECT_EQ(run_half("bfloat16_input", DType::kBfloat16, 0x3FC0), 0x3FC0);
}

TEST(TorchLane, GivesOptimisedResultsNearThoseOfTheModelAsLoaded) {
  // The frozen one is folded, the quantised one is not the same net: only the first pair is near.
  Seat plain("classifier", 4), traced("traced_classifier", 4), frozen("frozen_classifier", 4);
  auto tasks = noise_images(4);
  const auto a = flat(run(*plain.lane, tasks)), b = flat(run(*traced.lane, tasks)),
             c = flat(run(*frozen.lane, tasks));
  ASSERT_EQ(a.size(), 40U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], b[i], 1e-5);
    EXPECT_NEAR(a[i], c[i], 1e-5);
  }
}

TEST(TorchLane, GivesBfloat16ResultsAsFloat32) {
  if (!__builtin_cpu_supports("avx512bf16")) GTEST_SKIP() << "this CPU has no AVX512_BF16";
  auto options = load_options(4);
  options.precision = Precision::kBf16;
  Seat exact("classifier", 4), rounded("classifier", options);
  auto tasks = noise_images(3);
  const auto a = flat(run(*exact.lane, tasks)), b = flat(run(*rounded.lane, tasks));
  ASSERT_EQ(b.size(), 30U);
  EXPECT_NE(a, b);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 0.05);
}

TEST(TorchLane, LeavesIntegersOfABfloat16ModelAlone) {
  if (!__builtin_cpu_supports("avx512bf16")) GTEST_SKIP() << "this CPU has no AVX512_BF16";
  auto options = load_options(2);
  options.precision = Precision::kBf16;
  Seat exact("index_table", 2), rounded("index_table", options);
  auto tasks = noise_images(2);
  const auto a = flat(run(*exact.lane, tasks)), b = flat(run(*rounded.lane, tasks));
  ASSERT_EQ(b.size(), 20U);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 0.05);
}

TEST(TorchLane, PassesNaNOnForTheRowThatHasIt) {
  Seat seat("nan_when_bright", 2);
  auto tasks = plain_images({{2, 2, 2}, {0.25, 0.5, 0.75}});
  const auto rows = run(*seat.lane, tasks);
  EXPECT_TRUE(std::isnan(values<float>(rows[0].at(0)).at(1)));
  EXPECT_THAT(values<float>(rows[1].at(0)), ElementsAre(0.25, 0.5, 0.75));
  EXPECT_TRUE(load("always_nan").ok());
}

TEST(TorchLane, RunsOnAfterABatchThatThrew) {
  Seat seat("throws_when_bright", 2);
  auto tasks = plain_images({{2, 2, 2}, {0.25, 0.5, 0.75}});
  Rows rows(2);
  const auto status = seat.lane->run(tasks, rows);
  EXPECT_EQ(status.code(), Code::kForwardFailed);
  EXPECT_EQ(status.message(), "the model failed: ValueError: too bright");
  EXPECT_THAT(status.detail(), HasSubstr("Traceback of TorchScript"));
  EXPECT_THAT(values<float>(run(*seat.lane, std::span(tasks).subspan(1))[0].at(0)),
              ElementsAre(2.5, 5, 7.5));
}

TEST(TorchLane, TellsWantOfMemoryFromOtherFailures) {
  Seat seat("exhausts_memory_when_bright");
  auto tasks = plain_images({{2, 2, 2}});
  Rows rows(1);
  const auto status = seat.lane->run(tasks, rows);
  EXPECT_EQ(status.code(), Code::kOutOfMemory);
  EXPECT_THAT(status.message(), HasSubstr("can't allocate memory"));
}

TEST(TorchLane, RefusesOutputsThatChange) {
  Seat seat("fewer_outputs_when_bright");
  auto tasks = plain_images({{2, 2, 2}});
  Rows rows(1);
  EXPECT_EQ(seat.lane->run(tasks, rows).code(), Code::kBadOutput);
}

TEST(TorchLane, RefusesBatchesThatItWasNotMadeFor) {
  Seat seat("sum", 2);
  auto tasks = noise_images(3);
  Rows rows(3);
  EXPECT_EQ(seat.lane->run(tasks, rows).code(), Code::kInternal);
  Task unstaged;
  EXPECT_EQ(seat.lane->run(std::span(&unstaged, 1), std::span(rows).first(1)).code(),
            Code::kInternal);
}

TEST(TorchLane, RunsOneModelInTwoLanesAtOnceBitForBitAsInOne) {
  constexpr int kRounds = 20;
  const auto model = loaded("classifier", load_options(3));
  const auto results = [&](int lane_number) {
    const auto lane = lane_of(*model);
    std::vector<std::vector<float>> all;
    for (int round = 0; round < kRounds; ++round) {
      auto tasks = noise_images(1 + round % 3, static_cast<unsigned>(1000 * lane_number + round));
      all.push_back(flat(run(*lane, tasks)));
    }
    return all;
  };
  std::array<std::vector<std::vector<float>>, 2> at_once, serial;
  {
    std::barrier start(2);
    std::array<std::jthread, 2> threads;
    for (int i = 0; i < 2; ++i)
      threads[i] = std::jthread([&, i] {
        start.arrive_and_wait();
        at_once[i] = results(i);
      });
  }
  for (int i = 0; i < 2; ++i) std::jthread([&, i] { serial[i] = results(i); }).join();
  EXPECT_EQ(at_once, serial);
}

int threads_of_process() {
  std::error_code error;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error))
    count += entry.exists() ? 1 : 0;
  return count;
}

TEST(TorchLane, KeepsItsOwnThreadCountBesideALaneWithAnother) {
  if (threads_of_process() == 0) GTEST_SKIP() << "no /proc here to count threads in";
  constexpr std::array wanted{1, 3};
  std::array<std::shared_ptr<Model>, 2> models;
  for (int i = 0; i < 2; ++i) {
    auto options = load_options(8);
    options.threads = wanted[i];
    models[i] = loaded("classifier", options);
  }
  std::array<int, 2> used{};
  std::barrier step(2);
  const auto work = [&](int me) {
    // One lane is made after the other and before anything runs: libtorch would rather have one
    // number for the process, that of the last, and each thread asks for it in its first forward.
    if (me == 1) step.arrive_and_wait();
    const auto lane = lane_of(*models[me]);
    if (me == 0) step.arrive_and_wait();
    step.arrive_and_wait();
    // Each runs alone, so the threads that appear are its own.
    for (int turn = 0; turn < 2; ++turn) {
      if (turn == me) {
        const auto before = threads_of_process();
        auto tasks = noise_images(8);
        run(*lane, tasks);
        used[me] = 1 + threads_of_process() - before;
      }
      step.arrive_and_wait();
    }
  };
  {
    const std::jthread first(work, 0), second(work, 1);
  }
  EXPECT_EQ(used, wanted);
}

TEST(TorchLane, StagesAFrameByItsPlan) {
  auto options = load_options();
  Seat seat("colour", options);
  PreprocessParams params;
  params.input = options.input;
  params.resize = ResizePolicy::kSquash;
  params.ranges.fill({0.0, 1.0});
  const ImageFormat format{PixelFormat::kRgb, 64, 48, {ColorMatrix::kRgb, ColorRange::kFull, {}}};
  std::vector<std::byte> pixels;
  for (int i = 0; i < 64 * 48; ++i)
    for (const int value : {255, 0, 51}) pixels.push_back(static_cast<std::byte>(value));
  const auto plan = make_plan(format, std::nullopt, params);
  ASSERT_TRUE(plan.ok()) << plan.status().message();

  Task task;
  task.pre = *plan;
  task.image.format = format;
  task.image.planes[0] = {pixels.data(), 64 * 3};
  const auto owner = std::make_shared<int>();
  task.image.owner = owner;
  const auto status = seat.model->stage(task);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(owner.use_count(), 1) << "the frame is still held";
  EXPECT_THAT(values<float>(run(*seat.lane, std::span(&task, 1))[0].at(0)),
              ElementsAre(FloatNear(10, 0.01), FloatNear(0, 0.01), FloatNear(2, 0.01)));
}

TEST(TorchLane, RefusesToStageWithoutAPlan) {
  Seat seat("sum");
  Task task;
  EXPECT_EQ(seat.model->stage(task).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace torchinfer
