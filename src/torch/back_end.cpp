// SPDX-License-Identifier: LGPL-2.1-or-later
// The back-end module's one symbol and what stands behind it.
#include "engine/back_end.h"

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "build_id.h"
#include "torch/archive.h"
#include "torch/errors.h"
#include "torch/graph_scan.h"
#include "torch/runtime.h"
#include "torch/selection.h"
#include "torch/self_test.h"
#include "torch/torch_model.h"

namespace torchinfer {
namespace {

/// Of the largest value of an output. Folding and other convolution algorithms move results by
/// 1e-6; bfloat16 by 0.6 to 1 %.
constexpr double kTolerance = 1e-3, kBfloat16Tolerance = 5e-2;
constexpr auto kBfloat16Passes = "bfloat16, channels_last, freeze";

Status check_options(const LoadOptions& options) {
  if (options.device.kind == DeviceId::Kind::kCuda)
    return {Code::kNoDevice,
            "device " + to_string(options.device) +
                " is wanted, but this build has no CUDA support; use device auto or "
                "cpu"};
  if (options.precision == Precision::kFp16)
    return {
        Code::kUnsupported,
        "precision fp16 is not for the CPU, which would be slower with it; use auto, fp32 or bf16"};
  if (options.precision == Precision::kBf16) {
    if (options.input.dtype != DType::kFloat32)
      return {Code::kUnsupported,
              "precision bf16 is for models whose input is float32; this one's is " +
                  std::string(to_string(options.input.dtype)) + "; use precision auto"};
    if (auto status = check_bfloat16(); !status.ok()) return status;
  }
  const auto& input = options.input;
  if (input.bytes() == 0 || options.batch_size < 0 || options.threads < 1 || options.workers < 1)
    return {Code::kInvalidArgument,
            "the input size, batch-size, threads or workers are out of range"};
  return {};
}

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

/// The model's first failure, with what the graph tells about its cause.
Status explained(const Status& status, const GraphFacts& graph, const LoadOptions& options) {
  const auto& input = options.input;
  std::string text =
      status.message() + " (self-test with one image of " + std::to_string(input.channels) +
      " channels, " + std::to_string(input.height) + " rows, " + std::to_string(input.width) +
      " columns, " + std::string(to_string(input.dtype)) +
      (input.layout == Layout::kNhwc ? ", NHWC" : ", NCHW") + ", as the model info says)";
  if (!graph.pinned_devices.empty())
    text += "; its code is tied to the device " + graph.pinned_devices.front() +
            ": export it on the CPU";
  return {status.code(), text, status.detail()};
}

class TorchBackEnd final : public BackEnd {
 public:
  Result<ArchiveFacts> inspect(const ModelFile& file, const ModelCaps& caps) override {
    return guarded(Code::kCorruptModel, "the model cannot be read", [&]() -> Result<ArchiveFacts> {
      auto archive = Archive::open(file, caps);
      if (!archive) return archive.status();
      auto extra_files = archive->extra_files();
      if (!extra_files) return extra_files.status();
      return ArchiveFacts{std::move(*extra_files), archive->unpacked_bytes()};
    });
  }

  Result<std::shared_ptr<Model>> load(const ModelFile& file, const LoadOptions& options) override {
    return guarded(Code::kInternal, "the model could not be loaded",
                   [&] { return load_checked(file, options); });
  }

  std::string description() const override { return runtime_description(); }

 private:
  static Result<std::shared_ptr<Model>> load_checked(const ModelFile& file,
                                                     const LoadOptions& options) {
    if (auto status = check_options(options); !status.ok()) return status;
    auto quantized_engine = use_quantized_engine(options.quantized_engine);
    if (!quantized_engine) return quantized_engine.status();
    auto archive = Archive::open(file, options.caps);
    if (!archive) return archive.status();
    if (auto status = archive->verify_checksums(); !status.ok()) return status;
    if (auto status = archive->check_code(); !status.ok()) return status;
    const ScopedThreads threads(options.threads);
    auto module = load_module(*archive, file.path);
    if (!module) return module.status();
    const auto graph = scan_graph(*module, file.path);
    if (!graph) return graph.status();

    const auto loaded = as_loaded(std::move(*module));
    auto test = SelfTest::start(loaded, options.input);
    if (!test) return explained(test.status(), *graph, options);
    auto selection = options.precision == Precision::kBf16
                         ? select_bfloat16(*test, *archive, file.path, options)
                         : select_fp32(*test, options);
    if (!selection) return selection.status();

    ModelFacts facts;
    facts.device = {DeviceId::Kind::kCpu, 0};
    facts.batch_size = selection->batch_size;
    facts.batch_size_reason = std::move(selection->batch_size_reason);
    facts.precision = options.precision == Precision::kBf16 ? Precision::kBf16 : Precision::kFp32;
    facts.outputs = test->outputs();
    facts.runtime = runtime_name();
    facts.optimisation = std::move(selection->optimisation);
    facts.optimisation_reason = std::move(selection->optimisation_reason);
    facts.self_test_difference = selection->difference;
    facts.batch_times = std::move(selection->batch_times);
    return make_torch_model({std::move(facts), options.input, std::move(selection->program),
                             options.threads, test->writes_input(), std::move(*quantized_engine)});
  }

  static Result<Selection> select_fp32(SelfTest& test, const LoadOptions& options) {
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
    auto selection = select_program(test, candidates, options.batch_size, kTolerance);
    if (selection && !test.repeatable())
      selection->optimisation_reason =
          "the model gives different results for the same image, so no other form of it can be "
          "compared";
    return selection;
  }

  static Result<Selection> select_bfloat16(SelfTest& test, const Archive& archive,
                                           const std::string& path, const LoadOptions& options) {
    if (!test.repeatable())
      return Status(Code::kUnsupported,
                    "precision bf16 cannot be checked: the model gives different results for the "
                    "same image; use precision auto");
    auto module = load_module(archive, path);
    if (!module) return module.status();
    const auto make = [&] { return in_bfloat16(*module, options.input); };
    const PadsFolded folded(make);
    std::vector<Candidate> candidates;
    folded.add_to(candidates, kBfloat16Passes, [](const Program& program) { return program; });
    candidates.push_back({kBfloat16Passes, make});
    auto selection = select_program(test, candidates, options.batch_size, kBfloat16Tolerance);
    if (selection) return selection;
    if (selection.status().code() == Code::kOutOfMemory) return selection;
    return Status(Code::kUnsupported,
                  "the model cannot run in precision bf16: " + selection.status().message() +
                      "; use precision auto",
                  selection.status().detail());
  }
};

BackEnd* create(Status* status) noexcept {
  try {
    set_up_process();
    // Never destroyed: a worker may still be in a forward while static destructors run.
    static auto* back_end = new TorchBackEnd;
    return back_end;
  } catch (...) {
    try {
      *status = status_of_exception(Code::kInternal, "libtorch could not be set up");
    } catch (...) {
      *status = Status(Code::kOutOfMemory, {});
    }
    return nullptr;
  }
}

}  // namespace
}  // namespace torchinfer

extern "C" __attribute__((visibility("default")))
const torchinfer::Module torchinfer_module = {TORCHINFER_BUILD_ID, torchinfer::create};
