// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/device_id.h"
#include "core/input_spec.h"
#include "core/status.h"
#include "core/tensor_view.h"
#include "engine/task.h"
#include "model/model_file.h"

namespace torchinfer {

enum class Precision : std::uint8_t { kAuto, kFp32, kBf16, kFp16 };

/// What a model is loaded for. Part of the engine's key, except `caps`.
struct LoadOptions {
  DeviceId device;
  Precision precision = Precision::kAuto;
  InputSpec input;
  int batch_size =
      0;  ///< 0 = auto: the self-test keeps the smallest of 1, 4, 8 within 5 % of the best rate
  int threads = 1;               ///< intra-op threads of each lane, >= 1
  int workers = 1;               ///< lanes that will run at once, >= 1
  std::string quantized_engine;  ///< from the model info; empty = none
  ModelCaps caps;
};

/// One output of a loaded model, for one item.
struct OutputFacts {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<std::int64_t> dims;  ///< without the batch; where an item's differ, the item fails
};

/// What is known of a loaded, self-tested model. Immutable.
struct ModelFacts {
  DeviceId device;
  int batch_size = 1;             ///< what the engine shall use, 1..the wanted one
  std::string batch_size_reason;  ///< why it is less than wanted; empty when it is not
  Precision precision = Precision::kFp32;
  std::vector<OutputFacts> outputs;
  std::string runtime;              ///< e.g. "libtorch 2.6.0, CPU capability AVX512"
  std::string optimisation;         ///< the passes kept, e.g. "optimize_for_inference", or "none"
  std::string optimisation_reason;  ///< why a stronger one was given up; empty when none was
  double self_test_difference =
      0.0;  ///< largest |optimised - as loaded| / largest |as loaded|, over the rows tested
  std::map<int, Duration> batch_times;  ///< median forward time by batch size, from the self-test
  /// A forward that takes longer has hung, and the engine fails; 0 = 30 s, or 100 x the longest of
  /// batch_times where that is more.
  Duration patience{0};
};

/// Runs a model for one worker; made, used and destroyed on that worker's thread.
class Lane {
 public:
  virtual ~Lane() = default;
  /// Runs tasks.size() <= ModelFacts::batch_size staged tasks as one batch. On success outputs[i]
  /// holds the item's outputs in the order of ModelFacts::outputs. kForwardFailed, kBadOutput,
  /// kOutOfMemory concern this batch; kDeviceLost the engine. Of a task it may read the plans and
  /// use image and block, and touches nothing else: the rest is the watchdog's when it does not
  /// return.
  virtual Status run(std::span<Task> tasks, std::span<std::vector<TensorView>> outputs) = 0;
};

/// A loaded model. facts() and stage() are thread-safe; make_lane() is called on each worker's
/// thread.
class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelFacts& facts() const = 0;
  /// On the streaming thread: fills task.block from task.image by task.pre (host memory) and drops
  /// task.image. kOutOfMemory, kInvalidArgument.
  virtual Status stage(Task& task) = 0;
  virtual Result<std::unique_ptr<Lane>> make_lane() = 0;
};

/// What an archive says before anything of it is loaded.
struct ArchiveFacts {
  std::map<std::string, std::string>
      extra_files;  ///< by name, without the archive's "extra/" prefix
  std::uint64_t unpacked_bytes = 0;
};

class Inspector;

/// A runtime for models. All calls may be made from any thread of the engine's, one load of one
/// model at a time each.
class BackEnd {
 public:
  virtual ~BackEnd() = default;
  /// Reads the directory and the small extra files; loads nothing. kCorruptModel, kTooLarge.
  virtual Result<ArchiveFacts> inspect(const ModelFile& file, const ModelCaps& caps) = 0;
  /// Scans the code, loads on the target device, optimises, self-tests. kCorruptModel,
  /// kForbiddenOperator, kUnsupported, kNoDevice, kBadOutput, kForwardFailed, kOutOfMemory.
  virtual Result<std::shared_ptr<Model>> load(const ModelFile& file,
                                              const LoadOptions& options) = 0;
  /// What runs, for a bug report: "libtorch 2.6.0, ...".
  virtual std::string description() const = 0;
  /// For looking into models (engine/inspection.h); null: this back-end has none.
  virtual Inspector* inspector() { return nullptr; }
};

/// The one symbol a back-end module exports, as `extern "C" const Module torchinfer_module`. C++
/// types may cross, since `build_id` must equal the core's own (build_id.h). create() returns an
/// object that lives until the process ends, or null and sets the status.
struct Module {
  const char* build_id;
  BackEnd* (*create)(Status* status) noexcept;
};

}  // namespace torchinfer
