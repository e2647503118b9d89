// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspect/findings.h"

#include <gst/gst.h>

#include <algorithm>

#include "engine/module.h"
#include "frames/model_frames.h"
#include "model/model_file.h"

namespace torchinfer::inspect {
namespace {

std::optional<InputSpec> said_input(const Findings& findings) {
  if (!findings.info) return std::nullopt;
  return findings.info->preprocess.input;
}

void resolve_info(const Options& options, const ArchiveFacts& archive, Findings& findings) {
  auto info = resolve_model_info(
      {options.model, options.model_info_file, options.label_file, &archive.extra_files, false});
  if (!info) {
    findings.info_problem = info.status().message();
    return;
  }
  findings.info = std::move(*info);
}

void add_warnings(Findings& findings) {
  auto& warnings = findings.warnings;
  const auto& report = findings.report;
  if (!report.load.ok()) warnings.push_back("libtorch cannot load it: " + report.load.message());
  warnings.insert(warnings.end(), report.warnings.begin(), report.warnings.end());
  if (!findings.info)
    warnings.push_back("torchinference cannot use it: " + findings.info_problem);
  else if (findings.info->labels.empty())
    warnings.push_back("it has no labels: classes will be known by number only");
  if (findings.probe && !findings.probe->batch_problem.empty())
    warnings.push_back("it takes batches of at most " +
                       std::to_string(findings.probe->largest_batch) + ": " +
                       findings.probe->batch_problem);
  if (findings.probe && !findings.probe->repeatable)
    warnings.push_back("it gives different answers for the same image");
}

/// With the model's name in front, which what the model itself says lacks.
Status of_the_model(const Options& options, const Status& status) {
  return {status.code(), options.model + ": " + status.message(), status.detail()};
}

Status list(const Options& options, const Inspection& model, Findings& findings) {
  using Form = ListingRequest::Form;
  const std::pair<bool, std::pair<const char*, Form>> wanted[] = {
      {options.graph, {"graph", Form::kGraph}},
      {options.code, {"code", Form::kCode}},
      {options.dot, {"dot", Form::kDot}},
  };
  for (const auto& [is_wanted, form] : wanted) {
    if (!is_wanted) continue;
    auto text = model.listing({form.second, options.module, options.method, options.inlined});
    if (!text) return of_the_model(options, text.status());
    findings.listings.emplace_back(form.first, std::move(*text));
  }
  return {};
}

/// list() has said which there are where that was asked for.
Status check_module(const Options& options, const ModelReport& report) {
  const auto is_it = [&](const PartFacts& part) { return part.path == options.module; };
  if (report.parts.empty() || std::ranges::any_of(report.parts, is_it)) return {};
  return {Code::kInvalidArgument,
          options.model + ": there is no module \"" + options.module + "\"; --tree lists all"};
}

/// Some of a clip, as torchinference would hand them to the model.
Result<std::vector<std::vector<std::byte>>> read_frames(const std::string& clip,
                                                        const PreprocessParams& params) {
  constexpr std::size_t most = 64;
  GError* error = nullptr;
  if (!gst_init_check(nullptr, nullptr, &error)) {
    const std::string reason = error == nullptr ? "no reason given" : error->message;
    g_clear_error(&error);
    return Status(Code::kUnreadable, "GStreamer does not start: " + reason);
  }
  auto frames = frames::read_model_frames(clip, params, most);
  if (!frames) return frames.status();
  return std::move(frames->items);
}

Status profile(const Options& options, Inspection& model, Findings& findings) {
  ProfileRequest request;
  if (findings.info) {
    request.input = findings.info->preprocess.input;
  } else if (!options.frames.empty()) {
    return {Code::kBadModelInfo,
            "--frames needs to know how the model wants them: " + findings.info_problem};
  } else {
    const auto probe = model.probe({});
    if (!probe) return of_the_model(options, probe.status());
    request.input = probe->input;
  }
  request.batch = options.batch;
  request.threads = options.threads;
  request.runs = options.runs;
  if (!options.frames.empty()) {
    auto frames = read_frames(options.frames, findings.info->preprocess);
    if (!frames) return frames.status();
    request.items = std::move(*frames);
  }
  auto report = model.profile(request);
  if (!report) return of_the_model(options, report.status());
  findings.profile = std::move(*report);
  return {};
}

}  // namespace

Result<Findings> look_into(const Options& options) {
  const ModelCaps caps;
  const auto file = read_model_file(options.model, {}, caps);
  if (!file) return file.status();
  const auto back_end = open_back_end();
  if (!back_end) return back_end.status();
  auto* inspector = (*back_end)->inspector();
  if (inspector == nullptr)
    return Status(Code::kUnsupported, "the back-end module cannot look into models");

  Findings findings;
  findings.path = file->path;
  findings.sha256 = file->sha256;
  findings.bytes = file->bytes->size();
  const auto archive = (*back_end)->inspect(*file, caps);
  if (!archive) return archive.status();
  resolve_info(options, *archive, findings);
  auto model =
      inspector->open(*file, caps, findings.info ? findings.info->quantized_engine : std::string());
  if (!model) return model.status();
  findings.report = (*model)->report();
  if (auto status = list(options, **model, findings); !status.ok()) return status;
  if (auto status = check_module(options, findings.report); !status.ok()) return status;
  if (options.probe) {
    auto probe = (*model)->probe(said_input(findings));
    if (!probe) return of_the_model(options, probe.status());
    findings.probe = std::move(*probe);
  }
  if (options.profile)
    if (auto status = profile(options, **model, findings); !status.ok()) return status;
  add_warnings(findings);
  return findings;
}

}  // namespace torchinfer::inspect
