// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/fake/fake_back_end.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <thread>
#include <utility>

#include "engine/block_pool.h"
#include "preprocess/plan.h"
#include "support/fake/fake_model_text.h"
#include "support/fake/fake_state.h"

namespace torchinfer::test {
namespace {

using What = FakeFault::What;
using When = FakeFault::When;

constexpr int kAutoBatchSize = 8;

FakeState& state() { return FakeState::get(); }

std::atomic<int> loads_now{0};

/// Stands for what libtorch registers in its first load and forward: when it goes beneath a load,
/// or a forward comes when it is gone, that is a crash.
struct Statics {
  std::atomic<bool>* gone;
  ~Statics() {
    *gone = true;
    if (loads_now > 0) std::abort();
  }
};

std::atomic<bool>& statics_gone() {
  static auto* gone = new std::atomic<bool>{false};
  return *gone;
}

struct Loading {
  Loading() { ++loads_now; }
  ~Loading() { --loads_now; }
};

void need_statics() {
  static const Statics statics{&statics_gone()};
  if (statics_gone()) std::abort();
}

class FakeModel final : public Model {
 public:
  FakeModel(FakeModelText text, const LoadOptions& options)
      : text_(std::move(text)), pool_(BlockPool::create(text_.input.bytes())) {
    state().model_made(1);
    const int wanted = options.batch_size == 0 ? kAutoBatchSize : options.batch_size;
    facts_.device = {DeviceId::Kind::kCpu, 0};
    facts_.batch_size = text_.batch_limit > 0 ? std::min(wanted, text_.batch_limit) : wanted;
    if (facts_.batch_size < wanted)
      facts_.batch_size_reason = "the fake model takes " + std::to_string(text_.batch_limit);
    facts_.outputs = {{"scores", DType::kFloat32, {text_.classes}}};
    facts_.runtime = "fake back-end";
    facts_.optimisation = "none";
    if (text_.batch_time.count() > 0) facts_.batch_times[facts_.batch_size] = text_.batch_time;
    facts_.patience = text_.patience;
  }
  ~FakeModel() override {
    state().called();
    state().model_made(-1);
  }

  const ModelFacts& facts() const override { return facts_; }
  Status stage(Task& task) override;
  Result<std::unique_ptr<Lane>> make_lane() override;

  Status fill_block(Task& task);
  const FakeModelText& text() const { return text_; }
  int next_forward() { return forwards_++; }

 private:
  const FakeModelText text_;
  const std::shared_ptr<BlockPool> pool_;
  ModelFacts facts_;
  std::atomic<int> forwards_{0};
};

class FakeLane final : public Lane {
 public:
  explicit FakeLane(FakeModel& model) : model_(model) { state().lane_made(1); }
  ~FakeLane() override {
    check_thread();
    state().lane_made(-1);
  }

  Status run(std::span<Task> tasks, std::span<std::vector<TensorView>> outputs) override;

 private:
  void check_thread() {
    state().called();
    if (std::this_thread::get_id() != thread_) state().wrong_call();
  }
  int mean_of(const Task& task) const;
  bool happens(const FakeFault& fault, int forward, std::span<Task> tasks) const;
  Status act(const FakeFault& fault);
  void fill(const Task& task, float* scores, int forward, std::vector<TensorView>& outputs,
            const std::shared_ptr<std::vector<float>>& memory);

