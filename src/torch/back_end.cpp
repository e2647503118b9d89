// SPDX-License-Identifier: LGPL-2.1-or-later
// The back-end module's one symbol and what stands behind it.
#include "engine/back_end.h"

#include <utility>

#include "build_id.h"
#include "torch/archive.h"
#include "torch/errors.h"
#include "torch/forms.h"
#include "torch/graph_scan.h"
#include "torch/inspection.h"
#include "torch/runtime.h"
#include "torch/selection.h"
#include "torch/self_test.h"
#include "torch/torch_model.h"

namespace torchinfer {
namespace {

Status check_options(const LoadOptions& options) {
  if (options.device.kind == DeviceId::Kind::kCuda)
    return {Code::kNoDevice,
            "device " + to_string(options.device) +
                " is wanted, but this build has no CUDA support; use device auto or "
                "cpu"};
  if (options.precision == Precision::kFp16) return check_float16();
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
  Inspector* inspector() override { return &torch_inspector(); }

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
                         ? select_bfloat16(*test, *archive, file.path, options.batch_size)
                         : select_fp32(*test, options.batch_size);
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
