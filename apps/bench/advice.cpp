// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/advice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace torchinfer::bench {
namespace {

constexpr double kMostSkipped = 0.005;
constexpr double kAbout = 1.1;

bool keeps_up(const Row& row, double demand) {
  if (!row.status.ok() || !row.cameras || row.files.rate * kUsable < demand) return false;
  const auto skipped = static_cast<double>(row.cameras->skipped);
  const auto all = skipped + static_cast<double>(row.cameras->frames);
  return row.cameras->frames > 0 && skipped <= kMostSkipped * all;
}

double latency(const Row& row) {
  return static_cast<double>(row.cameras->latency.percentile(0.99).count());
}

auto cost(const Row& row) {
  const auto& setting = row.setting;
  return std::tuple(setting.workers * setting.threads, setting.batch_size, latency(row));
}

}  // namespace

Advice advise(const std::vector<Row>& rows, int streams, double frame_rate) {
  const double demand = frame_rate * streams;
  double shortest = std::numeric_limits<double>::infinity();
  for (const auto& row : rows)
    if (keeps_up(row, demand)) shortest = std::min(shortest, latency(row));
  Advice advice;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!keeps_up(rows[i], demand) || latency(rows[i]) > kAbout * shortest) continue;
    if (!advice.keeps_up || cost(rows[i]) < cost(rows[advice.row])) advice.row = i;
    advice.keeps_up = true;
  }
  if (advice.keeps_up) return advice;
  double best = -1.0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].status.ok() || rows[i].files.rate <= best) continue;
    best = rows[i].files.rate;
    advice.row = i;
  }
  const double interval = std::ceil(demand / std::max(kUsable * best, 1e-3));
  advice.inference_interval = static_cast<int>(std::clamp(interval, 2.0, 1e6));
  return advice;
}

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+:@%=,-";
  if (!text.empty() && text.find_first_not_of(kPlain) == text.npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string launch_line(const Row& row, const Advice& advice, const SessionRequest& model) {
  const auto file = [](const char* name, const std::string& path) {
    // gst-launch-1.0 reads the value once more, and there quotes and backslashes mean something.
    std::string quoted = "\"";
    for (const char c : path) quoted += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
    const bool plain = shell_word(path) == path;
    return path.empty() ? ""
                        : " " + shell_word(std::string(name) + "=" + (plain ? path : quoted + '"'));
  };
  std::string text = "torchinference" + file("model-file", model.model_file) +
                     file("model-info-file", model.model_info_file) +
                     file("label-file", model.label_file) + " " + properties_of(row.setting);
  if (advice.inference_interval > 1)
    text += " inference-interval=" + std::to_string(advice.inference_interval);
  return text;
}

}  // namespace torchinfer::bench
