// SPDX-License-Identifier: LGPL-2.1-or-later
// gst-torch-bench: measures a model in several settings and says which of them to take.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <sstream>
#include <utility>

#include "bench/advice.h"
#include "bench/chart.h"
#include "bench/inputs.h"
#include "bench/measure.h"
#include "bench/options.h"
#include "bench/page.h"
#include "engine/cpu_budget.h"
#include "shell/output.h"
#include "shell/program.h"

namespace torchinfer::bench {
namespace {

/// What is being done, in one line that changes on a terminal, and line after line elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const std::string& text) {
    if (quiet_) return;
    clear();
    std::cerr << text << (terminal_ ? "" : "\n") << std::flush;
    shown_ = terminal_;
  }
  void clear() {
    if (std::exchange(shown_, false)) std::cerr << "\r\33[K";
  }

 private:
  const bool quiet_, terminal_;
  bool shown_ = false;
};

Status unwritable(const std::string& path) {
  return {Code::kUnreadable, path + " cannot be written"};
}

/// Found out before minutes have been spent.
Status check_outputs(const Options& options) {
  if (!options.chart.empty() && !cv::haveImageWriter(options.chart))
    return {Code::kInvalidArgument,
            options.chart + ": no picture format that is known; name it .png"};
  for (const auto& path : {options.json, options.chart}) {
    if (path.empty()) continue;
    const auto& model = options.plan.model;
    if (auto status = shell::check_output(
            path, {model.model_file, model.model_info_file, model.label_file, options.replay});
        !status.ok())
      return status;
    const bool existed = std::filesystem::exists(path);
    if (!std::ofstream(path, std::ios::app)) return unwritable(path);
    if (!existed) std::filesystem::remove(path);
  }
  return {};
}

Result<std::unique_ptr<Inputs>> inputs_of(const Options& options) {
  if (!options.replay.empty()) return open_dump(options.replay);
  return make_frames(options.width, options.height);
}

Status write(const Options& options, const Findings& found) {
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    if (!(file << to_json(found) << std::flush)) return unwritable(options.json);
  }
  if (!options.chart.empty() && !cv::imwrite(options.chart, make_chart(found)))
    return unwritable(options.chart);
  return {};
}

Status run(Options options) {
  if (options.help) return {};
  if (auto status = check_outputs(options); !status.ok()) return status;
  const auto inputs = inputs_of(options);
  if (!inputs) return inputs.status();
  const int cores = available_cores();
  options.plan.settings = settings_of(options.choices, cores);

  ProgressLine line(options.quiet);
  const auto report =
      measure(options.plan, **inputs, [&](const std::string& text) { line.show(text); });
  line.clear();
  if (!report) return report.status();
  const auto advice = advise(report->rows, options.plan.streams, options.plan.frame_rate);
  const Findings done{options.plan, *report, advice, (*inputs)->description(), cores};
  std::ostringstream page;
  print(page, done);
  std::cout << shell::printable(page.str()) << std::flush;
  return write(options, done);
}

}  // namespace
}  // namespace torchinfer::bench

int main(int argc, char** argv) {
  using namespace torchinfer;
  bench::Options options;
  const auto read = [&]() -> std::string {
    auto parsed = bench::parse_options(argc, argv);
    if (!parsed) return parsed.status().message();
    options = *std::move(parsed);
    return {};
  };
  return shell::run_program("gst-torch-bench", read,
                            [&] { return bench::run(std::move(options)); });
}
