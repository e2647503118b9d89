// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspect/page.h"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <vector>

#include "inspect/words.h"

namespace torchinfer::inspect {
namespace {

constexpr int kKeyWidth = 12;
constexpr std::size_t kMostParts = 24, kMostOperators = 8, kMostLines = 40;

/// Writes "  key         text"; a second line of one key has no key.
void row(std::ostream& out, const std::string& key, const std::string& text) {
  out << "  " << std::left << std::setw(kKeyWidth) << key << text << '\n';
}

bool is_child(const PartFacts& part) {
  return !part.path.empty() && part.path.find('.') == part.path.npos;
}

void print_archive(std::ostream& out, const Findings& findings) {
  const auto& archive = findings.report.archive;
  row(out, "file", size_text(findings.bytes) + ", SHA-256 " + findings.sha256);
  row(out, "archive",
      "TorchScript, format " + std::to_string(archive.version) + ", written by " +
          archive.producer + " (by its records); " +
          grouped(static_cast<std::int64_t>(archive.records)) + " records, " +
          size_text(archive.unpacked_bytes) + " unpacked, " + size_text(archive.code_bytes) +
          " of code");
}

void print_parts(std::ostream& out, const ModelReport& report) {
  const auto& model = report.parts.front();
  std::string text = grouped(model.parameters) + " (" +
                     size_text(static_cast<std::uint64_t>(model.parameter_bytes)) + "), " +
                     grouped(model.buffers) + " numbers in buffers";
  if (report.constants > 0) text += ", " + grouped(report.constants) + " in the code";
  std::string types;
  for (const auto& [dtype, count] : report.dtypes)
    types += (types.empty() ? "; " : ", ") + grouped(count) + " " + dtype;
  row(out, "parameters", text + types);
  const auto children = std::ranges::count_if(report.parts, is_child);
  std::size_t shown = 0, width = 20;
  for (const auto& part : report.parts)
    if (is_child(part) && ++shown <= kMostParts) width = std::max(width, part.path.size());
  shown = 0;
  for (const auto& part : report.parts) {
    if (!is_child(part)) continue;
    if (++shown > kMostParts) {
      row(out, "",
          "... " + std::to_string(static_cast<std::size_t>(children) - kMostParts) +
              " more (--tree)");
      break;
    }
    std::ostringstream line;
    line << std::left << std::setw(static_cast<int>(width)) << part.path << std::right
         << std::setw(14) << grouped(part.parameters) << "  " << part.type;
    row(out, "", line.str());
  }
}

void print_code(std::ostream& out, const ModelReport& report) {
  if (report.parts.empty()) return;
  const auto& model = report.parts.front();
  row(out, "model",
      model.type + ", " + grouped(static_cast<std::int64_t>(report.parts.size())) +
          (report.parts.size() == 1 ? " module" : " modules"));
  std::string key = "methods";
  for (const auto& method : model.methods) {
    row(out, key, method.schema);
    key.clear();
  }
  print_parts(out, report);
  std::string text;
  for (std::size_t i = 0; i < std::min(kMostOperators, report.operators.size()); ++i) {
    auto name = report.operators[i].first;
    if (name.starts_with("aten::")) name.erase(0, 6);
    text += (i == 0 ? "" : ", ") + std::to_string(report.operators[i].second) + " " + name;
  }
  if (report.operators.size() > kMostOperators)
    text += ", " + std::to_string(report.operators.size() - kMostOperators) + " other kinds";
  if (!text.empty()) row(out, "operators", text);
  std::string devices;
  for (const auto& device : report.devices) devices += (devices.empty() ? "" : ", ") + device;
  if (!devices.empty()) row(out, "devices", devices + " (constants in the code)");
}

void print_info(std::ostream& out, const Findings& findings) {
  if (!findings.info) {
    row(out, "model info", "none");
    return;
  }
  const auto& info = *findings.info;
  row(out, "model info",
      info.source + ": " + info.name + ", classification, " +
          std::string(activation_name(info.decode.activation)));
  row(out, "input", input_text(info.preprocess.input));
  row(out, "", preprocess_text(info.preprocess));
  std::string key = "outputs";
  for (const auto& output : info.outputs) {
    row(out, key, output_text(output.name, output.dtype, output.dims));
    key.clear();
  }
  if (!info.quantized_engine.empty()) row(out, "quantised", "for " + info.quantized_engine);
  const auto& labels = info.labels;
  if (labels.empty())
    row(out, "labels", "none");
  else
    row(out, "labels",
        grouped(static_cast<std::int64_t>(labels.size())) + ": " + labels.front() + " ... " +
            labels.back());
}

void print_probe(std::ostream& out, const ProbeReport& probe) {
  row(out, "probed with", input_text(probe.input) + ", noise");
  std::string key = "  outputs";
  for (const auto& output : probe.outputs) {
    row(out, key, output_text(output.name, output.dtype, output.dims) + " for one image");
    key.clear();
  }
  row(out, "  batches",
      probe.largest_batch == 3 ? "of 1, 2 and 3 give the same rows"
                               : "of more than " + std::to_string(probe.largest_batch) + " fail");
  row(out, "  sizes", probe.other_sizes ? "images of another size run too" : "this size only");
}

bool is_below(const std::string& path, const std::string& module) {
  return module.empty() || path == module || path.starts_with(module + ".");
}

void print_table(std::ostream& out, const std::string& title, const ProfiledForm& form,
                 const std::vector<const ProfileLine*>& lines, bool total) {
  std::size_t width = title.size();
  for (const auto* line : lines) width = std::max(width, line->name.size());
  width = std::min<std::size_t>(width, 48);
  const int name_width = static_cast<int>(width);
  out << "  " << std::left << std::setw(name_width) << title << std::right << std::setw(9)
      << "calls" << std::setw(11) << (total ? "ms" : "self ms") << std::setw(8) << "%" << '\n';
  for (const auto* line : lines) {
    const double time = total ? line->total_ms : line->self_ms;
    const auto percent = form.observed_ms > 0.0 ? 100.0 * time / form.observed_ms : 0.0;
    out << "  " << std::left << std::setw(name_width) << line->name << std::right << std::fixed
        << std::setprecision(1) << std::setw(9) << line->calls << std::setprecision(3)
        << std::setw(11) << time << std::setprecision(1) << std::setw(8) << percent << '\n';
  }
}

void print_form(std::ostream& out, const ProfiledForm& form, const std::string& module) {
  out << '\n'
      << form.name << ": " << std::fixed << std::setprecision(2) << form.forward_ms
      << " ms a forward\n";
  std::vector<const ProfileLine*> lines;
  for (const auto& line : form.operators)
    if (lines.size() < kMostLines) lines.push_back(&line);
  print_table(out, "operator", form, lines, false);
  lines.clear();
  for (const auto& line : form.modules)
    if (!line.name.empty() && is_below(line.name, module)) lines.push_back(&line);
  if (lines.empty()) return;
  // The dearest, in the tree's order.
  if (lines.size() > kMostLines) {
    auto by_time = lines;
    std::ranges::sort(by_time, std::greater(), [](const auto* line) { return line->total_ms; });
    const double least = by_time[kMostLines - 1]->total_ms;
    std::erase_if(lines, [&](const auto* line) { return line->total_ms < least; });
  }
  print_table(out, "module, with what is below", form, lines, true);
}

}  // namespace

void print_page(std::ostream& out, const Findings& findings) {
  out << findings.path << '\n';
  print_archive(out, findings);
  print_code(out, findings.report);
  print_info(out, findings);
  if (findings.probe) print_probe(out, *findings.probe);
  std::string key = "missing";
  for (const auto& name : findings.report.missing_operators) {
    row(out, key, name + " is no operator of this libtorch");
    key.clear();
  }
  key = "warnings";
  for (const auto& warning : findings.warnings) {
    row(out, key, "- " + warning);
    key.clear();
  }
  if (findings.warnings.empty()) row(out, "warnings", "none");
}

Status print_tree(std::ostream& out, const Findings& findings, const std::string& module) {
  if (!findings.report.load.ok()) return findings.report.load;
  bool found = false;
  const auto base = module.empty() ? 0 : std::ranges::count(module, '.') + 1;
  for (const auto& part : findings.report.parts) {
    if (!is_below(part.path, module)) continue;
    found = true;
    const auto depth = part.path.empty() ? 0 : std::ranges::count(part.path, '.') + 1 - base;
    const auto name =
        part.path.empty() ? std::string("(model)") : part.path.substr(part.path.rfind('.') + 1);
    std::ostringstream line;
    line << std::string(static_cast<std::size_t>(2 * depth), ' ') << name;
    out << std::left << std::setw(28) << line.str() << std::right << std::setw(14)
        << grouped(part.parameters) << "  " << part.type << '\n';
  }
  if (found) return {};
  return {Code::kInvalidArgument, findings.path + ": there is no module \"" + module + "\""};
}

void print_profile(std::ostream& out, const Findings& findings, const std::string& module) {
  const auto& profile = *findings.profile;
  out << findings.path << '\n'
      << "  " << profile.runs << " forwards of " << profile.batch
      << (profile.batch == 1 ? " frame" : " frames") << ", " << profile.threads
      << (profile.threads == 1 ? " thread" : " threads") << "; " << input_text(profile.input)
      << "; ";
  if (profile.frames == 0)
    out << "noise\n";
  else
    out << profile.frames << " frames of the clip\n";
  for (const auto& form : profile.forms) print_form(out, form, module);
  if (!profile.optimisation_problem.empty())
    out << "\nno optimised form: " << profile.optimisation_problem << '\n';
}

}  // namespace torchinfer::inspect
