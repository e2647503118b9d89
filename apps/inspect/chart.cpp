// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspect/chart.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace torchinfer::inspect {
namespace {

constexpr int kWidth = 1100, kRow = 24, kTitle = 44, kMargin = 20;
constexpr int kNames = 380, kNumbers = 110;  // columns in pixels, left and right of the bars
constexpr std::size_t kMostBars = 16;
const cv::Scalar kPaper(255, 255, 255), kInk(40, 40, 40), kBar(180, 120, 40), kBack(238, 238, 238);

struct Bar {
  std::string name;
  double ms = 0.0;
};
struct Group {
  std::string title;
  std::vector<Bar> bars;
};

void write(cv::Mat& picture, const std::string& text, int x, int y, double scale) {
  cv::putText(picture, text, cv::Point(x, y), cv::FONT_HERSHEY_SIMPLEX, scale, kInk, 1,
              cv::LINE_AA);
}

std::string milliseconds(double ms) {
  char text[32];
  std::snprintf(text, sizeof text, ms < 10.0 ? "%.2f ms" : "%.1f ms", ms);
  return text;
}

/// The end of a name says what it is.
std::string shortened(const std::string& name) {
  constexpr std::size_t most = 40;
  return name.size() <= most ? name : "..." + name.substr(name.size() - most + 3);
}

Group group(std::string title, std::vector<Bar> bars) {
  std::ranges::stable_sort(bars, std::greater(), &Bar::ms);
  if (bars.size() > kMostBars) {
    title += ", the " + std::to_string(kMostBars) + " dearest of " + std::to_string(bars.size());
    bars.resize(kMostBars);
  }
  return {std::move(title), std::move(bars)};
}

/// What was measured. The font has no other characters than those of ASCII.
std::string title_of(const std::string& model, const ProfileReport& profile) {
  auto name = model.substr(model.rfind('/') + 1);
  std::ranges::replace_if(name, [](char c) { return c < ' ' || c > '~'; }, '?');
  const auto several = [](int count, const char* what) {
    return std::to_string(count) + what + (count == 1 ? "" : "s");
  };
  return shortened(name) + ": " + several(profile.runs, " forward") + " of " +
         several(profile.batch, " frame") + ", " + several(profile.threads, " thread") + ", " +
         (profile.frames == 0 ? "noise" : "frames of a clip");
}

std::vector<Group> groups_of(const ProfileReport& profile) {
  std::vector<Group> groups;
  for (const auto& form : profile.forms) {
    const auto title = form.name + ", " + milliseconds(form.forward_ms) + " a forward: ";
    std::vector<Bar> operators, modules;
    for (const auto& line : form.operators) operators.push_back({line.name, line.self_ms});
    for (const auto& line : form.modules)
      if (!line.name.empty()) modules.push_back({line.name, line.total_ms});
    groups.push_back(group(title + "operators", std::move(operators)));
    if (!modules.empty())
      groups.push_back(group(title + "modules, with what is below", std::move(modules)));
  }
  return groups;
}

}  // namespace

cv::Mat draw_profile(const std::string& model, const ProfileReport& profile) {
  const auto groups = groups_of(profile);
  int height = kMargin + kTitle;
  double longest = 1e-9;
  for (const auto& group : groups) {
    height += kTitle + kRow * static_cast<int>(group.bars.size());
    for (const auto& bar : group.bars) longest = std::max(longest, bar.ms);
  }
  cv::Mat picture(height + kMargin, kWidth, CV_8UC3, kPaper);
  const int room = kWidth - kNames - kNumbers - kMargin;
  write(picture, title_of(model, profile), kMargin, kMargin + kTitle - 20, 0.6);
  int y = kMargin + kTitle;
  for (const auto& group : groups) {
    write(picture, group.title, kMargin, y + kTitle - 16, 0.55);
    y += kTitle;
    for (const auto& bar : group.bars) {
      write(picture, shortened(bar.name), kMargin, y + kRow - 8, 0.45);
      cv::rectangle(picture, cv::Rect(kNames, y + 4, room, kRow - 8), kBack, cv::FILLED);
      const int length = std::max(1, static_cast<int>(room * bar.ms / longest));
      cv::rectangle(picture, cv::Rect(kNames, y + 4, length, kRow - 8), kBar, cv::FILLED);
      write(picture, milliseconds(bar.ms), kNames + room + 8, y + kRow - 8, 0.45);
      y += kRow;
    }
  }
  return picture;
}

}  // namespace torchinfer::inspect
