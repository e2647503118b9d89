// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <mutex>
#include <string>

#include "engine/input_file.h"
#include "engine/input_tap.h"

/// Writes what a stream's frames became to the file that dump-inputs names (engine/input_file.h has
/// its format), up to 1 GiB. When it is full, or cannot be written, the bus gets one warning and the
/// stream goes on without. Thread-safe.
class GstTorchInputDump final : public torchinfer::InputTap {
 public:
  /// Null where the file cannot be made; a warning of `element`, which outlives the dump, says why.
  static std::shared_ptr<GstTorchInputDump> create (
      GstElement *element, const std::string &path, const torchinfer::InputSpec &input);
  ~GstTorchInputDump () override;

  /// Whether its file has room for inputs of another model.
  bool takes (const torchinfer::InputSpec &input) const { return input == input_; }

  void see (std::span<const std::byte> item) noexcept override;

 private:
  GstTorchInputDump (GstElement *element, std::string path, const torchinfer::InputSpec &input,
      std::unique_ptr<torchinfer::InputFileWriter> writer);
  /// Not ok once: nothing more is written then.
  torchinfer::Status write (std::span<const std::byte> item);

  GstElement *const element_;
  const std::string path_;
  const torchinfer::InputSpec input_;
  std::mutex mutex_;  ///< guards what follows; nothing is posted under it
  std::unique_ptr<torchinfer::InputFileWriter> writer_;  ///< null: no more
};
