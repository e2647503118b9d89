// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/session.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/cpu_budget.h"
#include "engine/engine.h"
#include "engine/frame_pool.h"
#include "engine/guard.h"
#include "engine/plan_cache.h"
#include "engine/prepare_model.h"
#include "engine/registry.h"
#include "engine/seat.h"

namespace torchinfer {
namespace {

constexpr Duration kLongestTimeout = std::chrono::seconds{10};
constexpr std::size_t kModelIdDigits = 12;

Status check(const SessionRequest& request) {
  const auto bad = [](const std::string& what) { return Status(Code::kInvalidArgument, what); };
  if (request.model_file.empty())
    return bad("No model-file is set; it takes the path of a TorchScript archive (.pt)");
  if (request.batch_size < 0) return bad("batch-size is negative; 0 is automatic");
  if (request.workers < 0) return bad("workers is negative; 0 is automatic");
  if (request.threads < 0) return bad("threads is negative; 0 is automatic");
  return {};
}

Status check(const SessionSettings& settings) {
  const auto bad = [](const std::string& what) { return Status(Code::kInvalidArgument, what); };
  if (settings.batch_timeout < Duration{0} || settings.batch_timeout > kLongestTimeout)
    return bad("batch-timeout is outside 0 to 10 s");
  if (settings.top_k < 1) return bad("top-k is less than 1");
  if (!(settings.threshold >= 0.0F && settings.threshold <= 1.0F))
    return bad("class-confidence-threshold is outside 0 to 1");
  return {};
}

/// What a stream's frames from now on carry.
struct FramePlan {
  std::shared_ptr<const DecodePlan> decode;
  bool keep_tensors = false;
  Duration batch_timeout{0};
  std::shared_ptr<InputTap> tap;  // may be null
};

FramePlan plan_of(const SessionSettings& settings, std::shared_ptr<const ModelInfo> model,
                  std::shared_ptr<InputTap> tap = nullptr) {
  auto decode = std::make_shared<DecodePlan>();
  decode->model = std::move(model);
  decode->top_k = settings.top_k;
  decode->threshold = settings.threshold;
  return {std::move(decode), settings.keep_tensors, settings.batch_timeout, std::move(tap)};
}

class EngineSession final : public Session {
 public:
  EngineSession(FoundEngine found, std::shared_ptr<const ModelInfo> model,
                const SessionSettings& settings)
      : found_(std::move(found)),
        model_(std::move(model)),
        model_id_(found_.engine->options().model_sha256.substr(0, kModelIdDigits)),
        state_(found_.engine->state()),
        seat_(std::make_shared<Seat>()),
        frames_(FramePool::create()),
        blocks_(BlockPool::create(model_->preprocess.input.bytes())),
        plans_(model_->preprocess),
        plan_(plan_of(settings, model_)),
        stream_(state_.join({settings.live, settings.batch_timeout}, seat_)) {}

  ~EngineSession() override { state_.leave(stream_); }

  EngineInfo engine() const override;
  int engine_users() const override { return state_.streams(); }
  std::shared_ptr<const ModelInfo> model() const override { return model_; }

  void configure(const SessionSettings& settings) override;
  void tap(std::shared_ptr<InputTap> tap) override;
  Result<std::shared_ptr<FrameResult>> submit(const ImageView& image,
                                              std::span<const Region> regions,
                                              std::shared_ptr<Waker> waker) override;
  Result<std::shared_ptr<FrameResult>> submit(std::span<const std::byte> item,
                                              std::shared_ptr<Waker> waker) override;

  bool has_credit() const override { return queue().has_credit(stream_); }
  bool wait_credit() override;
  void interrupt(bool on) override { queue().interrupt(stream_, on); }
  void set_contributing(bool on) override { queue().set_contributing(stream_, on); }
  void hurry() override { queue().hurry(stream_); }
  void cancel() override { state_.cancel(stream_); }
  bool drain() override { return queue().drain(stream_); }

