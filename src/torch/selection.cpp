// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/selection.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <set>

#include "torch/errors.h"

namespace torchinfer {
namespace {

constexpr std::array kAutoSizes{1, 4, 8};
/// A larger batch must be worth its latency.
constexpr double kWorthIt = 0.95;
constexpr Duration kSlowBatch = std::chrono::seconds(2);

std::string percent(double part) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g %%", part * 100.0);
  return text.data();
}

/// One walk through the candidates. `limit_` only shrinks: it is the model's, not a candidate's.
class Walk {
 public:
  Walk(SelfTest& test, int wanted, double tolerance)
      : test_(test), wanted_(wanted), tolerance_(tolerance) {
    sizes_ = {1};
    if (wanted > 1) sizes_.insert({2, wanted});
    if (wanted == 0) sizes_.insert({2, 4, 8});
    limit_ = *sizes_.rbegin();
  }

  /// Ok: fills `selection`. Otherwise why this form cannot be used.
  Status try_form(const Program& program, Selection& selection) {
    selection.difference = 0.0;
    selection.batch_times.clear();
    int passed = 0;
    for (const int size : sizes_) {
      if (size > limit_ || too_slow(selection.batch_times, size)) break;
      SelfTest::Comparison found;
      auto status = check(program, size, found);
      if (!status.ok()) {
        if (passed == 0 || allowed_by_model(size)) return status;
        limit_ = passed;
        limit_reason_ = model_says_;
        break;
      }
      selection.difference = std::max(selection.difference, found.difference);
      selection.batch_times[size] = test_.time(program, size, found.time);
      passed = size;
    }
    selection.program = program;
    selection.batch_size = wanted_ == 0 ? best_size(selection.batch_times) : limit_;
    selection.batch_size_reason = limit_reason_;
    return {};
  }

 private:
  /// Whether a program gives a batch of `size` what the model as loaded gives each of its rows
  /// alone.
  Status check(const Program& program, int size, SelfTest::Comparison& found) {
    const auto compared = test_.compare(program, size);
    if (!compared) return compared.status();
    found = *compared;
    if (!test_.repeatable() || found.difference <= tolerance_) return {};
    return {Code::kBadOutput, "at batch size " + std::to_string(size) + " its results differ by " +
                                  percent(found.difference) +
                                  " of the largest value from those of the "
                                  "model as loaded (limit " +
                                  percent(tolerance_) + ")"};
  }

  bool allowed_by_model(int size) {
    SelfTest::Comparison found;
    const auto status = check(test_.loaded(), size, found);
    model_says_ = status.message();
    if (found.difference > tolerance_)
      model_says_ = "in a batch of " + std::to_string(size) +
                    " the model's results for an image "
                    "differ by " +
                    percent(found.difference) +
                    " of the largest value from those that it "
                    "gets alone (limit " +
                    percent(tolerance_) + ")";
    return status.ok();
  }

  /// With a batch size of its own choice nobody wants to wait for seconds.
  bool too_slow(const std::map<int, Duration>& times, int size) const {
    if (wanted_ != 0 || times.empty()) return false;
    const auto& [tested, time] = *times.rbegin();
    return time * size / tested > kSlowBatch;
  }

  static int best_size(const std::map<int, Duration>& times) {
    const auto rate = [&](int size) {
      return size / std::max(1.0, static_cast<double>(times.at(size).count()));
    };
    std::set<int> sizes{times.rbegin()->first};
    for (const int size : kAutoSizes)
      if (times.contains(size)) sizes.insert(size);
    double best = 0.0;
    for (const int size : sizes) best = std::max(best, rate(size));
    return *std::ranges::find_if(sizes, [&](int size) { return rate(size) >= kWorthIt * best; });
  }

  SelfTest& test_;
  std::set<int> sizes_;
  int wanted_, limit_ = 1;
  double tolerance_;
  std::string limit_reason_, model_says_;
};

}  // namespace

Result<Selection> select_program(SelfTest& test, std::span<const Candidate> candidates,
                                 int wanted_batch, double tolerance) {
  Walk walk(test, wanted_batch, tolerance);
  std::string reasons;
  Status last;
  for (const auto& candidate : candidates) {
    Selection selection{.program = test.loaded(), .optimisation = candidate.name};
    last = guarded(Code::kForwardFailed, "it could not be made",
                   [&]() -> Status { return walk.try_form(candidate.make(), selection); });
    if (last.ok()) {
      selection.optimisation_reason = reasons;
      return selection;
    }
    reasons += (reasons.empty() ? "" : "; ") + candidate.name + ": " + last.message();
  }
  return last;
}

}  // namespace torchinfer
