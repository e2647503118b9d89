// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_error.h"

#include <string>

GstTorchError
gst_torch_error_from_code (torchinfer::Code code) {
  using torchinfer::Code;
  // No default: the compiler names a code that has no row.
  switch (code) {
    case Code::kInvalidArgument: return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS};
    case Code::kNotFound:
    case Code::kNoDevice: return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND};
    case Code::kUnreadable: return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ};
    case Code::kTooLarge:
    case Code::kCorruptModel: return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ};
    case Code::kDigestMismatch:
    case Code::kForbiddenOperator: return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED};
    case Code::kBadModelInfo:
    case Code::kBadLabels: return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS};
    case Code::kUnsupported: return {GST_STREAM_ERROR, GST_STREAM_ERROR_NOT_IMPLEMENTED};
    case Code::kModuleMissing:
    case Code::kForeignLibtorch: return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT};
    case Code::kOutOfMemory: return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT};
    case Code::kForwardFailed:
    case Code::kHung: return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED};
    case Code::kBadOutput: return {GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT};
    case Code::kDeviceLost: return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED};
    case Code::kCancelled: return {GST_CORE_ERROR, GST_CORE_ERROR_STATE_CHANGE};
    case Code::kInternal: return {GST_CORE_ERROR, GST_CORE_ERROR_FAILED};
    case Code::kOk: break;
  }
  return {0, 0};
}

void
gst_torch_post_status (GstElement *element, GstMessageType type, const torchinfer::Status &status,
    const char *source_file, const char *source_function, int source_line) {
  const auto [domain, code] = gst_torch_error_from_code (status.code ());
  g_return_if_fail (domain != 0);
  const std::string name (torchinfer::to_string (status.code ()));
  auto details = gst_structure_new ("details", "torch-code", G_TYPE_STRING, name.c_str (), nullptr);
  const auto debug = status.detail ().empty () ? name : name + ": " + status.detail ();
  gst_element_message_full_with_details (element, type, domain, code,
      g_strdup (status.message ().c_str ()), g_strdup (debug.c_str ()), source_file,
      source_function, source_line, details);
}