  Duration expected_latency() const override {
    return frame_plan().batch_timeout + found_.engine->worst_case();
  }
  int credit() const override { return queue().credit(stream_); }

  Status engine_status() const override { return state_.status(); }
  EngineStatistics engine_statistics() const override { return state_.statistics(); }
  SessionStatistics statistics() const override { return seat_->read(); }

 private:
  TaskQueue& queue() const { return state_.queue(); }
  FramePlan frame_plan() const {
    const std::lock_guard lock(mutex_);
    return plan_;
  }
  /// Fills the block of the task that is the item of this number.
  template <class Fill>
  Result<std::shared_ptr<FrameResult>> submit_items(std::size_t count, std::shared_ptr<Waker> waker,
                                                    const Fill& fill);
  template <class Fill>
  Status stage_and_queue(const std::shared_ptr<FrameResult>& frame, std::vector<Task>& tasks,
                         const Fill& fill);
  Status stage(Task& task, const ImageView& image, const std::optional<Region>& region);
  Status copy(Task& task, std::span<const std::byte> item);

  const FoundEngine found_;
  const std::shared_ptr<const ModelInfo> model_;
  const std::string model_id_;
  EngineState& state_;  // the engine's
  const std::shared_ptr<Seat> seat_;
  const std::shared_ptr<FramePool> frames_;
  const std::shared_ptr<BlockPool> blocks_;  // of items that come preprocessed
  PlanCache plans_;

  mutable std::mutex mutex_;  // guards what follows; no other lock is taken under it
  FramePlan plan_;
  std::vector<Task> spare_tasks_;  // empty, kept for its memory

  const StreamId stream_;
};

EngineInfo EngineSession::engine() const {
  const Engine& engine = *found_.engine;
  const EngineOptions& options = engine.options();
  EngineInfo info;
  info.id = engine.id();
  info.name = options.name;
  info.model_path = engine.model_path();
  info.model_sha256 = options.model_sha256;
  info.facts = engine.model().facts();
  info.workers = options.load.workers;
  info.threads = options.load.threads;
  info.shared = found_.existed;
  info.similar = found_.similar;
  return info;
}

void EngineSession::configure(const SessionSettings& settings) {
  SessionSettings usable = settings;
  usable.batch_timeout = std::clamp(settings.batch_timeout, Duration{0}, kLongestTimeout);
  usable.top_k = std::max(settings.top_k, 1);
  usable.threshold = std::clamp(settings.threshold, 0.0F, 1.0F);
  FramePlan plan = plan_of(usable, model_);
  {
    const std::lock_guard lock(mutex_);
    plan.tap = plan_.tap;
    std::swap(plan_, plan);
  }
  queue().configure(stream_, {usable.live, usable.batch_timeout});
}

bool EngineSession::wait_credit() {
  const bool at_once = queue().has_credit(stream_);
  const TimePoint begin = state_.clock().now();
  const bool credit = queue().wait_credit(stream_);
  if (!at_once) seat_->waited_for_credit(state_.clock().now() - begin);
  return credit;
}

void EngineSession::tap(std::shared_ptr<InputTap> tap) {
  const std::lock_guard lock(mutex_);
  plan_.tap.swap(tap);
}

Result<std::shared_ptr<FrameResult>> EngineSession::submit(const ImageView& image,
                                                           std::span<const Region> regions,
                                                           std::shared_ptr<Waker> waker) {
  return submit_items(
      std::max<std::size_t>(1, regions.size()), std::move(waker), [&](Task& task, std::size_t i) {
        return stage(task, image, regions.empty() ? std::nullopt : std::optional(regions[i]));
      });
}

Result<std::shared_ptr<FrameResult>> EngineSession::submit(std::span<const std::byte> item,
                                                           std::shared_ptr<Waker> waker) {
  return submit_items(1, std::move(waker),
                      [&](Task& task, std::size_t) { return copy(task, item); });
}

template <class Fill>
Result<std::shared_ptr<FrameResult>> EngineSession::submit_items(std::size_t count,
                                                                 std::shared_ptr<Waker> waker,
                                                                 const Fill& fill) {
  using Outcome = Result<std::shared_ptr<FrameResult>>;
  return guarded(Code::kInternal, "Preprocessing a frame", [&]() -> Outcome {
    Status status = state_.status();
    if (!status.ok()) return status;
    auto frame = frames_->make(count);
    frame->model = model_;
    frame->model_id = model_id_;
    frame->waker = std::move(waker);
    std::vector<Task> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(spare_tasks_);
    }
    status = stage_and_queue(frame, tasks, fill);
    tasks.clear();
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(spare_tasks_);
    }
    if (!status.ok()) return status;
    return frame;
  });
}

