// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/runtime_report.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <utility>

#include "torch/runtime.h"

namespace torchinfer {
namespace {

/// The first line of a text that holds `word`, without the marks that begin it.
std::string line_with(const std::string& text, const std::string& word) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.find(word) != line.npos)
      return line.substr(std::min(line.size(), line.find_first_not_of(" \t-")));
  return {};
}

std::string libtorch_path() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&at::show_config), &info) == 0) return "unknown";
  std::error_code error;
  const auto path = std::filesystem::canonical(info.dli_fname, error);
  return error ? info.dli_fname : path.string();
}

std::string cuda_problem() {
  std::string problem = "this build has no CUDA support";
  std::error_code error;
  problem += at::hasCUDA() ? "; libtorch has" : ", and libtorch has none";
  problem += std::filesystem::exists("/dev/nvidiactl", error)
                 ? "; an NVIDIA driver is there"
                 : "; there is no NVIDIA driver either (/dev/nvidiactl)";
  return problem;
}

}  // namespace

RuntimeReport report_runtime() {
  RuntimeReport report;
  const auto add = [&](std::string name, std::string value) {
    if (!value.empty()) report.facts.emplace_back(std::move(name), std::move(value));
  };
  add("libtorch", TORCH_VERSION);
  add("libtorch file", libtorch_path());
  add("CPU capability", at::get_cpu_capability());
  add("oneDNN", at::get_mkldnn_version());
  const auto config = at::show_config();
  add("MKL", line_with(config, "Math Kernel Library"));
  add(
      "BLAS", line_with(config, "BLAS_INFO").empty() ? "" : [&] {
        const auto line = line_with(config, "BLAS_INFO");
        const auto from = line.find("BLAS_INFO=") + 10;
        return line.substr(from, line.find_first_of(", ", from) - from);
      }());
  add("parallelism", line_with(at::get_parallel_info(), "ATen parallel backend"));
  add("threads", std::to_string(at::get_num_threads()) + " within an operator by default");
  add("quantised engines", supported_engines());
  report.devices = {
      {"cpu", {}},
      {"cpu, precision bf16", check_bfloat16().message()},
      {"cpu, precision fp16", check_float16().message()},
      {"cuda", cuda_problem()},
  };
  return report;
}

}  // namespace torchinfer
