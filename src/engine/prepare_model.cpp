// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/prepare_model.h"

#include <future>
#include <semaphore>
#include <thread>
#include <utility>

#include "engine/exit_handler.h"
#include "engine/guard.h"
#include "engine/module.h"
#include "engine/shapes.h"
#include "engine/start_thread.h"

namespace torchinfer {
namespace {

// Bounds the memory that sixty streams need when they start at once, and still lets the others go
// on when one file lies on a server that does not answer.
constexpr int kMostAtOnce = 4;

Result<PreparedModel> prepare(const SessionRequest& request) {
  static std::counting_semaphore<kMostAtOnce> places(kMostAtOnce);
  places.acquire();
  const auto leave = [](void*) { places.release(); };
  const std::unique_ptr<void, decltype(leave)> place(&places, leave);

  PreparedModel prepared;
  const ModelCaps caps;
  auto file = read_model_file(request.model_file, request.model_sha256, caps);
  if (!file.ok()) return file.status();
  prepared.file = std::move(file).value();

  auto back_end = open_back_end();
  if (!back_end.ok()) return back_end.status();
  prepared.back_end = *back_end;

  const auto archive = prepared.back_end->inspect(prepared.file, caps);
  if (!archive.ok()) return archive.status();
  auto info = resolve_model_info({request.model_file, request.model_info_file, request.label_file,
                                  &archive->extra_files, !request.model_sha256.empty()});
  if (!info.ok()) return info.status();
  prepared.info = std::make_shared<const ModelInfo>(std::move(info).value());
  return prepared;
}

}  // namespace

Result<PreparedModel> prepare_model(const SessionRequest& request) {
  return guarded(Code::kInternal, "Opening the model", [&]() -> Result<PreparedModel> {
    const Opening opening;
    if (!opening.status().ok()) return opening.status();
    std::promise<Result<PreparedModel>> promise;
    auto future = promise.get_future();
    std::thread loader = start_thread("ti-open", [&] {
      promise.set_value(
          guarded(Code::kInternal, "Opening the model", [&] { return prepare(request); }));
    });
    loader.join();
    return future.get();
  });
}

Status check_model(const ModelInfo& info, const ModelFacts& facts) {
  if (!info.outputs.empty()) {
    if (info.outputs.size() != facts.outputs.size())
      return Status(Code::kBadModelInfo,
                    info.source + " describes " + std::to_string(info.outputs.size()) +
                        " outputs, but the model has " + std::to_string(facts.outputs.size()));
    for (std::size_t i = 0; i < facts.outputs.size(); ++i) {
      const OutputInfo& said = info.outputs[i];
      const OutputFacts& real = facts.outputs[i];
      if (!has_shape(real.dims, said.dims) || said.dtype != real.dtype)
        return Status(Code::kBadModelInfo, info.source + " says that output \"" + said.name +
                                               "\" is " + shape_text(said.dtype, said.dims) +
                                               " for one frame, but the model gives " +
                                               shape_text(real.dtype, real.dims));
    }
  }
  if (info.decode.task == ModelTask::kClassification && !facts.outputs.empty()) {
    const OutputFacts& scores = facts.outputs.front();
    std::int64_t classes = 1;
    for (const auto dim : scores.dims) {
      if (dim < 1 || (dim > 1 && classes > 1))
        return Status(Code::kBadOutput,
                      "The model's output \"" + scores.name + "\" is " +
                          shape_text(scores.dtype, scores.dims) +
                          " for one frame; classification needs one number per class");
      classes *= dim;
    }
    if (!info.labels.empty() && classes != static_cast<std::int64_t>(info.labels.size()))
      return Status(Code::kBadLabels, "The labels (" + std::to_string(info.labels.size()) +
                                          ") are not as many as the model's classes (" +
                                          std::to_string(classes) +
                                          "); set label-file to the list that belongs to it");
  }
  return {};
}

}  // namespace torchinfer
