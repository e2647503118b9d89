// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/runtime.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "model/text.h"

namespace torchinfer {

class QuantizedEngine {
 public:
  explicit QuantizedEngine(at::QEngine engine) : engine_(engine) {}
  at::QEngine engine() const { return engine_; }

 private:
  at::QEngine engine_;
};

namespace {

constexpr std::array<std::pair<std::string_view, at::QEngine>, 4> kEngines{{
    {"onednn", at::QEngine::ONEDNN},
    {"x86", at::QEngine::X86},
    {"fbgemm", at::QEngine::FBGEMM},
    {"qnnpack", at::QEngine::QNNPACK},
}};

std::string name_of(at::QEngine engine) {
  const auto* found = std::ranges::find(kEngines, engine, [](const auto& e) { return e.second; });
  return found == kEngines.end() ? "none" : std::string(found->first);
}

}  // namespace

void set_up_process() {
  torch::jit::getProfilingMode() = false;
  torch::jit::setTensorExprFuserEnabled(false);
}

std::string runtime_name() {
  return std::string("libtorch ") + TORCH_VERSION + ", CPU capability " + at::get_cpu_capability();
}

std::string supported_engines() {
  std::string text;
  for (const auto engine : at::globalContext().supportedQEngines())
    if (engine != at::QEngine::NoQEngine) text += (text.empty() ? "" : ", ") + name_of(engine);
  return text.empty() ? "none" : text;
}

std::string runtime_description() {
  auto onednn = at::get_mkldnn_version();
  onednn = onednn.substr(0, onednn.find(" (Git"));
  return runtime_name() + ", " + onednn + ", quantised engines: " + supported_engines();
}

Status check_bfloat16() {
#ifdef __x86_64__
  // libtorch answers this by other functions in each version.
  if (__builtin_cpu_supports("avx512bf16")) return {};
#ifndef __clang__  // which knows no such name; every CPU that has AMX has AVX512_BF16 too
  if (__builtin_cpu_supports("amx-bf16")) return {};
#endif
#endif
  return {
      Code::kUnsupported,
      "precision bf16 needs a CPU with AVX512_BF16 or AMX, which this one has not; use precision "
      "auto or fp32"};
}

Status check_float16() {
  return {
      Code::kUnsupported,
      "precision fp16 is not for the CPU, which would be slower with it; use auto, fp32 or bf16"};
}

Result<std::shared_ptr<const QuantizedEngine>> use_quantized_engine(const std::string& name) {
  if (name.empty()) return std::shared_ptr<const QuantizedEngine>();
  const auto* found = std::ranges::find(kEngines, name, [](const auto& e) { return e.first; });
  if (found == kEngines.end())
    return Status(Code::kBadModelInfo, "the model info names the quantised engine " +
                                           torchinfer::quoted(name) +
                                           "; known are onednn, x86, fbgemm and qnnpack");
  const auto engine = found->second;
  const auto& supported = at::globalContext().supportedQEngines();
  if (std::ranges::find(supported, engine) == supported.end())
    return Status(Code::kUnsupported, "the model's weights are packed for the quantised engine " +
                                          name + ", which this libtorch lacks (it has " +
                                          supported_engines() +
                                          "); quantise the model again for one of these");
  static std::mutex mutex;
  static std::weak_ptr<const QuantizedEngine> in_use;
  const std::lock_guard lock(mutex);
  if (auto holder = in_use.lock()) {
    if (holder->engine() == engine) return holder;
    return Status(Code::kUnsupported, "the model needs the quantised engine " + name +
                                          ", but a model for " + name_of(holder->engine()) +
                                          " is loaded and a process can have one only; run the "
                                          "models in separate processes");
  }
  at::globalContext().setQEngine(engine);
  auto holder = std::make_shared<const QuantizedEngine>(engine);
  in_use = holder;
  return holder;
}

void set_lane_threads(int threads) {
  // Reading first ties the count to this thread; a thread that only writes gets whatever count was
  // written last by anyone.
  at::get_num_threads();
  at::set_num_threads(threads);
}

ScopedThreads::ScopedThreads(int threads) : before_(at::get_num_threads()) {
  at::set_num_threads(threads);
}

ScopedThreads::~ScopedThreads() { at::set_num_threads(before_); }

}  // namespace torchinfer
