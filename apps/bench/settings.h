// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "engine/back_end.h"

namespace torchinfer::bench {

/// What of torchinference's properties decides about speed.
struct Setting {
  int batch_size = 1;  ///< 1..kMostBatchSize
  int workers = 1;     ///< 1..kMostThreads, as are threads
  int threads = 1;
  Precision precision = Precision::kAuto;

  bool operator==(const Setting&) const = default;
};

constexpr int kMostBatchSize = 1024, kMostThreads = 1024;

/// Values to try; what is empty is chosen by the number of cores.
struct Choices {
  std::vector<int> batch_sizes;
  std::vector<int> workers;
  std::vector<int> threads;
  std::vector<Precision> precisions;
};

/// All combinations. Where neither workers nor threads are given, those that use all cores, and one
/// worker of one thread. `cores` >= 1.
std::vector<Setting> settings_of(const Choices& choices, int cores);

/// "1,4,8". kInvalidArgument for what is no number, or not in 1..most.
Result<std::vector<int>> parse_numbers(std::string_view text, int most);
/// "fp32,bf16".
Result<std::vector<Precision>> parse_precisions(std::string_view text);

/// As the property precision has it.
std::string_view to_string(Precision precision);

/// "batch-size=4 workers=2 threads=1", and the precision where it is not auto: the properties.
std::string properties_of(const Setting& setting);

}  // namespace torchinfer::bench
