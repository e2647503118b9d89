// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>

#include "model/file_bytes.h"
#include "model/labels.h"
#include "model/model_info.h"
#include "model/text.h"

namespace torchinfer {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;

// What a user may copy and adapt.
constexpr const char* kSample =
    "[modelinfo]\n"
    "version=1.0\n"
    "[input_0]\n"
    "dir=input\n"
    "type=float32\n"
    "dims=-1,3,224,224\n"
    "ranges=-2.1179,2.2489;-2.0357,2.4286;-1.8044,2.6400\n"
    "[torchinference]\n"
    "task=classification\n"
    "resize=short-side\n"
    "resize-size=256\n"
    "interpolation=bilinear\n"
    "color-order=rgb\n"
    "activation=softmax\n";

/// An extra file of the archive; libtorch's own reader cannot tell an empty one from none, so an
/// empty one counts as none here too.
const std::string* embedded(const ModelInfoSources& sources, const std::string& name) {
  const auto found = sources.extra_files->find(name);
  return found != sources.extra_files->end() && !found->second.empty() ? &found->second : nullptr;
}

/// Where a sidecar may be, strongest first.
std::array<std::string, 2> sidecar_paths(const std::string& model_path) {
  std::filesystem::path replaced(model_path);
  replaced.replace_extension(".modelinfo");
  return {model_path + ".modelinfo", replaced.string()};
}

/// The first that exists, whatever it is; empty when none does.
std::string find_sidecar(const std::string& model_path) {
  for (const auto& path : sidecar_paths(model_path)) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return {};
}

/// The info of the first file that exists; nothing when none does.
std::optional<Result<ModelInfo>> read_sidecar(const std::string& model_path) {
  for (const auto& path : sidecar_paths(model_path)) {
    auto info = read_model_info(path);
    // One that is there and unusable is an error: its owner means it to be used.
    if (info.ok() || info.status().code() != Code::kNotFound) return info;
  }
  return std::nullopt;
}

Result<ModelInfo> find_info(const ModelInfoSources& sources) {
  if (!sources.model_info_file.empty()) return read_model_info(sources.model_info_file);
  std::string unread;
  if (sources.pinned) {
    unread = find_sidecar(sources.model_path);
  } else if (auto info = read_sidecar(sources.model_path)) {
    return std::move(*info);
  }
  if (const auto* text = embedded(sources, "modelinfo")) {
    auto info = parse_model_info(*text, sources.model_path + "!modelinfo");
    if (info) info->unread_sidecar = unread;
    return info;
  }
  if (!unread.empty()) {
    return Status(Code::kBadModelInfo,
                  "The model " + quoted_path(sources.model_path) +
                      " has no model info inside, and model-sha256 does not cover " +
                      quoted_path(unread) + "; to use that, set model-info-file to it");
  }
  return Status(Code::kBadModelInfo,
                "The model " + quoted_path(sources.model_path) +
                    " does not say how frames become its input; export it with gst-torch-export, "
                    "or describe it in " +
                    quoted_path(sources.model_path + ".modelinfo") +
                    " (docs/models.md names the keys), or set model-info-file",
                std::string("A model info file to adapt:\n") + kSample);
}

Result<std::vector<std::string>> find_labels(const ModelInfoSources& sources) {
  if (!sources.label_file.empty()) return read_labels(sources.label_file);
  if (const auto* text = embedded(sources, "labels.txt")) {
    return parse_labels(*text, sources.model_path + "!labels.txt");
  }
  return std::vector<std::string>();
}

/// The classes that the first output is said to have; nothing when that is open.
std::optional<std::uint64_t> class_count(const ModelInfo& info) {
  if (info.outputs.empty()) return std::nullopt;
  std::uint64_t count = 1;
  for (const auto dim : info.outputs.front().dims) {
    if (dim < 0) return std::nullopt;
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(dim), &count)) return std::nullopt;
  }
  return count;
}

}  // namespace

Result<ModelInfo> read_model_info(const std::string& path) {
  const auto bytes = read_file(path, kMostBytes, "model info file");
  if (!bytes) return bytes.status();
  return parse_model_info(as_text(*bytes), path);
}

Result<ModelInfo> resolve_model_info(const ModelInfoSources& sources) {
  auto info = find_info(sources);
  if (!info) return info;
  auto labels = find_labels(sources);
  if (!labels) return labels.status();
  info->labels = std::move(*labels);
  if (info->name.empty()) info->name = std::filesystem::path(sources.model_path).stem().string();

  const auto classes = class_count(*info);
  if (classes && !info->labels.empty() && *classes != info->labels.size()) {
    const std::string where =
        sources.label_file.empty() ? sources.model_path + "!labels.txt" : sources.label_file;
    return Status(Code::kBadLabels,
                  "The labels " + quoted_path(where) + " (" + std::to_string(info->labels.size()) +
                      ") are not as many as the model's classes (" + std::to_string(*classes) +
                      ", says the model info " + quoted_path(info->source) +
                      "); give the label file that belongs to this model");
  }
  return info;
}

}  // namespace torchinfer
