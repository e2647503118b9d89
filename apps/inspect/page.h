// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ostream>
#include <string>

#include "inspect/findings.h"

namespace torchinfer::inspect {

/// The page on a model.
void print_page(std::ostream& out, const Findings& findings);

/// The tree below `module`, a line each; its error names what there is.
Status print_tree(std::ostream& out, const Findings& findings, const std::string& module);

/// A profile's tables.
void print_profile(std::ostream& out, const Findings& findings, const std::string& module);

}  // namespace torchinfer::inspect
