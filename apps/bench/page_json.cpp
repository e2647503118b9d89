// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/page.h"

namespace torchinfer::bench {
namespace {

using Json = nlohmann::ordered_json;

double milliseconds(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

Json times_of(const Histogram& times) {
  return {{"count", times.count()},
          {"p50", milliseconds(times.percentile(0.5))},
          {"p95", milliseconds(times.percentile(0.95))},
          {"p99", milliseconds(times.percentile(0.99))},
          {"max", milliseconds(times.max())}};
}

Json outcome_of(const Outcome& outcome) {
  return {{"frames_per_second", outcome.rate},
          {"frames", outcome.frames},
          {"skipped", outcome.skipped},
          {"latency_ms", times_of(outcome.latency)},
          {"cores", outcome.cores},
          {"mean_batch_size", outcome.mean_batch}};
}

Json row_of(const Row& row, const Row& reference) {
  Json json{{"batch_size", row.setting.batch_size},
            {"workers", row.setting.workers},
            {"threads", row.setting.threads},
            {"precision", to_string(row.setting.precision)},
            {"measured", row.status.ok()}};
  if (!row.status.ok()) {
    json["reason"] = row.status.message();
    return json;
  }
  const auto& facts = row.engine.facts;
  json["runs_in"] = to_string(facts.precision);
  json["batch_size_reason"] = row.note;
  json["optimisation"] = facts.optimisation;
  json["optimisation_reason"] = facts.optimisation_reason;
  json["self_test_difference"] = facts.self_test_difference;
  json["load_ms"] = milliseconds(row.load_time);
  json["preprocess_ms"] = times_of(row.files.preprocess);
  json["as_files"] = outcome_of(row.files);
  json["as_cameras"] = row.cameras ? outcome_of(*row.cameras) : Json();
  if (!row.answers.empty()) json["agreement"] = agreement(row, reference);
  return json;
}

}  // namespace

std::string to_json(const Findings& found) {
  const auto& rows = found.report.rows;
  const auto& best = rows[found.advice.row];
  const auto& reference =
      *std::ranges::find_if(rows, [](const Row& row) { return row.status.ok(); });
  Json json{{"schema_version", "1.0"},
            {"model",
             {{"file", best.engine.model_path},
              {"sha256", best.engine.model_sha256},
              {"name", found.report.model->name}}},
            {"runtime", best.engine.facts.runtime},
            {"cores", found.cores},
            {"inputs", found.inputs},
            {"streams", found.plan.streams},
            {"frames_per_second", found.plan.frame_rate},
            {"seconds", milliseconds(found.plan.time) / 1e3},
            {"settings", Json::array()}};
  for (const auto& row : rows) json["settings"].push_back(row_of(row, reference));
  json["recommended"] = {{"setting", found.advice.row},
                         {"keeps_up", found.advice.keeps_up},
                         {"inference_interval", found.advice.inference_interval},
                         {"launch", launch_line(best, found.advice, found.plan.model)}};
  if (!reference.answers.empty()) {
    auto& answers = json["answers"] = Json::array();
    for (const auto& answer : reference.answers)
      answers.push_back({{"label", answer.label}, {"score", answer.score}});
  }
  // Names of files need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace torchinfer::bench
