// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/page.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <map>
#include <ostream>
#include <vector>

namespace torchinfer::bench {
namespace {

/// As printf() makes it; lines of a table are short.
[[gnu::format(printf, 1, 2)]] std::string format(const char* how, ...) {
  char text[256];
  va_list values;
  va_start(values, how);
  std::vsnprintf(text, sizeof text, how, values);
  va_end(values);
  return text;
}

double milliseconds(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

std::string latencies(const Histogram& latency) {
  return format("%8.1f %7.1f %7.1f", milliseconds(latency.percentile(0.5)),
                milliseconds(latency.percentile(0.95)), milliseconds(latency.percentile(0.99)));
}

std::string streams_of(const Plan& plan) {
  return format("%d %s of %g frames/s", plan.streams, plan.streams == 1 ? "stream" : "streams",
                plan.frame_rate);
}

std::string line_of(const Row& row) {
  const auto& setting = row.setting;
  const auto precision =
      row.status.ok() ? to_string(row.engine.facts.precision) : to_string(setting.precision);
  auto line = format("%5d %7d %7d  %-9s", setting.batch_size, setting.workers, setting.threads,
                     std::string(precision).c_str());
  if (!row.status.ok()) return line + "  cannot be measured: " + row.status.message();
  line += format(" %8.1f %6.1f", row.files.rate, row.files.cores) + latencies(row.files.latency);
  if (!row.cameras) return line + "   too slow for that";
  const auto& cameras = *row.cameras;
  line += latencies(cameras.latency) +
          format(" %6.1f %8llu", cameras.cores, static_cast<unsigned long long>(cameras.skipped));
  return line;
}

void print_table(std::ostream& out, const Findings& found) {
  const auto of_streams = "of " + streams_of(found.plan);
  out << format("\n%-32s  %-39s %s\n", "", "as fast as frames are taken", of_streams.c_str())
      << "batch workers threads precision  frames/s  cores     p50     p95  p99 ms"
         "     p50     p95  p99 ms  cores  skipped\n";
  const auto& rows = found.report.rows;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out << line_of(rows[i]) << (i == found.advice.row ? "  <-" : "") << '\n';
  for (const auto& row : rows)
    if (!row.note.empty()) {
      out << "batches of " << row.setting.batch_size << " at most: " << row.note << '\n';
      break;
    }
}

void print_answers(std::ostream& out, const Findings& found, const Row& reference) {
  if (reference.answers.empty()) return;
  std::map<std::string, int> counts;
  for (const auto& answer : reference.answers) ++counts[answer.label];
  std::vector<std::pair<std::string, int>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::ranges::greater(), [](const auto& c) { return c.second; });
  constexpr std::size_t kShown = 5;
  out << "\nBest classes of the inputs:";
  for (std::size_t i = 0; i < std::min(kShown, sorted.size()); ++i)
    out << (i == 0 ? " " : ", ") << sorted[i].second << " x " << sorted[i].first;
  out << (sorted.size() > kShown ? ", ...\n" : "\n");
  double least = 1.0;
  for (const auto& row : found.report.rows)
    if (row.status.ok()) least = std::min(least, agreement(row, reference));
  out << format("All settings give the same best class for %.1f %% of them or more.\n",
                100.0 * least);
}

void print_advice(std::ostream& out, const Findings& found, const Row& row) {
  const auto demand = found.plan.frame_rate * found.plan.streams;
  if (found.advice.keeps_up) {
    const auto& cameras = *row.cameras;
    out << "\nFor " << streams_of(found.plan)
        << format(" (latency p99 %.1f ms, %.1f of %d cores busy without decoding):\n\n",
                  milliseconds(cameras.latency.percentile(0.99)), cameras.cores, found.cores);
  } else {
    out << format(
        "\nNo setting keeps up with %s and leaves a fifth for decoding: the fastest does %.1f "
        "frames/s,\nand %.1f are wanted. This looks at every frame in %d:\n\n",
        streams_of(found.plan).c_str(), row.files.rate, demand, found.advice.inference_interval);
  }
  out << "  " << launch_line(row, found.advice, found.plan.model) << "\n\n";
}

}  // namespace

void print(std::ostream& out, const Findings& found) {
  const auto& row = found.report.rows[found.advice.row];
  const auto& engine = row.engine;
  out << "model    " << engine.model_path << ", sha256 " << engine.model_sha256.substr(0, 12)
      << "...\n"
      << "runtime  " << engine.facts.runtime << ", optimisation " << engine.facts.optimisation
      << ", " << found.cores << (found.cores == 1 ? " core\n" : " cores\n") << "inputs   "
      << found.inputs << "; decoding is not part of what is measured\n";
  print_table(out, found);
  const auto& rows = found.report.rows;
  const auto reference =
      std::ranges::find_if(rows, [](const Row& measured) { return measured.status.ok(); });
  print_answers(out, found, *reference);
  print_advice(out, found, row);
}

}  // namespace torchinfer::bench
