// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_torch_input_dump.h"

#include <utility>

#include "gst_guard.h"

GST_DEBUG_CATEGORY_EXTERN (gst_torch_inference_debug);
#define GST_CAT_DEFAULT gst_torch_inference_debug

namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;

}  // namespace

std::shared_ptr<GstTorchInputDump>
GstTorchInputDump::create (
    GstElement *element, const std::string &path, const torchinfer::InputSpec &input) {
  auto writer = torchinfer::InputFileWriter::create (path, input, kMostBytes);
  if (!writer) {
    GST_ELEMENT_WARNING (element, RESOURCE, OPEN_WRITE,
        ("No inputs will be dumped: %s.", writer.status ().message ().c_str ()), (nullptr));
    return nullptr;
  }
  return std::shared_ptr<GstTorchInputDump> (
      new GstTorchInputDump (element, path, input, *std::move (writer)));
}

GstTorchInputDump::GstTorchInputDump (GstElement *element, std::string path,
    const torchinfer::InputSpec &input, std::unique_ptr<torchinfer::InputFileWriter> writer)
    : element_ (element), path_ (std::move (path)), input_ (input), writer_ (std::move (writer)) {}

GstTorchInputDump::~GstTorchInputDump () {
  if (writer_)
    GST_INFO_OBJECT (
        element_, "dumped %" G_GINT64_FORMAT " inputs to %s", writer_->items (), path_.c_str ());
}

void
GstTorchInputDump::see (std::span<const std::byte> item) noexcept {
  // What is thrown here is for want of memory, which the stream itself will meet.
  gst_torch_guard (element_, false, [&] {
    const auto status = write (item);
    if (!status.ok ())
      GST_ELEMENT_WARNING (element_, RESOURCE, WRITE,
          ("No more inputs are dumped: %s.", status.message ().c_str ()), (nullptr));
    return true;
  });
}

torchinfer::Status
GstTorchInputDump::write (std::span<const std::byte> item) {
  const std::lock_guard guard (mutex_);
  if (!writer_)
    return {};
  auto status = writer_->add (item);
  if (!status.ok ())
    writer_.reset ();
  return status;
}
