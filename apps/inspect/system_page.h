// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "engine/inspection.h"

namespace torchinfer::inspect {

/// What a bug report needs of the machine and what is installed there.
struct SystemPage {
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<DeviceFacts> devices;
  bool usable = true;  ///< whether the back-end module could be opened
};

/// Opens the back-end module and starts GStreamer.
SystemPage describe_system();

void print_system(std::ostream& out, const SystemPage& page);

}  // namespace torchinfer::inspect
