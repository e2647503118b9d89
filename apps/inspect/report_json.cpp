// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspect/report_json.h"

#include "inspect/words.h"

namespace torchinfer::inspect {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const InputSpec& input) {
  return {{"dtype", to_string(input.dtype)},
          {"layout", input.layout == Layout::kNhwc ? "nhwc" : "nchw"},
          {"channels", input.channels},
          {"height", input.height},
          {"width", input.width}};
}

Json to_json(const std::vector<OutputFacts>& outputs) {
  Json list = Json::array();
  for (const auto& output : outputs)
    list.push_back(
        {{"name", output.name}, {"dtype", to_string(output.dtype)}, {"dims", output.dims}});
  return list;
}

Json to_json(const PartFacts& part) {
  Json methods = Json::array();
  for (const auto& method : part.methods) methods.push_back(method.schema);
  return {{"path", part.path},
          {"type", part.type},
          {"parameters", part.parameters},
          {"parameter_bytes", part.parameter_bytes},
          {"buffers", part.buffers},
          {"buffer_bytes", part.buffer_bytes},
          {"methods", std::move(methods)}};
}

Json to_json(const ModelInfo& info) {
  Json outputs = Json::array();
  for (const auto& output : info.outputs)
    outputs.push_back(
        {{"name", output.name}, {"dtype", to_string(output.dtype)}, {"dims", output.dims}});
  return {{"source", info.source},
          {"name", info.name},
          {"activation", activation_name(info.decode.activation)},
          {"input", to_json(info.preprocess.input)},
          {"preprocessing", preprocess_text(info.preprocess)},
          {"outputs", std::move(outputs)},
          {"quantized_engine", info.quantized_engine},
          {"labels", info.labels}};
}

Json to_json(const ProbeReport& probe) {
  return {{"input", to_json(probe.input)},        {"outputs", to_json(probe.outputs)},
          {"repeatable", probe.repeatable},       {"largest_batch", probe.largest_batch},
          {"batch_problem", probe.batch_problem}, {"other_sizes", probe.other_sizes}};
}

Json to_json(const std::vector<ProfileLine>& lines) {
  Json list = Json::array();
  for (const auto& line : lines)
    list.push_back({{"name", line.name},
                    {"calls", line.calls},
                    {"self_ms", line.self_ms},
                    {"total_ms", line.total_ms}});
  return list;
}

Json to_json(const ProfileReport& profile) {
  Json forms = Json::array();
  for (const auto& form : profile.forms)
    forms.push_back({{"name", form.name},
                     {"forward_ms", form.forward_ms},
                     {"observed_ms", form.observed_ms},
                     {"operators", to_json(form.operators)},
                     {"modules", to_json(form.modules)}});
  return {{"input", to_json(profile.input)}, {"batch", profile.batch},
          {"threads", profile.threads},      {"runs", profile.runs},
          {"frames", profile.frames},        {"optimisation_problem", profile.optimisation_problem},
          {"forms", std::move(forms)}};
}

}  // namespace

Json to_json(const Findings& findings) {
  const auto& report = findings.report;
  Json json;
  json["file"] = {{"path", findings.path}, {"bytes", findings.bytes}, {"sha256", findings.sha256}};
  json["archive"] = {{"format", report.archive.version},
                     {"producer", report.archive.producer},
                     {"records", report.archive.records},
                     {"unpacked_bytes", report.archive.unpacked_bytes},
                     {"code_bytes", report.archive.code_bytes}};
  json["modules"] = Json::array();
  for (const auto& part : report.parts) json["modules"].push_back(to_json(part));
  json["dtypes"] = report.dtypes;
  json["constants"] = report.constants;
  json["operators"] = Json::object();
  for (const auto& [name, count] : report.operators) json["operators"][name] = count;
  json["devices"] = report.devices;
  json["model_info"] = findings.info ? to_json(*findings.info) : Json();
  json["missing_operators"] = report.missing_operators;
  json["warnings"] = findings.warnings;
  for (const auto& [form, text] : findings.listings) json[form] = text;
  if (findings.probe) json["probe"] = to_json(*findings.probe);
  if (findings.profile) json["profile"] = to_json(*findings.profile);
  return json;
}

Json to_json(const SystemPage& page) {
  Json facts = Json::object(), devices = Json::array();
  for (const auto& [name, value] : page.facts) facts[name] = value;
  for (const auto& device : page.devices)
    devices.push_back(
        {{"name", device.name}, {"usable", device.problem.empty()}, {"problem", device.problem}});
  return {{"facts", std::move(facts)}, {"devices", std::move(devices)}};
}

std::string print(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace torchinfer::inspect
