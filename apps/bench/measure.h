// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/inputs.h"
#include "bench/load.h"
#include "bench/settings.h"
#include "core/clock.h"
#include "core/status.h"
#include "engine/session.h"

namespace torchinfer::bench {

struct Plan {
  SessionRequest model;  ///< the files; what a Setting has does not count here
  std::vector<Setting> settings;
  int streams = 1;
  double frame_rate = 25.0;  ///< of each stream
  Duration time{0};          ///< of each measurement
  bool answers = false;      ///< whether what the model says of the inputs is of interest
};

/// What a model says of one input.
struct Answer {
  std::string label;  ///< the class's number where there are no labels; empty where no class is
  float score = 0.0F;

  bool operator==(const Answer&) const = default;
};

/// One setting, measured.
struct Row {
  Setting setting;    ///< with the batch size that the engine has, which may be less than wanted
  Status status;      ///< not ok: it could not be measured
  std::string note;   ///< why the batch size is less; else empty
  EngineInfo engine;  ///< where it could be loaded
  Duration load_time{0};
  Outcome files;                   ///< as fast as frames are taken
  std::optional<Outcome> cameras;  ///< at the plan's rate, where `files` came to that
  std::vector<Answer> answers;     ///< one for each input, where the plan asks for them
};

struct Report {
  std::vector<Row> rows;  ///< without those whose batch size came down to another's
  std::shared_ptr<const ModelInfo> model;
};

/// Told of what is being done, to be shown while it is: "[3/6] batch-size=4 ...: loading".
using Progress = std::function<void(const std::string&)>;

/// Measures one setting after the other. Fails where none of them can be measured, with the first
/// one's reason; at once where another setting would not help.
Result<Report> measure(const Plan& plan, const Inputs& inputs, const Progress& progress);

/// Of the inputs that both rows have answers for, the part in which the best class is the same; 1
/// for none.
double agreement(const Row& row, const Row& reference);

}  // namespace torchinfer::bench
