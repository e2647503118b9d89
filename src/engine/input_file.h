// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/export.h"
#include "core/input_spec.h"
#include "core/status.h"

namespace torchinfer {

// Note: [Input files]
// What a model was given, item after item, as a NumPy file (.npy, format 1.0): an array of N items
// that numpy.load() reads, N x C x H x W or N x H x W x C as the model takes them. bfloat16, which
// NumPy lacks, is stored as its 16 bits (uint16). The header is kInputHeaderBytes long, padded with
// spaces, and is written anew after each item, behind its data: so the file is whole at any time,
// also when the process ends in the middle.

constexpr std::size_t kInputHeaderBytes = 128;

/// What the header of such a file says.
struct InputHeader {
  DType dtype = DType::kFloat32;
  std::int64_t items = 0;
  std::array<std::int64_t, 3> dims{};  ///< of one item; none is below 1
  std::size_t data_offset = 0;         ///< bytes before the first item

  TORCHINFER_API std::size_t item_bytes() const;
};

/// Reads the beginning of a NumPy file of any writer, at least its header: versions 1 to 3, four
/// dimensions, a type that models take, C order, this machine's byte order. kUnreadable, and
/// kUnsupported for what NumPy may write and this does not read; without the file's name.
TORCHINFER_API Result<InputHeader> parse_input_header(std::string_view begin);

/// Writes such a file. Not thread-safe.
class TORCHINFER_API InputFileWriter {
 public:
  /// Creates the file or empties it. It will not be longer than `most_bytes`. kUnreadable where it
  /// cannot be written, is none (a pipe, a device), holds something else than a .npy, or another
  /// writer has it.
  static Result<std::unique_ptr<InputFileWriter>> create(const std::string& path,
                                                         const InputSpec& input,
                                                         std::uint64_t most_bytes);
  virtual ~InputFileWriter() = default;

  /// `item` is as long as the spec says. kTooLarge where the file is full, kUnreadable where it
  /// cannot be written; it then holds the items before.
  virtual Status add(std::span<const std::byte> item) = 0;
  virtual std::int64_t items() const = 0;
  /// Bytes of the file.
  virtual std::uint64_t bytes() const = 0;
};

/// Reads such a file. Thread-safe.
class TORCHINFER_API InputFileReader {
 public:
  /// kNotFound, kUnreadable, kUnsupported; each names the file.
  static Result<std::unique_ptr<InputFileReader>> open(const std::string& path);
  virtual ~InputFileReader() = default;

  virtual const InputHeader& header() const = 0;
  /// Whether its items are what a model of that input takes.
  virtual bool fits(const InputSpec& input) const = 0;
  /// Reads item `index` < header().items into `item`, which is as long as one.
  virtual Status read(std::int64_t index, std::span<std::byte> item) const = 0;
};

}  // namespace torchinfer
