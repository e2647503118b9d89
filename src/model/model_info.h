// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/export.h"
#include "core/status.h"
#include "model/decode_params.h"
#include "model/preprocess_params.h"

namespace torchinfer {

/// What the model info says of one output. dims of one item (no batch dimension), -1 = not said.
struct OutputInfo {
  std::string name;  ///< the section's title
  std::string id;    ///< tensor id of the public registry, may be empty
  DType dtype = DType::kFloat32;
  std::vector<std::int64_t> dims;
  bool operator==(const OutputInfo&) const = default;
};

/// Everything a user of a model needs and the graph does not say. docs/models.md describes the
/// file. A plain value.
struct ModelInfo {
  std::string source;          ///< where it came from: a path, or "<model>!modelinfo" when embedded
  std::string unread_sidecar;  ///< there, but not read, as the model is pinned; else empty
  std::string
      name;  ///< for people; the model file's name without its extension where the info has none
  std::string group_id;  ///< tensor group of the outputs, may be empty
  std::string
      quantized_engine;  ///< libtorch's engine that packed int8 weights, empty when there are none
  PreprocessParams preprocess;
  DecodeParams decode;
  std::vector<OutputInfo> outputs;  ///< empty: the model's own, found by the self-test
  std::vector<std::string> labels;  ///< by class index; empty: classes are known by number only
  bool operator==(const ModelInfo&) const = default;
};

/// Reads GStreamer's .modelinfo key-file format, version 1.x, and this project's own section.
/// `source` is kept and named in errors. Thread-safe. kBadModelInfo says which section and key, and
/// what is expected there; all keys that are needed and absent are asked for by name, at once.
/// kUnsupported: well-formed, but not handled (several inputs, another major version, ...).
/// kTooLarge: more than 1 MiB.
TORCHINFER_API Result<ModelInfo> parse_model_info(std::string_view text, std::string_view source);

/// The same from a regular file. Also kNotFound, kUnreadable, kOutOfMemory.
TORCHINFER_API Result<ModelInfo> read_model_info(const std::string& path);

/// Where a model's info and labels come from, strongest first: an explicit file, the sidecar
/// `<model>.modelinfo` (or the model's extension replaced), the archive's own extra files
/// `modelinfo` and `labels.txt`. A model that a digest pins has no sidecar: the digest does not
/// cover one, and whoever can put a file beside the model could give its numbers another meaning.
struct ModelInfoSources {
  std::string model_path;
  std::string model_info_file;  ///< empty: sidecar, then embedded
  std::string label_file;       ///< empty: embedded
  const std::map<std::string, std::string>* extra_files = nullptr;  ///< by name; not null
  bool pinned = false;  ///< the model file's digest was asked for
};

/// Finds, reads and joins them. The codes of the readers above; kBadModelInfo with the remedy where
/// no info exists at all; kBadLabels where the labels are not as many as the first output is said
/// to have classes. Thread-safe.
TORCHINFER_API Result<ModelInfo> resolve_model_info(const ModelInfoSources& sources);

}  // namespace torchinfer
