// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <iosfwd>
#include <string>

#include "bench/advice.h"
#include "bench/measure.h"

namespace torchinfer::bench {

/// All that can be said of a run. Refers to what it is made of.
struct Findings {
  const Plan& plan;
  const Report& report;
  const Advice& advice;
  std::string inputs;  ///< Inputs::description()
  int cores = 1;       ///< that the process may use
};

/// A page for people: the model, a table of the settings, and what to copy.
void print(std::ostream& out, const Findings& found);

/// The same for programs; docs/performance.md describes it.
std::string to_json(const Findings& found);

}  // namespace torchinfer::bench
