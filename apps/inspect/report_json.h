// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json.hpp>

#include "inspect/findings.h"
#include "inspect/system_page.h"

namespace torchinfer::inspect {

// All that the pages say, and the whole of what they shorten. Texts of a file that are no UTF-8 are
// kept readable, not exact.

nlohmann::ordered_json to_json(const Findings& findings);
nlohmann::ordered_json to_json(const SystemPage& page);

/// With two spaces of indentation and a newline at the end.
std::string print(const nlohmann::ordered_json& value);

}  // namespace torchinfer::inspect
