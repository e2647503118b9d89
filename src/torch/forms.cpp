// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/forms.h"

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "torch/archive.h"
#include "torch/errors.h"

namespace torchinfer {
namespace {

/// Of the largest value of an output. Folding and other convolution algorithms move results by
/// 1e-6; bfloat16 by 0.6 to 1 %.
constexpr double kTolerance = 1e-3, kBfloat16Tolerance = 5e-2;
constexpr auto kBfloat16Passes = "bfloat16, channels_last, freeze";

/// A frozen form of a model, and the same with its explicit zero pads folded, where it has any.
class FrozenForms {
 public:
  explicit FrozenForms(std::function<Program()> freeze) : freeze_(std::move(freeze)) {
    failure_ = guarded(Code::kForwardFailed, "it could not be made", [&]() -> Status {
      plain_ = freeze_();
      auto folded = with_pads_folded(*plain_);
      if (folded.pads.folded == 0) return {};
      fold_ = "fold_pads (" + std::to_string(folded.pads.folded) + " of " +
              std::to_string(folded.pads.pads) + "), ";
      folded_ = std::move(folded.program);
      return {};
    });
  }

  /// Adds what `pass` makes of both, the folded one first. This object outlives the candidates.
  using Pass = std::function<Program(const Program&)>;
  void add_to(std::vector<Candidate>& candidates, const std::string& name, const Pass& pass) const {
    if (folded_) candidates.push_back({fold_ + name, [this, pass] { return pass(*folded_); }});
    candidates.push_back({name, [this, pass] { return pass(plain_ ? *plain_ : freeze_()); }});
  }

  /// Adds why nothing could be folded to the reasons, unless the candidates have told: what cannot
  /// be frozen cannot be frozen for them either.
  void explain(Selection& selection) const {
    if (failure_.ok() || !plain_) return;
    auto& reasons = selection.optimisation_reason;
    reasons = "fold_pads: " + failure_.message() + (reasons.empty() ? "" : "; ") + reasons;
  }

 private:
  const std::function<Program()> freeze_;
  std::optional<Program> plain_, folded_;
  std::string fold_;
  Status failure_;
};

Program as_it_is(const Program& program) { return program; }

}  // namespace

Result<Selection> select_fp32(SelfTest& test, int wanted_batch) {
  const auto& loaded = test.loaded();
  std::vector<Candidate> candidates;
  std::optional<FrozenForms> forms;
  if (test.repeatable()) {
    forms.emplace([&] { return frozen(loaded); });
    forms->add_to(candidates, "optimize_for_inference", optimized_for_inference);
    forms->add_to(candidates, "freeze", as_it_is);
  }
  candidates.push_back({"none", [&] { return loaded; }});
  auto selection = select_program(test, candidates, wanted_batch, kTolerance);
  if (selection && forms) forms->explain(*selection);
  if (selection && !test.repeatable())
    selection->optimisation_reason =
        "the model gives different results for the same image, so no other form of it can be "
        "compared";
  return selection;
}

Result<Selection> select_bfloat16(SelfTest& test, const Archive& archive, const std::string& path,
                                  int wanted_batch) {
  if (!test.repeatable())
    return Status(Code::kUnsupported,
                  "precision bf16 cannot be checked: the model gives different results for the "
                  "same image; use precision auto");
  auto module = load_module(archive, path);
  if (!module) return module.status();
  const FrozenForms forms([&] { return in_bfloat16(*module, test.input()); });
  std::vector<Candidate> candidates;
  forms.add_to(candidates, kBfloat16Passes, as_it_is);
  auto selection = select_program(test, candidates, wanted_batch, kBfloat16Tolerance);
  if (selection) {
    forms.explain(*selection);
    return selection;
  }
  if (selection.status().code() == Code::kOutOfMemory) return selection;
  return Status(Code::kUnsupported,
                "the model cannot run in precision bf16: " + selection.status().message() +
                    "; use precision auto",
                selection.status().detail());
}

}  // namespace torchinfer
