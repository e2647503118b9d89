// SPDX-License-Identifier: LGPL-2.1-or-later
// gst-torch-inspect: what a TorchScript model is, and what this system runs models with.

#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>
#ifdef HAVE_OPENCV
#include <opencv2/imgcodecs.hpp>
#endif

#include "inspect/bounded.h"
#ifdef HAVE_OPENCV
#include "inspect/chart.h"
#endif
#include "inspect/findings.h"
#include "inspect/options.h"
#include "inspect/page.h"
#include "inspect/report_json.h"
#include "inspect/system_page.h"
#include "shell/output.h"

namespace torchinfer::inspect {
namespace {

#ifdef HAVE_OPENCV
/// Found out before minutes have been spent.
Status check_chart(const Options& options) {
  const auto& path = options.chart;
  if (path.empty()) return {};
  if (!cv::haveImageWriter(path))
    return {Code::kInvalidArgument, path + ": no picture format that is known; name it .png"};
  return shell::check_output(
      path, {options.model, options.frames, options.model_info_file, options.label_file});
}
Status write_chart(const std::string& path, const Findings& findings) {
  if (cv::imwrite(path, draw_profile(findings.path, *findings.profile))) return {};
  return {Code::kUnreadable, path + " cannot be written"};
}
#else
Status check_chart(const Options& options) {
  if (options.chart.empty()) return {};
  return {Code::kUnsupported, "--chart: this build has no OpenCV to draw with"};
}
Status write_chart(const std::string&, const Findings&) { return {}; }
#endif

/// Everything that the options ask for of a model, as text.
Status print_model(std::ostream& out, const Options& options, const Findings& findings) {
  if (options.tree)
    if (auto status = print_tree(out, findings, options.module); !status.ok()) return status;
  bool first = !options.tree;
  for (const auto& [form, text] : findings.listings) {
    if (!first) out << "\n";
    first = false;
    out << text;
  }
  if (options.profile) print_profile(out, findings, options.module);
  if (!options.profile && !options.lists()) print_page(out, findings);
  return {};
}

Status run(const Options& options, std::ostream& out, bool& loads) {
  if (auto status = check_chart(options); !status.ok()) return status;
  nlohmann::ordered_json json;
  if (options.system) {
    const auto page = describe_system();
    loads = page.usable;
    if (options.json)
      json["system"] = to_json(page);
    else
      print_system(out, page);
  }
  if (!options.model.empty()) {
    const auto findings = look_into(options);
    if (!findings) return findings.status();
    loads = loads && findings->report.load.ok();
    if (!options.chart.empty())
      if (auto status = write_chart(options.chart, *findings); !status.ok()) return status;
    if (options.json) {
      auto model = to_json(*findings);
      json.update(model);
    } else {
      if (options.system) out << '\n';
      if (auto status = print_model(out, options, *findings); !status.ok()) return status;
    }
  }
  if (options.json) out << print(json);
  return {};
}

/// In the bounded process. What cannot be done is one line; nothing half printed comes before it.
int work(const Options& options) {
  try {
    std::ostringstream out;
    bool loads = true;
    const auto status = run(options, out, loads);
    if (!status.ok()) {
      std::cerr << "gst-torch-inspect: " << status.message() << '\n';
      return 1;
    }
    const auto text = options.json ? out.str() : shell::printable(out.str());
    if (!(std::cout << text << std::flush))
      throw std::runtime_error("what was found cannot be written");
    return loads ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "gst-torch-inspect: " << error.what() << '\n';
    return 1;
  }
}

Bounds bounds_of(const Options& options) {
  Bounds bounds;
  bounds.seconds = options.time_limit > 0 ? options.time_limit : options.profile ? 600 : 60;
  std::error_code error;
  const auto size = std::filesystem::file_size(options.model, error);
  if (options.memory_limit > 0)
    bounds.memory_bytes = static_cast<std::uint64_t>(options.memory_limit) << 20;
  else if (!error)
    bounds.memory_bytes += 3 * std::min<std::uint64_t>(size, std::uint64_t{4} << 30);
  return bounds;
}

int main_of(int argc, char** argv) {
  Options options;
  std::string problem;
  switch (parse(argc, argv, options, problem)) {
    case Parsed::kDone: return 0;
    case Parsed::kWrong:
      std::cerr << "gst-torch-inspect: " << problem << " (--help explains)\n";
      return 2;
    case Parsed::kRun: break;
  }
  const auto ending = run_bounded(bounds_of(options), [&] { return work(options); });
  if (!ending.problem.empty())
    std::cerr << "gst-torch-inspect: " << options.model << (options.model.empty() ? "" : ": ")
              << ending.problem << '\n';
  return ending.exit_status;
}

}  // namespace
}  // namespace torchinfer::inspect

int main(int argc, char** argv) {
  try {
    return torchinfer::inspect::main_of(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "gst-torch-inspect: " << error.what() << '\n';
    return 1;
  }
}
