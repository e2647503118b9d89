// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace torchinfer::inspect {

/// What is asked for; the fields are the options of the command line.
struct Options {
  std::string model;  ///< empty with --system alone
  std::string module, method = "forward";
  bool graph = false, code = false, inlined = false, dot = false, tree = false;
  bool probe = false, profile = false, json = false, system = false;
  std::string frames, chart;
  int runs = 20, batch = 1, threads = 1;
  std::string model_info_file, label_file;
  int time_limit = 0;    ///< seconds; 0 = 60, with --profile 600
  int memory_limit = 0;  ///< MiB; 0 = 4096 and three times the file

  bool lists() const { return graph || code || dot || tree; }
};

enum class Parsed : unsigned char { kRun, kDone, kWrong };

/// Reads the command line. kDone: help or the version was printed; kWrong: `problem` says why.
Parsed parse(int argc, char** argv, Options& options, std::string& problem);

}  // namespace torchinfer::inspect
