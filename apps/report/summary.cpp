// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/summary.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <map>
#include <ostream>

namespace torchinfer::report {
namespace {

/// `values` sorted and not empty; `share` in 0..1.
double percentile(const std::vector<double>& values, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

double seconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e9; }

/// Gathers what the analyses of all frames say.
class Tally {
 public:
  void add(const Analysis& analysis) {
    if (analysis.latency_ns) latencies_.push_back(seconds(*analysis.latency_ns) * 1e3);
    if (analysis.batch) batches_[{analysis.model, analysis.batch->id}] = analysis.batch->size;
    if (!analysis.model.empty() &&
        std::find(models_.begin(), models_.end(), analysis.model) == models_.end()) {
      models_.push_back(analysis.model);
    }
    if (!analysis.classes.empty()) {
      auto& [count, score] = labels_[analysis.classes.front().label];
      ++count;
      score += analysis.classes.front().score;
    }
  }

  void finish(Summary& summary) {
    summary.models = std::move(models_);
    summary.batches = batches_.size();
    double sum = 0.0;
    for (const auto& [key, size] : batches_) {
      sum += static_cast<double>(size);
      summary.largest_batch = std::max(summary.largest_batch, size);
    }
    if (!batches_.empty()) summary.mean_batch_size = sum / static_cast<double>(batches_.size());
    if (!latencies_.empty()) {
      std::sort(latencies_.begin(), latencies_.end());
      summary.latency = Latency{percentile(latencies_, 0.5), percentile(latencies_, 0.95),
                                percentile(latencies_, 0.99), latencies_.back()};
    }
    for (const auto& [label, tally] : labels_) {
      summary.labels.push_back(
          {label, tally.first, tally.second / static_cast<double>(tally.first)});
    }
    std::stable_sort(summary.labels.begin(), summary.labels.end(),
                     [](const LabelCount& a, const LabelCount& b) { return a.count > b.count; });
  }

 private:
  std::vector<double> latencies_;
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> batches_;
  std::vector<std::string> models_;
  std::map<std::string, std::pair<std::size_t, double>> labels_;
};

}  // namespace

Summary summarise(const std::vector<Frame>& frames) {
  Summary summary;
  summary.frames = frames.size();
  summary.width = frames.front().width;
  summary.height = frames.front().height;
  Tally tally;
  for (const Frame& frame : frames) {
    if (frame.analysed) ++summary.analysed;
    for (const Analysis& analysis : frame.analyses) tally.add(analysis);
    for (const Analysis& analysis : frame.object_analyses) tally.add(analysis);
  }
  tally.finish(summary);

  const double count = static_cast<double>(frames.size());
  const Frame& first = frames.front();
  const Frame& last = frames.back();
  if (frames.size() > 1) {
    if (first.stream_time && last.stream_time && *last.stream_time > *first.stream_time) {
      summary.video_seconds = seconds(*last.stream_time - *first.stream_time) * count / (count - 1);
    }
    if (first.wall_clock && last.wall_clock && *last.wall_clock > *first.wall_clock) {
      summary.run_seconds =
          seconds(static_cast<std::uint64_t>(*last.wall_clock - *first.wall_clock));
    }
  }
  return summary;
}

void print(std::ostream& out, const std::string& title, const Summary& summary,
           std::size_t label_count) {
  const auto flags = out.flags();
  out << title << '\n' << std::fixed << std::setprecision(1);
  out << "  frames   " << summary.frames << " of " << summary.width << "x" << summary.height << ", "
      << summary.analysed << " analysed";
  if (summary.video_seconds) out << ", " << *summary.video_seconds << " s of video";
  out << '\n';
  if (summary.run_seconds) {
    out << "  speed    " << static_cast<double>(summary.frames - 1) / *summary.run_seconds
        << " frames/s from first to last\n";
  }
  if (summary.batches > 0) {
    out << "  batches  " << summary.batches << ", mean size " << summary.mean_batch_size
        << ", largest " << summary.largest_batch << '\n';
    if (summary.largest_batch == 1) {
      out << "           (one frame each: batch-size was 1, set or found to be the best by the "
             "self-test, or frames came singly)\n";
    }
  }
  if (summary.latency) {
    out << "  latency  p50 " << summary.latency->p50 << ", p95 " << summary.latency->p95 << ", p99 "
        << summary.latency->p99 << ", most " << summary.latency->most
        << " ms from submission to result\n";
  }
  for (const std::string& model : summary.models) {
    out << "  model    SHA-256 begins " << model << '\n';
  }
  const char* head = "  labels   ";
  for (std::size_t i = 0; i < std::min(label_count, summary.labels.size()); ++i) {
    const LabelCount& label = summary.labels[i];
    out << head << label.count << " x " << label.label << " (mean score " << std::setprecision(2)
        << label.mean_score << ")\n";
    head = "           ";
  }
  if (summary.labels.size() > label_count) {
    out << head << "and " << summary.labels.size() - label_count << " more\n";
  }
  out.flags(flags);
}

}  // namespace torchinfer::report