  FakeModel& model_;
  const std::thread::id thread_ = std::this_thread::get_id();
  std::shared_ptr<std::vector<float>> memory_;
};

Status FakeModel::stage(Task& task) {
  if (!text_.stage_gate.empty()) state().pass_gate(text_.stage_gate);
  if (text_.stage_throws) throw std::runtime_error("the fake stage throws");
  if (text_.stage_code != Code::kOk) return Status(text_.stage_code, "the fake stage fails");
  auto block = pool_->take();
  if (!block.ok()) return block.status();
  task.block = std::move(block).value();
  return text_.stages_late ? Status() : fill_block(task);
}

Status FakeModel::fill_block(Task& task) {
  Status status = preprocess_on_cpu(*task.pre, task.image, task.block.data());
  if (status.ok() && !text_.stages_late) task.image = {};
  return status;
}

Result<std::unique_ptr<Lane>> FakeModel::make_lane() {
  state().called();
  if (text_.lane_throws) throw std::runtime_error("no lane\nsecond line");
  if (text_.lane_fails) return Status(Code::kOutOfMemory, "no lane");
  return std::unique_ptr<Lane>(std::make_unique<FakeLane>(*this));
}

int FakeLane::mean_of(const Task& task) const {
  const InputSpec& input = model_.text().input;
  const std::size_t count = input.bytes() / size_of(input.dtype);
  double sum = 0.0;
  for (std::size_t i = 0; i < count; ++i)
    sum += input.dtype == DType::kUint8
               ? static_cast<double>(std::to_integer<int>(task.block.data()[i]))
               : static_cast<double>(reinterpret_cast<const float*>(task.block.data())[i]);
  return static_cast<int>(std::lround(sum / static_cast<double>(count)));
}

bool FakeLane::happens(const FakeFault& fault, int forward, std::span<Task> tasks) const {
  switch (fault.when) {
    case When::kAlways: return true;
    case When::kOnce: return forward == 0;
    case When::kAfter: return forward >= fault.number;
    case When::kAbove: return tasks.size() > static_cast<std::size_t>(fault.number);
    case When::kMean:
      return std::ranges::any_of(tasks,
                                 [&](const Task& task) { return mean_of(task) == fault.number; });
  }
  return false;
}

/// The faults that concern a whole batch.
Status FakeLane::act(const FakeFault& fault) {
  switch (fault.what) {
    case What::kThrow: throw std::runtime_error("the fake model throws\nwith a long trace");
    case What::kThrowInt: throw 42;
    case What::kFail: return Status(Code::kForwardFailed, "the fake model fails");
    case What::kOutOfMemory: return Status(Code::kOutOfMemory, "the fake device is full");
    case What::kDeviceLost: return Status(Code::kDeviceLost, "the fake device is gone");
    case What::kSlow: std::this_thread::sleep_for(fault.time); return {};
    case What::kGate: state().pass_gate(fault.name); return {};
    case What::kNan:
    case What::kWrongShape:
    case What::kNoOutput: return {};
  }
  return {};
}

Status FakeLane::run(std::span<Task> tasks, std::span<std::vector<TensorView>> outputs) {
  need_statics();
  check_thread();
  state().running(tasks.size());
  if (tasks.size() != outputs.size() || tasks.empty() ||
      tasks.size() > static_cast<std::size_t>(model_.facts().batch_size) ||
      std::ranges::any_of(tasks, [](const Task& task) { return !task.block; })) {
    state().wrong_call();
    return Status(Code::kInternal, "a call that is not allowed");
  }
  if (model_.text().stages_late)
    for (Task& task : tasks) {
      Status status = model_.fill_block(task);
      if (!status.ok()) return status;
    }
  const int forward = model_.next_forward();
  for (const FakeFault& fault : model_.text().faults) {
    if (!happens(fault, forward, tasks)) continue;
    Status status = act(fault);
    if (!status.ok()) return status;
  }
  need_statics();

  // The memory is used again unless somebody may still read it.
  const auto classes = static_cast<std::size_t>(model_.text().classes);
  const bool kept = std::ranges::any_of(tasks, [](const Task& task) { return task.keep_tensors; });
  if (!memory_ || kept)
    memory_ = std::make_shared<std::vector<float>>(
        (classes + 1) * static_cast<std::size_t>(model_.facts().batch_size));
  for (std::size_t i = 0; i < tasks.size(); ++i)
    fill(tasks[i], memory_->data() + i * (classes + 1), forward, outputs[i], memory_);
  if (kept) memory_.reset();
  return {};
}

void FakeLane::fill(const Task& task, float* scores, int forward, std::vector<TensorView>& outputs,
                    const std::shared_ptr<std::vector<float>>& memory) {
  int classes = model_.text().classes;
  std::fill_n(scores, classes + 1, 0.0F);
  const int mean = mean_of(task);
  scores[((mean % classes) + classes) % classes] = 1.0F;
  outputs.resize(1);
  for (const FakeFault& fault : model_.text().faults) {
    const bool now = fault.when == When::kMean ? mean == fault.number : happens(fault, forward, {});
    if (!now) continue;
    if (fault.what == What::kNan) scores[0] = std::numeric_limits<float>::quiet_NaN();
    if (fault.what == What::kWrongShape) ++classes;
    if (fault.what == What::kNoOutput) outputs.clear();
  }
  if (outputs.empty()) return;
  TensorView& output = outputs[0];
  output.name = "scores";
  output.dtype = DType::kFloat32;
  output.dims.assign(1, classes);
  output.host = reinterpret_cast<const std::byte*>(scores);
  output.owner = memory;
}

Result<FakeModelText> text_of(const ModelFile& file) {
  return FakeModelText::parse(
      {reinterpret_cast<const char*>(file.bytes->data()), file.bytes->size()});
}

}  // namespace

Result<ArchiveFacts> FakeBackEnd::inspect(const ModelFile& file, const ModelCaps& caps) {
  state().called();
  state().inspected();
  const auto text = text_of(file);
  if (!text.ok()) return text.status();
  if (text->inspect_code != Code::kOk)
    return Status(text->inspect_code, "the fake inspection fails");
  ArchiveFacts facts;
  facts.unpacked_bytes = file.bytes->size();
  if (facts.unpacked_bytes > caps.unpacked_bytes) return Status(Code::kTooLarge, "over the cap");
  if (text->has_info) facts.extra_files["modelinfo"] = text->model_info();
  if (!text->labels.empty()) facts.extra_files["labels.txt"] = text->labels;
  return facts;
}

Result<std::shared_ptr<Model>> FakeBackEnd::load(const ModelFile& file,
                                                 const LoadOptions& options) {
  state().called();
  state().loading(options);
  const auto text = text_of(file);
  if (!text.ok()) return text.status();
  if (options.device.kind == DeviceId::Kind::kCuda)
    return Status(Code::kNoDevice, "the fake back-end has no " + to_string(options.device));
  const Loading loading;
  need_statics();
  if (!text->load_gate.empty()) state().pass_gate(text->load_gate);
  std::this_thread::sleep_for(text->load_time);
  if (text->load_throws) throw std::runtime_error("the fake load throws");
  if (text->load_code != Code::kOk) return Status(text->load_code, "the fake load fails");
  need_statics();  // the self-test's forward
  return std::shared_ptr<Model>(std::make_shared<FakeModel>(*text, options));
}

}  // namespace torchinfer::test
