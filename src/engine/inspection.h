// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/input_spec.h"
#include "core/status.h"
#include "engine/back_end.h"
#include "model/model_file.h"

namespace torchinfer {

// What a person or a script is told of a model; gst-torch-inspect prints it. Plain values.

/// A method and what it takes and gives: "forward(Tensor x) -> Tensor".
struct MethodFacts {
  std::string name;
  std::string schema;
};

/// A module of the tree; the sums are its own and those of all below it. Weights that several
/// modules share count once in each.
struct PartFacts {
  std::string path;  ///< "layer1.0"; empty for the model itself
  std::string type;  ///< "torch.nn.modules.conv.Conv2d"
  std::int64_t parameters = 0;
  std::int64_t parameter_bytes = 0;
  std::int64_t buffers = 0;  ///< numbers that are no parameters, running means among them
  std::int64_t buffer_bytes = 0;
  std::vector<MethodFacts> methods;
};

/// What the archive itself says; nothing of it has been loaded.
struct ArchiveReport {
  std::size_t records = 0;
  std::uint64_t unpacked_bytes = 0;
  std::uint64_t code_bytes = 0;
  std::uint64_t version = 0;  ///< of the archive's format
  std::string producer;       ///< what can be told of the PyTorch that wrote it
  std::map<std::string, std::string> extra_files;  ///< as ArchiveFacts::extra_files
};

struct ModelReport {
  ArchiveReport archive;
  /// Named in the code and not known to this libtorch, as "namespace::name".
  std::vector<std::string> missing_operators;
  /// Why the model could not be loaded; what follows is empty then.
  Status load;
  std::vector<PartFacts> parts;                ///< depth first, the model itself at the front
  std::map<std::string, std::int64_t> dtypes;  ///< numbers stored, by element type
  std::int64_t constants = 0;  ///< numbers of tensors in the code, as a frozen model's weights
  std::vector<std::pair<std::string, int>>
      operators;                      ///< of forward(), inlined; most frequent first
  std::vector<std::string> devices;   ///< written into the code, the CPU included
  std::optional<int> channels;        ///< what the first convolution takes
  std::vector<std::string> warnings;  ///< sentences, what and what to do
};

/// What to print of a method.
struct ListingRequest {
  enum class Form : std::uint8_t { kGraph, kCode, kDot };
  Form form = Form::kGraph;
  std::string module;  ///< path in the tree; empty = the model
  std::string method = "forward";
  bool inlined = false;
};

/// What was found by running a model on noise.
struct ProbeReport {
  InputSpec input;                   ///< what it ran with
  bool other_sizes = false;          ///< whether it takes images of another size too
  std::vector<OutputFacts> outputs;  ///< of one item
  bool repeatable = true;            ///< whether the same input gives the same answer
  int largest_batch = 1;             ///< of 1, 2 and 3, whose rows are those of batches of one
  std::string batch_problem;         ///< why it is less than 3; empty when it is not
};

struct ProfileRequest {
  InputSpec input;
  int batch = 1;    ///< 1..64
  int threads = 1;  ///< intra-op threads
  int runs = 20;    ///< forwards that are measured, after two that are not
  /// Items, InputSpec::bytes() each, taken in turn; empty = noise.
  std::vector<std::vector<std::byte>> items;
};

/// Time of one line of a profile, for one forward.
struct ProfileLine {
  std::string name;
  double calls = 0.0;     ///< in one forward
  double self_ms = 0.0;   ///< mean, without what it called
  double total_ms = 0.0;  ///< mean, with what it called
};

/// One form of the model.
struct ProfiledForm {
  std::string name;                    ///< "as loaded", "optimize_for_inference"
  double forward_ms = 0.0;             ///< median, without observation
  double observed_ms = 0.0;            ///< mean while observed; what the lines add up to
  std::vector<ProfileLine> operators;  ///< most self time first; "(interpreter)" is what is in none
  /// By path; total is with what lies below. Time that belongs to no module that has a name is the
  /// model's own, with an empty path.
  std::vector<ProfileLine> modules;
};

struct ProfileReport {
  InputSpec input;
  int batch = 1;
  int threads = 1;
  int runs = 0;
  std::size_t frames = 0;            ///< distinct items; 0 = noise
  std::vector<ProfiledForm> forms;   ///< as loaded first, then as the element would run it
  std::string optimisation_problem;  ///< why there is no second form; empty where there is one
};

/// A device, and why it cannot be used; empty = it can.
struct DeviceFacts {
  std::string name;
  std::string problem;
};

/// What runs models here, for a bug report.
struct RuntimeReport {
  std::vector<std::pair<std::string, std::string>> facts;  ///< a name and a value, in order
  std::vector<DeviceFacts> devices;                        ///< with precisions, as "cpu, bf16"
};

/// A model that is open for looking. Of one thread at a time.
class Inspection {
 public:
  virtual ~Inspection() = default;
  virtual const ModelReport& report() const = 0;
  /// Text that ends with a newline. kInvalidArgument: no such module or method, with those that
  /// there are.
  virtual Result<std::string> listing(const ListingRequest& request) const = 0;
  /// Runs the model. `said`: from the model info, else common sizes are tried. kForwardFailed,
  /// kBadOutput with the reason, kUnsupported where forward() takes no image.
  virtual Result<ProbeReport> probe(const std::optional<InputSpec>& said) = 0;
  /// Runs the model. As probe(); kInvalidArgument for items of another size.
  virtual Result<ProfileReport> profile(const ProfileRequest& request) = 0;
};

/// Looks into models without an engine. A back-end's own object, valid as long as that.
/// Thread-safe.
class Inspector {
 public:
  virtual ~Inspector() = default;
  /// Checks the archive as a load for an element does and loads it, if it can be, on the CPU;
  /// nothing of it runs but what libtorch itself runs at load (docs/models.md). A model that is
  /// well formed and lacks operators here is a report with ModelReport::load. `quantized_engine`:
  /// as in LoadOptions. kCorruptModel, kTooLarge, kForbiddenOperator, kUnsupported.
  virtual Result<std::unique_ptr<Inspection>> open(const ModelFile& file, const ModelCaps& caps,
                                                   const std::string& quantized_engine) = 0;
  virtual RuntimeReport runtime() const = 0;
};

}  // namespace torchinfer
