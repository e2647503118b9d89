// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/inspection.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "model/text.h"
#include "torch/advice.h"
#include "torch/archive.h"
#include "torch/errors.h"
#include "torch/graph_scan.h"
#include "torch/graph_view.h"
#include "torch/known_operators.h"
#include "torch/listing.h"
#include "torch/model_tree.h"
#include "torch/probe.h"
#include "torch/profile.h"
#include "torch/program.h"
#include "torch/runtime.h"
#include "torch/runtime_report.h"
#include "torch/traced_inputs.h"

namespace torchinfer {
namespace {

/// Archives do not name the PyTorch that wrote them, but later ones have more records.
std::string producer_of(const Archive& archive) {
  return archive.has(".data/serialization_id") ? "PyTorch 2.1 or later" : "PyTorch 2.0 or earlier";
}

Result<ArchiveReport> report_archive(const Archive& archive, std::set<std::string>& missing) {
  ArchiveReport report;
  report.records = archive.entries().size();
  report.unpacked_bytes = archive.unpacked_bytes();
  report.version = archive.version();
  report.producer = producer_of(archive);
  auto extra_files = archive.extra_files();
  if (!extra_files) return extra_files.status();
  report.extra_files = std::move(*extra_files);
  const auto status =
      archive.for_each_code([&](const std::string& record, const std::string& text) -> Status {
        report.code_bytes += text.size();
        find_missing_operators(record, text, missing);
        return {};
      });
  if (!status.ok()) return status;
  return report;
}

/// Channels of the images that a convolution takes, as far as its weights tell.
std::optional<int> channels_of(const GraphView& view, const torch::jit::Node& node) {
  const auto weight = view.value_of(node.input(1));
  if (!weight || !weight->isTensor() || weight->toTensor().dim() != 4) return std::nullopt;
  const bool transposed =
      std::string_view(node.kind().toQualString()) == "aten::conv_transpose2d" ||
      (node.hasNamedInput("transposed") &&
       view.bool_of(node.namedInput("transposed")).value_or(false));
  if (transposed) return static_cast<int>(weight->toTensor().size(0));
  const auto groups = view.value_of(node.namedInput("groups"));
  if (!groups || !groups->isInt()) return std::nullopt;
  return static_cast<int>(weight->toTensor().size(1) * groups->toInt());
}

/// What a look at the nodes of forward() adds to a report.
void report_graph(const GraphView& forward, ModelReport& report) {
  std::map<std::string, int> operators;
  std::set<std::string> devices;
  std::set<const void*> seen;
  forward.for_each([&](const torch::jit::Node& node) {
    const std::string name = node.kind().toQualString();
    if (!name.starts_with("prim::")) ++operators[name];
    if (node.kind() == c10::prim::Constant && node.outputs().size() == 1) {
      const auto value = forward.value_of(node.output());
      if (value && value->isDevice()) devices.insert(value->toDevice().str());
      if (value && value->isTensor() && value->toTensor().defined() &&
          seen.insert(value->toTensor().unsafeGetTensorImpl()).second)
        report.constants += value->toTensor().numel();
    }
    if (is_convolution(node) && !report.channels) report.channels = channels_of(forward, node);
  });
  report.operators.assign(operators.begin(), operators.end());
  std::ranges::stable_sort(report.operators, std::greater(), &std::pair<std::string, int>::second);
  report.devices.assign(devices.begin(), devices.end());
}

class TorchInspection final : public Inspection {
 public:
  static Result<std::unique_ptr<Inspection>> open(const ModelFile& file, const ModelCaps& caps,
                                                  const std::string& quantized_engine) {
    auto engine = use_quantized_engine(quantized_engine);
    if (!engine) return engine.status();
    auto archive = Archive::open(file, caps);
    if (!archive) return archive.status();
    if (auto status = archive->verify_checksums(); !status.ok()) return status;
    if (auto status = archive->check_code(); !status.ok()) return status;
    std::unique_ptr<TorchInspection> made(new TorchInspection);
    made->engine_ = std::move(*engine);
    std::set<std::string> missing;
    auto report = report_archive(*archive, missing);
    if (!report) return report.status();
    made->report_.archive = std::move(*report);
    made->report_.missing_operators.assign(missing.begin(), missing.end());
    made->traced_ = traced_input_shape(*archive);
    auto module = read_module(*archive, file.path);
    if (module)
      made->module_ = std::move(*module);
    else if (missing.empty())
      return module.status();
    else
      made->report_.load = module.status();
    if (made->module_)
      if (auto status = made->look(file.path); !status.ok()) return status;
    return std::unique_ptr<Inspection>(std::move(made));
  }

  const ModelReport& report() const override { return report_; }

  Result<std::string> listing(const ListingRequest& request) const override {
    if (!module_) return report_.load;
    return guarded(Code::kInternal, "the model cannot be listed",
                   [&] { return list_method(*module_, request); });
  }

  Result<ProbeReport> probe(const std::optional<InputSpec>& said) override {
    if (auto status = check_runs(); !status.ok()) return status;
    return guarded(Code::kForwardFailed, "the model cannot be probed",
                   [&] { return probe_model(*module_, {said, traced_, report_.channels}); });
  }

  Result<ProfileReport> profile(const ProfileRequest& request) override {
    if (auto status = check_runs(); !status.ok()) return status;
    return profile_model(*module_, request);
  }

 private:
  TorchInspection() = default;

  Status check_runs() {
    if (!module_) return report_.load;
    return signature_;
  }

  Status look(const std::string& path) {
    auto tree = walk_tree(*module_);
    if (!tree) return tree.status();
    const auto facts = scan_graph(*module_, path);
    if (!facts && facts.status().code() == Code::kForbiddenOperator) return facts.status();
    if (!facts) {
      signature_ = facts.status();
      report_.warnings.push_back(signature_.message());
    }
    if (module_->find_method("forward")) {
      // As it was saved: constants may hold a training flag that loading would change.
      const GraphView forward(*module_, "forward", true);
      report_graph(forward, report_);
      std::ranges::move(advise(forward, *tree, !module_->hasattr("training")),
                        std::back_inserter(report_.warnings));
    }
    for (const auto& device : report_.devices)
      if (device != "cpu")
        report_.warnings.push_back("its code is tied to the device " + device +
                                   ": export it on the CPU");
    report_.parts = std::move(tree->parts);
    report_.dtypes = std::move(tree->dtypes);
    set_evaluation_mode(*module_);
    return {};
  }

  ModelReport report_;
  std::shared_ptr<const QuantizedEngine> engine_;
  std::optional<torch::jit::Module> module_;
  Status signature_;  ///< why forward() cannot be called with an image
  std::vector<std::int64_t> traced_;
};

class TorchInspector final : public Inspector {
 public:
  Result<std::unique_ptr<Inspection>> open(const ModelFile& file, const ModelCaps& caps,
                                           const std::string& quantized_engine) override {
    return guarded(Code::kCorruptModel, quoted_path(file.path) + " cannot be inspected",
                   [&] { return TorchInspection::open(file, caps, quantized_engine); });
  }
  RuntimeReport runtime() const override { return report_runtime(); }
};

}  // namespace

Inspector& torch_inspector() {
  static auto* inspector = new TorchInspector;  // outlives static destructors
  return *inspector;
}

}  // namespace torchinfer
