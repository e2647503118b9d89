// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <functional>
#include <string>

#include "core/status.h"

namespace torchinfer::shell {

/// What a command line may hold, and what --help says of it.
struct Usage {
  const char* summary;
  const char* description;
  const GOptionEntry* entries;
  GOptionGroup* group = nullptr;  ///< a library's own; taken
};

/// Fills what the entries point to. Empty, or what is wrong. Ends the process for --help.
std::string read_arguments(int argc, char** argv, const Usage& usage);

/// What main() does and returns: 0; 2 where `read` says what is wrong with the arguments; 1 where
/// `run` fails, either of them throws, or what was printed cannot be written. Says so in one line.
int run_program(const char* name, const std::function<std::string()>& read,
                const std::function<Status()>& run);

}  // namespace torchinfer::shell
