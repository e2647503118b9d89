// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/input_spec.h"
#include "core/status.h"

namespace torchinfer::test {

/// What a forward of the fake back-end does beside its work, and when.
struct FakeFault {
  enum class What {
    kThrow,       ///< a std::runtime_error leaves Lane::run()
    kThrowInt,    ///< something that is no exception class does
    kFail,        ///< kForwardFailed
    kNan,         ///< the item's output holds NaN
    kWrongShape,  ///< the item's output has one class more
    kNoOutput,    ///< the item has no output
    kOutOfMemory,
    kDeviceLost,
    kSlow,  ///< sleeps for `time`
    kGate,  ///< waits until the gate `name` is open (FakeModule::open_gate())
  };
  enum class When {
    kAlways,
    kOnce,   ///< the model's first forward
    kAfter,  ///< all but its first `number`
    kMean,   ///< an item's mean pixel, rounded, is `number` (kNan, kWrongShape, kNoOutput: that
             ///< item)
    kAbove,  ///< the batch has more than `number` items
  };
  What what = What::kFail;
  When when = When::kAlways;
  int number = 0;
  std::chrono::nanoseconds time{0};
  std::string name;
};

/// A model of the fake back-end, read from its "model file": lines of words, in this language.
///
///     fake-model 1                      the first line
///     input CxHxW [uint8|float32] [nhwc]   default 3x4x4 float32 nchw; one item's shape
///     classes N                         default 256
///     labels a,b,c                      the archive's labels.txt; default none
///     activation none|softmax|sigmoid   default none
///     resize squash|letterbox           default squash
///     quantized-engine NAME
///     no-info                           the archive has no modelinfo
///     info-outputs N                    the modelinfo says that the output has N classes
///     batch-limit N                     the self-test allows no more
///     batch-time D                      what the self-test measured for every batch; e.g. 5ms
///     patience D                        ModelFacts::patience
///     load fail CODE | throw | slow D | gate NAME       CODE as to_string(Code) writes it
///     inspect fail CODE
///     lane fail | throw
///     stage late | throw | fail CODE | gate NAME    late: the frame is held until its forward, as
///                                                   on a GPU
///     forward FAULT [WHEN]              any number of them
///       FAULT: throw, throw-int, fail, nan, wrong-shape, no-output, oom, device-lost, slow D,
///              gate NAME
///       WHEN: always (default), once, after N, mean N, above N
///     # a comment
///
/// The output has a score of 1 for the class (mean pixel, rounded, modulo classes) and 0 for the
/// rest, so that a result proves which frame it belongs to.
struct FakeModelText {
  InputSpec input{DType::kFloat32, Layout::kNchw, 3, 4, 4};
  int classes = 256;
  int info_outputs = 0;
  std::string labels;
  std::string activation = "none";
  std::string resize = "squash";
  std::string quantized_engine;
  bool has_info = true;
  int batch_limit = 0;
  std::chrono::nanoseconds batch_time{0};
  std::chrono::nanoseconds patience{0};
  Code load_code = Code::kOk;
  bool load_throws = false;
  std::chrono::nanoseconds load_time{0};
  std::string load_gate;
  Code inspect_code = Code::kOk;
  bool stages_late = false;
  bool stage_throws = false;
  Code stage_code = Code::kOk;
  std::string stage_gate;
  bool lane_fails = false;
  bool lane_throws = false;
  std::vector<FakeFault> faults;

  /// kCorruptModel with the line that makes no sense.
  static Result<FakeModelText> parse(std::string_view text);

  /// The extra file `modelinfo`.
  std::string model_info() const;
};

}  // namespace torchinfer::test
