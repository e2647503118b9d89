// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/export.h"
#include "engine/back_end.h"
#include "engine/input_tap.h"
#include "engine/statistics.h"
#include "engine/task.h"

namespace torchinfer {

/// Which model a stream wants and how its engine shall be. The fields named in `key`
/// (docs/architecture.md) decide which streams share an engine.
struct SessionRequest {
  std::string model_file;
  std::string model_info_file;  ///< empty: sidecar (not of a pinned model) or embedded
  std::string label_file;       ///< empty: embedded
  std::string model_sha256;     ///< pins the model; empty: any
  DeviceId device{DeviceId::Kind::kAuto, 0};
  Precision precision = Precision::kAuto;
  int batch_size = 0;       ///< 0 = auto
  int workers = 0;          ///< 0 = auto: min(cores by affinity and cgroup quota, 4)
  int threads = 0;          ///< 0 = auto: 1, or cores / workers where that is more
  std::string engine_name;  ///< streams share only within one name

  bool operator==(const SessionRequest&) const = default;
};

/// What may change while a stream runs.
struct SessionSettings {
  bool live = false;          ///< live tasks go before those of streams that can wait
  Duration batch_timeout{0};  ///< extra wait of a batch that is not full; 0..10 s
  int top_k = 1;
  float threshold = 0.0F;
  bool keep_tensors = false;
};

/// What is known of the engine a session rides on. A plain value.
struct EngineInfo {
  std::uint64_t id = 0;  ///< counts the process's engines from 1
  std::string name;
  std::string model_path;
  std::string model_sha256;
  ModelFacts facts;
  int workers = 1;
  int threads = 1;
  bool shared = false;  ///< it existed before this session joined
  std::vector<std::string>
      similar;  ///< why other engines of the same model are not shared, one sentence each
};

/// One stream's seat at an engine. All calls are thread-safe; open() blocks until the model is
/// loaded and self-tested. The destructor cancels what is queued and lets the engine go with its
/// last session, joining its workers: at most one running forward is waited for. Never destroy it
/// on a worker (in Waker::wake()).
class TORCHINFER_API Session {
 public:
  /// The codes of open_back_end(), read_model_file(), BackEnd::inspect(), resolve_model_info() and
  /// BackEnd::load(), unchanged; kInvalidArgument for a setting outside its range; kBadModelInfo
  /// and kBadLabels where the loaded model is not what they say. `clock` outlives the engine.
  static Result<std::unique_ptr<Session>> open(const SessionRequest& request,
                                               const SessionSettings& settings,
                                               Clock& clock = steady_clock());
  virtual ~Session() = default;

  virtual EngineInfo engine() const = 0;
  virtual int engine_users() const = 0;
  virtual std::shared_ptr<const ModelInfo> model() const = 0;

  /// For frames from now on; the batch timeout for those queued too. Values outside their range are
  /// brought into it.
  virtual void configure(const SessionSettings& settings) = 0;

  /// For frames from now on; null, as at first, for none. It is kept alive while a frame that it
  /// sees is being submitted.
  virtual void tap(std::shared_ptr<InputTap> tap) = 0;

  /// Preprocesses on the calling thread and queues one item per region (none given = the whole
  /// frame). Never blocks on the queue; credit is the caller's to look at first. `frame->waker`
  /// (may be null) is woken when all items are done. Fails with the engine's sticky status, or with
  /// what preprocessing said; then nothing is queued.
  virtual Result<std::shared_ptr<FrameResult>> submit(const ImageView& image,
                                                      std::span<const Region> regions,
                                                      std::shared_ptr<Waker> waker) = 0;

  /// The same with what preprocessing would have made of a frame: one item, as model()->preprocess
  /// says, which is copied. kInvalidArgument where it is not as long as that.
  virtual Result<std::shared_ptr<FrameResult>> submit(std::span<const std::byte> item,
                                                      std::shared_ptr<Waker> waker) = 0;

  /// Whether fewer tasks of this stream are unfinished than its credit.
  virtual bool has_credit() const = 0;
  /// Sleeps until there is credit (true), or interrupt(true) was called or the engine has failed
  /// (false).
  virtual bool wait_credit() = 0;
  /// true: wait_credit() returns false at once, until set back to false. For flushes and state
  /// changes.
  virtual void interrupt(bool on) = 0;

  /// false: this stream will not submit soon (EOS, GAP, a waiting serialized query, back-pressure):
  /// no batch waits for it. submit() sets it back to true.
  virtual void set_contributing(bool on) = 0;
  /// What is queued leaves with the next free worker, though others could still fill its batch. For
  /// whoever waits for results in order to go on (EOS, a serialized query). Does not block.
  virtual void hurry() = 0;
  /// Forgets what is queued (its items get kCancelled); what runs is finished but wakes nobody.
  /// Does not block.
  virtual void cancel() = 0;
  /// Sleeps until no task of this stream is queued or running, or interrupt(true). Implies
  /// set_contributing(false).
  virtual bool drain() = 0;

  /// How long a frame that is submitted now may take at worst: batch timeout + forward time x
  /// (batches in flight + 1), where batches in flight are what all streams' credit comes to, in
  /// rounds of full batches of all workers, and forward time is the self-test's for a full batch or
  /// the 95th percentile of those since, whichever is more.
  virtual Duration expected_latency() const = 0;
  /// Tasks of this stream that may be unfinished at once.
  virtual int credit() const = 0;

  /// The engine's sticky failure, or Ok. kCancelled: the process is ending (exit handlers run);
  /// nothing more comes, and nothing should be said.
  virtual Status engine_status() const = 0;
  virtual EngineStatistics engine_statistics() const = 0;
  virtual SessionStatistics statistics() const = 0;
};

}  // namespace torchinfer
