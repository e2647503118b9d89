// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "model/text.h"

namespace torchinfer::bench {
namespace {

constexpr std::array<std::pair<std::string_view, Precision>, 4> kPrecisions{{
    {"auto", Precision::kAuto},
    {"fp32", Precision::kFp32},
    {"bf16", Precision::kBf16},
    {"fp16", Precision::kFp16},
}};

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == text.npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

template <class T>
void add_once(std::vector<T>& list, const T& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

using Shares = std::vector<std::pair<int, int>>;  // workers, threads

Shares shares_of(const Choices& choices, int cores) {
  Shares shares;
  if (choices.workers.empty() && choices.threads.empty()) {
    shares.emplace_back(1, 1);
    for (int workers = 1; workers < cores; workers *= 2)
      add_once(shares, {workers, cores / workers});
    add_once(shares, {cores, 1});
    return shares;
  }
  // One of them alone says what is left for the other.
  const auto rest = [cores](int used) { return std::max(1, cores / used); };
  if (choices.threads.empty())
    for (const int workers : choices.workers) add_once(shares, {workers, rest(workers)});
  else if (choices.workers.empty())
    for (const int threads : choices.threads) add_once(shares, {rest(threads), threads});
  else
    for (const int workers : choices.workers)
      for (const int threads : choices.threads) add_once(shares, {workers, threads});
  return shares;
}

}  // namespace

std::vector<Setting> settings_of(const Choices& choices, int cores) {
  const auto batch_sizes = choices.batch_sizes.empty() ? std::vector{1, 4, 8} : choices.batch_sizes;
  const auto precisions =
      choices.precisions.empty() ? std::vector{Precision::kAuto} : choices.precisions;
  std::vector<Setting> settings;
  for (const auto precision : precisions)
    for (const auto& [workers, threads] : shares_of(choices, cores))
      for (const int batch_size : batch_sizes)
        add_once(settings, {batch_size, workers, threads, precision});
  return settings;
}

Result<std::vector<int>> parse_numbers(std::string_view text, int most) {
  std::vector<int> numbers;
  for (const auto part : split(text)) {
    int number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || end != part.data() + part.size() || number < 1 || number > most)
      return Status(Code::kInvalidArgument, quoted(part) + " is no number from 1 to " +
                                                std::to_string(most) +
                                                "; several are separated by commas");
    add_once(numbers, number);
  }
  return numbers;
}

Result<std::vector<Precision>> parse_precisions(std::string_view text) {
  std::vector<Precision> precisions;
  for (const auto part : split(text)) {
    const auto* known =
        std::ranges::find(kPrecisions, part, [](const auto& entry) { return entry.first; });
    if (known == kPrecisions.end())
      return Status(Code::kInvalidArgument,
                    quoted(part) + " is no precision; known are auto, fp32, bf16 and fp16");
    add_once(precisions, known->second);
  }
  return precisions;
}

std::string_view to_string(Precision precision) {
  return std::ranges::find(kPrecisions, precision, [](const auto& entry) { return entry.second; })
      ->first;
}

std::string properties_of(const Setting& setting) {
  auto text = "batch-size=" + std::to_string(setting.batch_size) +
              " workers=" + std::to_string(setting.workers) +
              " threads=" + std::to_string(setting.threads);
  if (setting.precision != Precision::kAuto)
    text += " precision=" + std::string(to_string(setting.precision));
  return text;
}

}  // namespace torchinfer::bench
