// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "bench/measure.h"
#include "bench/settings.h"
#include "core/status.h"

namespace torchinfer::bench {

/// What the command line asks for.
struct Options {
  Plan plan;
  Choices choices;
  int width = 1920, height = 1080;  ///< of the frames
  std::string replay;               ///< a file of inputs; empty: frames are made
  std::string json;                 ///< files to write; empty: none
  std::string chart;
  bool quiet = false;  ///< no progress
  bool help = false;   ///< it has been printed, and nothing else is to be done
};

/// kInvalidArgument for wrong usage. Takes what it knows out of the arguments.
Result<Options> parse_options(int argc, char** argv);

}  // namespace torchinfer::bench
