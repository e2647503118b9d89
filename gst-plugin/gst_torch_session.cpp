// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_session.h"

#include <algorithm>
#include <string>

#include "gst_torch_structure.h"

namespace {

using torchinfer::Code;
using torchinfer::Precision;
using torchinfer::Status;

const char *
precision_name (Precision precision) {
  switch (precision) {
    case Precision::kAuto: return "auto";
    case Precision::kFp32: return "fp32";
    case Precision::kBf16: return "bf16";
    case Precision::kFp16: return "fp16";
  }
  return "unknown";
}

/// Unlike the device, the back-end or a setting.
bool
is_about_the_model (Code code) {
  switch (code) {
    case Code::kTooLarge:
    case Code::kCorruptModel:
    case Code::kForbiddenOperator:
    case Code::kUnsupported:
    case Code::kOutOfMemory:
    case Code::kForwardFailed:
    case Code::kBadOutput:
    case Code::kInternal: return true;
    default: return false;
  }
}

std::string
milliseconds (double ns) {
  char text[32];
  g_snprintf (text, sizeof (text), "%.1f ms", ns / 1e6);
  return text;
}

/// "cpu" or "cpu (auto: ...)".
std::string
device_text (const torchinfer::SessionRequest &request, const torchinfer::ModelFacts &facts) {
  auto text = torchinfer::to_string (facts.device);
  if (request.device.kind == torchinfer::DeviceId::Kind::kAuto)
    text += " (chosen by auto)";
  return text;
}

}  // namespace

torchinfer::Result<torchinfer::SessionRequest>
gst_torch_session_request (const GstTorchSettings &settings) {
  if (settings.model_file.empty ())
    return Status (Code::kNotFound,
        "No model to run: set the property model-file to a TorchScript archive, such as "
        "gst-torch-export writes.");
  const auto device = torchinfer::parse_device_id (settings.device);
  if (!device)
    return device.status ();

  torchinfer::SessionRequest request;
  request.model_file = settings.model_file;
  request.model_info_file = settings.model_info_file;
  request.label_file = settings.label_file;
  request.model_sha256 = settings.model_sha256;
  request.device = *device;
  request.precision = settings.precision;
  request.batch_size = static_cast<int> (settings.batch_size);
  request.workers = std::max (settings.workers, 0);
  request.threads = std::max (settings.threads, 0);
  request.engine_name = settings.engine_name;
  return request;
}

torchinfer::Status
gst_torch_name_model (const torchinfer::Status &status, const torchinfer::SessionRequest &request) {
  auto text = status.message ();
  if (status.code () == Code::kForwardFailed || status.code () == Code::kBadOutput)
    text += "; see whether its model info describes the input that the model takes";
  if (text.find (request.model_file) == std::string::npos && is_about_the_model (status.code ()))
    text = "The model \"" + request.model_file + "\" cannot be used: " + text;
  return Status (status.code (), text, status.detail ());
}

void
gst_torch_set_engine (GstStructure *structure, const torchinfer::Session &session) {
  const auto engine = session.engine ();
  gst_torch_set (structure, "engine-id", guint64{engine.id});
  gst_torch_set (structure, "engine-name", engine.name);
  gst_torch_set (structure, "engine-users", session.engine_users ());
  gst_torch_set_file_name (structure, "model-file", engine.model_path);
  gst_torch_set (structure, "model-sha256", engine.model_sha256);
  gst_torch_set (structure, "device", torchinfer::to_string (engine.facts.device));
  gst_torch_set (structure, "batch-size", engine.facts.batch_size);
  gst_torch_set (structure, "workers", engine.workers);
  gst_torch_set (structure, "threads", engine.threads);
}

GstMessage *
gst_torch_loaded_message (GstElement *element, const torchinfer::SessionRequest &request,
    const torchinfer::Session &session, GstClockTime load_time, bool unchanged) {
  const auto engine = session.engine ();
  const auto model = session.model ();
  const auto &facts = engine.facts;
  const auto loaded = gst_structure_new_empty ("torchinference-loaded");
  gst_torch_set_engine (loaded, session);
  gst_torch_set (loaded, "shared", engine.shared);
  gst_torch_set (loaded, "unchanged", unchanged);
  gst_torch_set (loaded, "not-shared-with", engine.similar);
  gst_torch_set (loaded, "model-info", model->source);
  gst_torch_set (loaded, "labels", static_cast<gint> (model->labels.size ()));
  gst_torch_set (loaded, "runtime", facts.runtime);
  gst_torch_set (loaded, "requested-device", torchinfer::to_string (request.device));
  gst_torch_set (loaded, "precision", std::string (precision_name (facts.precision)));
  gst_torch_set (loaded, "batch-size-reason", facts.batch_size_reason);
  gst_torch_set (loaded, "optimisation", facts.optimisation);
  gst_torch_set (loaded, "optimisation-reason", facts.optimisation_reason);
  gst_torch_set (loaded, "self-test-difference", facts.self_test_difference);
  gst_torch_set (loaded, "load-time", guint64{load_time});
  const auto times = gst_structure_new_empty ("batch-times");
  for (const auto &[size, time] : facts.batch_times)
    gst_torch_set (times, ("size-" + std::to_string (size)).c_str (), time);
  gst_torch_take (loaded, times);
  return gst_message_new_element (GST_OBJECT_CAST (element), loaded);
}

std::string
gst_torch_loaded_line (const torchinfer::SessionRequest &request,
    const torchinfer::Session &session, GstClockTime load_time) {
  const auto engine = session.engine ();
  const auto model = session.model ();
  const auto &facts = engine.facts;
  std::string text = engine.shared ? "shares engine " : "loaded engine ";
  text += std::to_string (engine.id);
  if (!engine.name.empty ())
    text += " \"" + engine.name + "\"";
  text += " (" + std::to_string (session.engine_users ()) + " users) in " +
          milliseconds (static_cast<double> (load_time)) + ": " + engine.model_path + ", sha256 " +
          engine.model_sha256 + ", model info " + model->source +
          (model->unread_sidecar.empty ()
                  ? ""
                  : " (" + model->unread_sidecar + " is not read: model-sha256 is set)") +
          ", " + facts.runtime + ", device " + device_text (request, facts) + ", " +
          precision_name (facts.precision) + ", " + std::to_string (engine.workers) +
          " workers of " + std::to_string (engine.threads) + " threads, batch-size " +
          std::to_string (facts.batch_size);
  if (!facts.batch_size_reason.empty ())
    text += " (" + facts.batch_size_reason + ")";
  text += ", optimisation " + facts.optimisation;
  if (!facts.optimisation_reason.empty ())
    text += " (" + facts.optimisation_reason + ")";
  text += ", self-test difference " + std::to_string (facts.self_test_difference) + ", forward";
  for (const auto &[size, time] : facts.batch_times)
    text += " " + std::to_string (size) + ": " + milliseconds (static_cast<double> (time.count ()));
  for (const auto &why : engine.similar) text += "; " + why;
  return text;
}
