// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/measure.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace torchinfer::bench {
namespace {

using Sessions = std::vector<std::unique_ptr<Session>>;

constexpr Duration kLongestWarmUp = std::chrono::seconds(1);

Answer answer_of(const ItemResult& item, const ModelInfo& model) {
  if (item.classes.empty()) return {};
  const auto& best = item.classes.front();
  const auto index = static_cast<std::size_t>(best.index);
  return {index < model.labels.size() ? model.labels[index] : std::to_string(best.index),
          best.score};
}

/// What the model says of each input once.
Result<std::vector<Answer>> ask(Session& session, const Inputs& inputs) {
  std::vector<Answer> answers;
  std::deque<std::shared_ptr<FrameResult>> frames;
  Status status;
  const auto read = [&] {
    while (!frames.empty() && frames.front()->complete()) {
      const auto& item = frames.front()->items.front();
      if (status.ok()) status = item.status;
      answers.push_back(answer_of(item, *session.model()));
      frames.pop_front();
    }
  };
  session.configure(settings_of(Load{}));
  for (std::size_t i = 0; i < inputs.count() && status.ok(); ++i) {
    if (!session.wait_credit()) return session.engine_status();
    auto frame = inputs.submit(session, i);
    if (!frame) return frame.status();
    frames.push_back(*std::move(frame));
    read();
  }
  session.drain();
  read();
  if (!status.ok()) return status;
  return answers;
}

/// Whether another setting may do what this one could not.
bool is_of_the_setting(const Status& status, const Setting& setting) {
  if (status.code() == Code::kOutOfMemory) return true;
  return status.code() == Code::kUnsupported && setting.precision != Precision::kAuto;
}

/// All settings of a plan, one after the other.
class Measurement {
 public:
  Measurement(const Plan& plan, const Inputs& inputs, const Progress& progress)
      : plan_(plan), inputs_(inputs), progress_(progress) {}

  Result<Report> run() {
    for (const auto& setting : plan_.settings) {
      ++number_;
      Row row{.setting = setting};
      row.status = measure(row);
      if (!row.status.ok() && !is_of_the_setting(row.status, setting)) return row.status;
      if (!repeats_another_) report_.rows.push_back(std::move(row));
    }
    if (std::ranges::any_of(report_.rows, [](const Row& row) { return row.status.ok(); }))
      return std::move(report_);
    return report_.rows.front().status;
  }

 private:
  Status measure(Row& row) {
    repeats_another_ = false;
    Sessions sessions;
    if (auto status = open(row, sessions); !status.ok() || repeats_another_) return status;
    const Duration warm_up = std::min(plan_.time / 3, kLongestWarmUp);
    say(row, "as fast as it goes");
    auto outcome = run_load(sessions, inputs_, {0.0, warm_up, plan_.time});
    if (!outcome) return outcome.status();
    row.files = *std::move(outcome);
    if (row.files.rate >= plan_.frame_rate * plan_.streams) {
      say(row, "as cameras");
      auto cameras = run_load(sessions, inputs_, {plan_.frame_rate, warm_up, plan_.time});
      if (!cameras) return cameras.status();
      row.cameras = *std::move(cameras);
    }
    if (plan_.answers) {
      say(row, "asking");
      auto answers = ask(*sessions.front(), inputs_);
      if (!answers) return answers.status();
      row.answers = *std::move(answers);
    }
    return {};
  }

  Status open(Row& row, Sessions& sessions) {
    auto request = plan_.model;
    request.batch_size = row.setting.batch_size;
    request.workers = row.setting.workers;
    request.threads = row.setting.threads;
    request.precision = row.setting.precision;
    say(row, "loading");
    const auto begin = steady_clock().now();
    for (int i = 0; i < plan_.streams; ++i) {
      auto session = Session::open(request, settings_of(Load{}));
      if (!session) return session.status();
      if (i == 0) row.load_time = steady_clock().now() - begin;
      sessions.push_back(*std::move(session));
    }
    const auto& session = *sessions.front();
    report_.model = session.model();
    if (auto status = inputs_.check(session.model()->preprocess.input); !status.ok()) return status;
    row.engine = session.engine();
    const auto batch_size = row.engine.facts.batch_size;
    if (batch_size != row.setting.batch_size) {
      row.note = row.engine.facts.batch_size_reason;
      row.setting.batch_size = batch_size;
      const auto same = [&](const Row& other) { return other.setting == row.setting; };
      const bool wanted = std::ranges::find(plan_.settings, row.setting) != plan_.settings.end();
      repeats_another_ = wanted || std::ranges::any_of(report_.rows, same);
    }
    return {};
  }

  void say(const Row& row, const std::string& what) {
    progress_("[" + std::to_string(number_) + "/" + std::to_string(plan_.settings.size()) + "] " +
              properties_of(row.setting) + ": " + what);
  }

  const Plan& plan_;
  const Inputs& inputs_;
  const Progress& progress_;
  std::size_t number_ = 0;
  Report report_;
  bool repeats_another_ = false;
};

}  // namespace

Result<Report> measure(const Plan& plan, const Inputs& inputs, const Progress& progress) {
  return Measurement(plan, inputs, progress).run();
}

double agreement(const Row& row, const Row& reference) {
  const auto count = std::min(row.answers.size(), reference.answers.size());
  if (count == 0) return 1.0;
  std::size_t same = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (row.answers[i].label == reference.answers[i].label) ++same;
  return static_cast<double>(same) / static_cast<double>(count);
}

}  // namespace torchinfer::bench
