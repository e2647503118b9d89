// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace torchinfer::bench {
namespace {

// Pixels.
constexpr int kMargin = 24, kHead = 96, kLine = 34, kBar = 18, kFoot = 62;
constexpr int kNames = 330, kRates = 520, kGap = 40, kLatencies = 400;
constexpr int kWidth = kMargin + kNames + kRates + kGap + kLatencies + kMargin;

// Blue, green, red.
const cv::Scalar kPaper(255, 255, 255), kInk(40, 40, 40), kFaint(215, 215, 215);
const cv::Scalar kPlain(196, 160, 110), kChosen(60, 150, 60), kWanted(60, 60, 210);

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

void write(cv::Mat& chart, const std::string& text, int x, int y, double size = 0.45,
           const cv::Scalar& ink = kInk) {
  cv::putText(chart, text, {x, y}, kFont, size, ink, 1, cv::LINE_AA);
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 100.0 ? "%.3g" : "%.0f", value);
  return text;
}

std::string exact(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

double milliseconds(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// From 0 to a round number that nothing exceeds.
class Axis {
 public:
  Axis(int left, int width, double most) : left_(left), width_(width) {
    const double rough = std::max(most, 1e-3) / 4.0;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0, 10.0})
      if (factor * power >= rough) {
        step_ = factor * power;
        break;
      }
    most_ = step_ * std::max(1.0, std::ceil(most / step_));
  }

  int at(double value) const {
    return left_ + static_cast<int>(std::lround(value / most_ * width_));
  }

  void draw(cv::Mat& chart, int top, int bottom, const std::string& title) const {
    write(chart, title, left_, top - 14, 0.5);
    for (double value = 0.0; value <= most_ * 1.001; value += step_) {
      cv::line(chart, {at(value), top}, {at(value), bottom}, kFaint);
      write(chart, number(value), at(value) - 8, bottom + 18, 0.4);
    }
  }

 private:
  int left_, width_;
  double step_ = 1.0, most_ = 1.0;
};

/// What a setting's latency is said by: as cameras where that was measured.
const Outcome& latency_of(const Row& row) { return row.cameras ? *row.cameras : row.files; }

std::string name_of(const Row& row) {
  const auto& setting = row.setting;
  return "batch " + std::to_string(setting.batch_size) + ", " + std::to_string(setting.workers) +
         " x " + std::to_string(setting.threads) + " threads, " +
         std::string(to_string(row.engine.facts.precision));
}

void draw_row(cv::Mat& chart, const Row& row, int top, bool chosen, const Axis& rates,
              const Axis& latencies) {
  const auto& color = chosen ? kChosen : kPlain;
  const int middle = top + kLine / 2;
  write(chart, name_of(row), kMargin, middle + 5, 0.45, chosen ? kChosen : kInk);
  cv::rectangle(chart, {rates.at(0.0), middle - kBar / 2},
                {rates.at(row.files.rate), middle + kBar / 2}, color, cv::FILLED);
  write(chart, number(row.files.rate), rates.at(row.files.rate) + 5, middle + 5, 0.4);

  const auto& times = latency_of(row).latency;
  const auto place = [&](double part) {
    return latencies.at(milliseconds(times.percentile(part)));
  };
  cv::line(chart, {place(0.5), middle}, {place(0.99), middle}, color, 2, cv::LINE_AA);
  cv::circle(chart, {place(0.5), middle}, 5, color, cv::FILLED, cv::LINE_AA);
  for (const double part : {0.95, 0.99})
    cv::line(chart, {place(part), middle - 6}, {place(part), middle + 6}, color, 2, cv::LINE_AA);
}

}  // namespace

cv::Mat make_chart(const Findings& found) {
  const auto& rows = found.report.rows;
  const double demand = found.plan.frame_rate * found.plan.streams;
  double most_rate = 0.0, most_latency = 0.0;
  int count = 0;
  for (const auto& row : rows) {
    if (!row.status.ok()) continue;
    ++count;
    most_rate = std::max(most_rate, row.files.rate);
    most_latency = std::max(most_latency, milliseconds(latency_of(row).latency.percentile(0.99)));
  }
  const int bottom = kHead + count * kLine;
  cv::Mat chart(bottom + kFoot, kWidth, CV_8UC3, kPaper);
  // Room for the number behind the longest bar.
  const Axis rates(kMargin + kNames, kRates - 30, most_rate);
  const Axis latencies(kMargin + kNames + kRates + kGap, kLatencies - 20, most_latency);

  write(chart, found.report.model->name + ": " + found.inputs, kMargin, 34, 0.6);
  write(chart, "as cameras, where that is fast enough", latencies.at(0.0), 62);
  rates.draw(chart, kHead, bottom, "frames/s, as fast as they are taken");
  latencies.draw(chart, kHead, bottom, "latency in ms, p50 to p99");
  int top = kHead;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].status.ok()) continue;
    draw_row(chart, rows[i], top, i == found.advice.row, rates, latencies);
    top += kLine;
  }
  if (demand <= most_rate) {
    const int x = rates.at(demand);
    cv::line(chart, {x, kHead}, {x, bottom}, kWanted, 2);
  }
  write(chart,
        "wanted: " + number(demand) + " frames/s (" + std::to_string(found.plan.streams) + " x " +
            exact(found.plan.frame_rate) + ")" +
            (demand <= most_rate ? "" : ", out of the picture"),
        kMargin, 62, 0.45, kWanted);
  write(chart,
        "Green: recommended. Latency: dot p50, ticks p95 and p99; of settings too slow for the "
        "cameras, as fast as frames are taken.",
        kMargin, bottom + 46, 0.4);
  return chart;
}

}  // namespace torchinfer::bench
