// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/settings.h"

#include <gmock/gmock.h>

#include "bench/options.h"
#include "support/status_matchers.h"

namespace torchinfer::bench {
namespace {

using test::FailsWith;
using testing::ElementsAre;
using testing::Pair;

std::vector<std::pair<int, int>> shares(const Choices& choices, int cores) {
  std::vector<std::pair<int, int>> shares;
  for (const auto& setting : settings_of(choices, cores))
    shares.emplace_back(setting.workers, setting.threads);
  return shares;
}

TEST(Settings, UseAllCoresByThemselvesAndOneThreadBesides) {
  const Choices one_batch{.batch_sizes = {1}};
  EXPECT_THAT(shares(one_batch, 1), ElementsAre(Pair(1, 1)));
  EXPECT_THAT(shares(one_batch, 2), ElementsAre(Pair(1, 1), Pair(1, 2), Pair(2, 1)));
  EXPECT_THAT(shares(one_batch, 6),
              ElementsAre(Pair(1, 1), Pair(1, 6), Pair(2, 3), Pair(4, 1), Pair(6, 1)));
}

TEST(Settings, AreAllCombinationsOfWhatIsGiven) {
  const auto settings = settings_of({.batch_sizes = {2, 16},
                                     .workers = {1, 3},
                                     .threads = {1},
                                     .precisions = {Precision::kFp32, Precision::kBf16}},
                                    2);
  ASSERT_EQ(settings.size(), 8u);
  EXPECT_EQ(settings.front(), (Setting{2, 1, 1, Precision::kFp32}));
  EXPECT_EQ(settings.back(), (Setting{16, 3, 1, Precision::kBf16}));
}

TEST(Settings, LeaveTheOtherOfWorkersAndThreadsTheRest) {
  EXPECT_THAT(shares({.batch_sizes = {1}, .workers = {1, 2, 9}}, 8),
              ElementsAre(Pair(1, 8), Pair(2, 4), Pair(9, 1)));
  EXPECT_THAT(shares({.batch_sizes = {1}, .threads = {4, 16}}, 8),
              ElementsAre(Pair(2, 4), Pair(1, 16)));
}

TEST(Settings, AreWrittenAsTheElementReadsThem) {
  EXPECT_EQ(properties_of({4, 2, 1, Precision::kAuto}), "batch-size=4 workers=2 threads=1");
  EXPECT_EQ(properties_of({1, 1, 3, Precision::kBf16}),
            "batch-size=1 workers=1 threads=3 precision=bf16");
}

TEST(Settings, AreReadFromLists) {
  EXPECT_THAT(*parse_numbers("1,4,1,8", 8), ElementsAre(1, 4, 8));
  for (const auto* text : {"", ",", "1,", "0", "-1", "9", "1 ,2", "x", "1.5", "99999999999"})
    EXPECT_THAT(parse_numbers(text, 8).status(), FailsWith(Code::kInvalidArgument, "1 to 8"))
        << text;
  EXPECT_THAT(*parse_precisions("bf16,auto"), ElementsAre(Precision::kBf16, Precision::kAuto));
  EXPECT_THAT(parse_precisions("fp32,int4").status(),
              FailsWith(Code::kInvalidArgument, "\"int4\""));
}

class OptionsTest : public testing::Test {
 protected:
  static Result<Options> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "gst-torch-bench");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    return parse_options(static_cast<int>(words.size()), argv.data());
  }
};

TEST_F(OptionsTest, SayWhatIsMeasured) {
  const auto options = parse({"--streams", "60", "-f", "12.5", "--size", "640x360", "-b", "8",
                              "--seconds", "0.5", "--json=a.json", "-c", "a.png", "net.pt", "-q"});
  ASSERT_TRUE(options.ok()) << options.status().message();
  const auto& plan = options->plan;
  EXPECT_EQ(plan.model.model_file, "net.pt");
  EXPECT_EQ(plan.streams, 60);
  EXPECT_EQ(plan.frame_rate, 12.5);
  EXPECT_EQ(plan.time, std::chrono::milliseconds(500));
  EXPECT_FALSE(plan.answers);
  EXPECT_EQ(options->width, 640);
  EXPECT_EQ(options->height, 360);
  EXPECT_THAT(options->choices.batch_sizes, ElementsAre(8));
  EXPECT_EQ(options->json, "a.json");
  EXPECT_EQ(options->chart, "a.png");
  EXPECT_TRUE(options->quiet);
}

TEST_F(OptionsTest, ThatMeanNothingAreRefusedByName) {
  const auto refusal = [](std::vector<std::string> words) {
    words.emplace_back("net.pt");
    return parse(std::move(words)).status();
  };
  EXPECT_THAT(parse({}).status(), FailsWith(Code::kInvalidArgument, "one model"));
  EXPECT_THAT(refusal({"other.pt"}), FailsWith(Code::kInvalidArgument, "one model"));
  EXPECT_THAT(refusal({"--streams=0"}), FailsWith(Code::kInvalidArgument, "--streams"));
  EXPECT_THAT(refusal({"--streams=257"}), FailsWith(Code::kInvalidArgument, "--streams"));
  EXPECT_THAT(refusal({"--fps=0"}), FailsWith(Code::kInvalidArgument, "--fps"));
  EXPECT_THAT(refusal({"--fps=nan"}), FailsWith(Code::kInvalidArgument, "--fps"));
  EXPECT_THAT(refusal({"--seconds=0"}), FailsWith(Code::kInvalidArgument, "--seconds"));
  for (const auto* size : {"640", "640x", "x360", "0x360", "640x360x2", "1,2x3"})
    EXPECT_THAT(refusal({std::string("--size=") + size}),
                FailsWith(Code::kInvalidArgument, "--size"))
        << size;
  EXPECT_THAT(refusal({"--batch-sizes=2000"}),
              FailsWith(Code::kInvalidArgument, "--batch-sizes", "1 to 1024"));
  EXPECT_THAT(refusal({"--precision=fp8"}), FailsWith(Code::kInvalidArgument, "--precision"));
  EXPECT_THAT(refusal({"--replay=a.npy", "--size=4x4"}),
              FailsWith(Code::kInvalidArgument, "--size", "--replay"));
  EXPECT_THAT(refusal({"--frobnicate"}), FailsWith(Code::kInvalidArgument, "--frobnicate"));
}

}  // namespace
}  // namespace torchinfer::bench