template <class Fill>
Status EngineSession::stage_and_queue(const std::shared_ptr<FrameResult>& frame,
                                      std::vector<Task>& tasks, const Fill& fill) {
  const FramePlan plan = frame_plan();
  tasks.resize(frame->items.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    Task& task = tasks[i];
    task.frame = frame;
    task.item = static_cast<std::uint32_t>(i);
    task.post = plan.decode;
    task.keep_tensors = plan.keep_tensors;
    task.seat = seat_;
    Status status = fill(task, i);
    if (!status.ok()) return status;
    if (plan.tap) plan.tap->see({task.block.data(), model_->preprocess.input.bytes()});
  }
  const TimePoint now = state_.clock().now();
  for (Task& task : tasks) task.submitted = now;
  // Counted first: a worker may be done with them before submit() returns.
  seat_->submitted(tasks.size());
  Status status = queue().submit(stream_, tasks);
  if (!status.ok()) seat_->refused(tasks.size());
  return status;
}

Status EngineSession::copy(Task& task, std::span<const std::byte> item) {
  const std::size_t bytes = model_->preprocess.input.bytes();
  if (item.size() != bytes)
    return {Code::kInvalidArgument, "An item of " + std::to_string(item.size()) +
                                        " bytes came for a model that takes " +
                                        std::to_string(bytes)};
  auto block = blocks_->take();
  if (!block.ok()) return block.status();
  task.block = std::move(block).value();
  std::memcpy(task.block.data(), item.data(), bytes);
  return {};
}

Status EngineSession::stage(Task& task, const ImageView& image,
                            const std::optional<Region>& region) {
  const TimePoint begin = state_.clock().now();
  auto plan = plans_.get(image.format, region);
  if (!plan.ok()) return plan.status();
  task.image = image;
  task.pre = std::move(plan).value();
  Status status = found_.engine->model().stage(task);
  if (status.ok()) seat_->preprocessed(state_.clock().now() - begin);
  return status;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const SessionRequest& request,
                                               const SessionSettings& settings, Clock& clock) {
  using Outcome = Result<std::unique_ptr<Session>>;
  return guarded(Code::kInternal, "Opening the model", [&]() -> Outcome {
    for (Status status : {check(request), check(settings)})
      if (!status.ok()) return status;
    auto prepared = prepare_model(request);
    if (!prepared.ok()) return prepared.status();

    EngineOptions options;
    options.name = request.engine_name;
    options.model_sha256 = prepared->file.sha256;
    options.load.device = request.device;
    options.load.precision = request.precision;
    options.load.input = prepared->info->preprocess.input;
    options.load.batch_size = request.batch_size;
    const CpuShare share = share_cores(available_cores(), request.workers, request.threads);
    options.load.workers = share.workers;
    options.load.threads = share.threads;
    options.load.quantized_engine = prepared->info->quantized_engine;

    auto found =
        Registry::process().open(*prepared->back_end, std::move(prepared->file), options, clock);
    if (!found.ok()) return found.status();
    Status status = check_model(*prepared->info, found->engine->model().facts());
    if (!status.ok()) return status;
    return std::unique_ptr<Session>(
        std::make_unique<EngineSession>(std::move(found).value(), prepared->info, settings));
  });
}

}  // namespace torchinfer
