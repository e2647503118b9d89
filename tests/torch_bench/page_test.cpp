// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/page.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <sstream>

#include "bench/chart.h"
#include "rows.h"

namespace torchinfer::bench {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class PageTest : public testing::Test {
 protected:
  PageTest() {
    plan_.streams = 2;
    plan_.frame_rate = 25.0;
    plan_.time = 3s;
    plan_.model.model_file = "/models/a net.pt";
    auto model = std::make_shared<ModelInfo>();
    model->name = "A net";
    report_.model = model;
    report_.rows = {row({1, 1, 1}, 40, 50, 0ms), row({4, 2, 1}, 120, 50, 30ms),
                    row({1, 1, 1, Precision::kBf16}, 0, 50, 0ms)};
    report_.rows[2].status = Status(Code::kUnsupported, "this CPU has no bf16");
    advice_ = advise(report_.rows, 2, 25.0);
  }

  Findings found() const { return {plan_, report_, advice_, "noise", 2}; }
  std::string page() const {
    std::ostringstream out;
    print(out, found());
    return out.str();
  }
  std::string page_line(const std::string& part) const {
    std::istringstream lines(page());
    for (std::string line; std::getline(lines, line);)
      if (line.find(part) != line.npos) return line;
    return {};
  }

  Plan plan_;
  Report report_;
  Advice advice_;
};

TEST_F(PageTest, SaysOfEachSettingWhatCameOfIt) {
  EXPECT_THAT(page(), HasSubstr("/models/a net.pt, sha256 0b9d1f5c2a77"));
  EXPECT_THAT(page_line("    1       1       1  fp32"), HasSubstr("40.0"));
  EXPECT_THAT(page_line("    1       1       1  fp32"), HasSubstr("too slow for that"));
  EXPECT_THAT(page_line("bf16"), HasSubstr("cannot be measured: this CPU has no bf16"));
  const auto chosen = page_line("    4       2       1  fp32");
  EXPECT_THAT(chosen, HasSubstr("120.0"));
  EXPECT_THAT(chosen, HasSubstr("<-"));
  EXPECT_THAT(page(), HasSubstr("For 2 streams of 25 frames/s"));
  EXPECT_THAT(page(), HasSubstr("\n  torchinference 'model-file=\"/models/a net.pt\"' "
                                "batch-size=4 workers=2 threads=1\n"));
}

TEST_F(PageTest, SaysHowOftenToLookWhereNoSettingKeepsUp) {
  report_.rows.erase(report_.rows.begin() + 1);
  advice_ = advise(report_.rows, 2, 25.0);
  EXPECT_THAT(page(), HasSubstr("No setting keeps up with 2 streams of 25 frames/s"));
  EXPECT_THAT(page(), HasSubstr("every frame in 2:"));
  EXPECT_THAT(page(), HasSubstr("inference-interval=2"));
}

TEST_F(PageTest, SaysHowFarSettingsAgreeOnTheInputs) {
  EXPECT_THAT(page(), Not(HasSubstr("Best classes")));
  report_.rows[0].answers = {{"cat", 0.9F}, {"cat", 0.8F}, {"dog", 0.5F}, {"owl", 0.4F}};
  report_.rows[1].answers = {{"cat", 0.9F}, {"cat", 0.7F}, {"dog", 0.5F}, {"elk", 0.4F}};
  EXPECT_THAT(page(), HasSubstr("2 x cat, 1 x dog, 1 x owl\n"));
  EXPECT_THAT(page(), HasSubstr("75.0 %"));
  const auto json = nlohmann::json::parse(to_json(found()));
  EXPECT_EQ(json["settings"][1]["agreement"], 0.75);
  EXPECT_EQ(json["answers"][3]["label"], "owl");
}

TEST_F(PageTest, IsThereForProgramsToo) {
  const auto json = nlohmann::json::parse(to_json(found()));
  EXPECT_EQ(json["schema_version"], "1.0");
  EXPECT_EQ(json["model"]["name"], "A net");
  EXPECT_EQ(json["streams"], 2);
  ASSERT_EQ(json["settings"].size(), 3u);
  const auto& chosen = json["settings"][1];
  EXPECT_EQ(chosen["batch_size"], 4);
  EXPECT_EQ(chosen["as_files"]["frames_per_second"], 120.0);
  EXPECT_NEAR(chosen["as_cameras"]["latency_ms"]["p99"], 30.0, 1.0);
  EXPECT_TRUE(json["settings"][0]["as_cameras"].is_null());
  EXPECT_EQ(json["settings"][2]["measured"], false);
  EXPECT_EQ(json["settings"][2]["reason"], "this CPU has no bf16");
  EXPECT_EQ(json["recommended"]["setting"], 1);
  EXPECT_EQ(json["recommended"]["launch"], launch_line(report_.rows[1], advice_, plan_.model));
  EXPECT_FALSE(json.contains("answers"));
}

/// Pixels of a colour in which blue, green or red is the strongest by far.
int count(const cv::Mat& chart, int channel) {
  int pixels = 0;
  for (int y = 0; y < chart.rows; ++y)
    for (int x = 0; x < chart.cols; ++x) {
      const auto& pixel = chart.at<cv::Vec3b>(y, x);
      bool strongest = true;
      for (int other = 0; other < 3; ++other)
        strongest = strongest && (other == channel || pixel[channel] > pixel[other] + 40);
      if (strongest) ++pixels;
    }
  return pixels;
}

TEST_F(PageTest, HasAChartWithBarsAsLongAsTheRates) {
  constexpr int kGreen = 1, kRed = 2;
  const auto chart = make_chart(found());
  ASSERT_FALSE(chart.empty());
  const int chosen = count(chart, kGreen);
  EXPECT_GT(count(chart, kRed), 0) << "no line for what is wanted";
  report_.rows[0].files.rate = 240;  // the axis becomes longer, the chosen bar half as long
  const int half = count(make_chart(found()), kGreen);
  EXPECT_LT(half, 0.7 * chosen);
  EXPECT_GT(half, 0.3 * chosen);
  EXPECT_GT(make_chart(found()).cols, chart.rows);
}

}  // namespace
}  // namespace torchinfer::bench
