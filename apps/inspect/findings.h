// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"
#include "engine/inspection.h"
#include "inspect/options.h"
#include "model/model_info.h"

namespace torchinfer::inspect {

/// All that a run of the program found out of a model.
struct Findings {
  std::string path, sha256;
  std::uint64_t bytes = 0;
  ModelReport report;
  std::optional<ModelInfo> info;
  std::string info_problem;           ///< why there is no info
  std::vector<std::string> warnings;  ///< the report's, and those that need the model info
  std::vector<std::pair<std::string, std::string>>
      listings;  ///< "graph", "code", "dot" and the text
  std::optional<ProbeReport> probe;
  std::optional<ProfileReport> profile;
};

/// Opens the model and does what the options ask for. Everything that the back-end's functions fail
/// with; a model info that is absent or wrong is a warning.
Result<Findings> look_into(const Options& options);

}  // namespace torchinfer::inspect
