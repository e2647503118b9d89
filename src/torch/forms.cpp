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

/// A program and the same with its explicit zero pads folded, strongest first.
class PadsFolded {
 public:
  /// Has nothing to offer where there is nothing to fold. What goes wrong here does so again where
  /// the unfolded program is made, which tells of it.
  explicit PadsFolded(const std::function<Program()>& make) {
    (void)guarded(Code::kForwardFailed, "pads could not be folded", [&]() -> Status {
      auto folded = with_pads_folded(make());
      if (folded.pads.folded == 0) return {};
      name_ = "fold_pads (" + std::to_string(folded.pads.folded) + " of " +
              std::to_string(folded.pads.pads) + "), ";
      program_ = std::move(folded.program);
      return {};
    });
  }

  using Pass = std::function<Program(const Program&)>;
  void add_to(std::vector<Candidate>& candidates, const std::string& pass, const Pass& make) const {
    if (program_) candidates.push_back({name_ + pass, [this, make] { return make(*program_); }});
  }

 private:
  std::string name_;
  std::optional<Program> program_;
};

}  // namespace

Result<Selection> select_fp32(SelfTest& test, int wanted_batch) {
  const auto& loaded = test.loaded();
  std::vector<Candidate> candidates;
  std::optional<PadsFolded> folded;
  if (test.repeatable()) {
    folded.emplace([&] { return loaded; });
    folded->add_to(candidates, "optimize_for_inference", optimized_for_inference);
    candidates.push_back(
        {"optimize_for_inference", [&] { return optimized_for_inference(loaded); }});
    folded->add_to(candidates, "freeze", [](const Program& program) { return program; });
    candidates.push_back({"freeze", [&] { return frozen(loaded); }});
  }
  candidates.push_back({"none", [&] { return loaded; }});
  auto selection = select_program(test, candidates, wanted_batch, kTolerance);
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
  const auto make = [&] { return in_bfloat16(*module, test.input()); };
  const PadsFolded folded(make);
  std::vector<Candidate> candidates;
  folded.add_to(candidates, kBfloat16Passes, [](const Program& program) { return program; });
  candidates.push_back({kBfloat16Passes, make});
  auto selection = select_program(test, candidates, wanted_batch, kBfloat16Tolerance);
  if (selection) return selection;
  if (selection.status().code() == Code::kOutOfMemory) return selection;
  return Status(Code::kUnsupported,
                "the model cannot run in precision bf16: " + selection.status().message() +
                    "; use precision auto",
                selection.status().detail());
}

}  // namespace torchinfer
