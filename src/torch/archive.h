// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "model/model_file.h"
#include "torch/zip_directory.h"

namespace caffe2::serialize {
class PyTorchStreamReader;
class ReadAdapterInterface;
}  // namespace caffe2::serialize

namespace torchinfer {

/// A TorchScript archive in memory, of which nothing has been run. Of one thread at a time.
class Archive {
 public:
  /// Checks the directory against the caps before anything is unpacked. kCorruptModel (also for a
  /// zip file that is something else, and says what), kTooLarge (the sum; a compressed record above
  /// 64 MiB, code above 16 MiB), kUnsupported (a torch.export program).
  static Result<Archive> open(const ModelFile& file, const ModelCaps& caps);

  Archive(Archive&&) noexcept;
  ~Archive();

  std::uint64_t unpacked_bytes() const { return unpacked_bytes_; }
  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// Whether there is a record of that name, which is without the archive's folder.
  bool has(const std::string& record) const;
  /// A record's bytes. kNotFound, kTooLarge, kCorruptModel.
  Result<std::string> text(const std::string& record, std::uint64_t most_bytes) const;
  /// Of the archive's format, not of PyTorch.
  std::uint64_t version() const;

  /// The extra files `modelinfo` and `labels.txt`, those that are there. kTooLarge above 16 MiB
  /// each.
  Result<std::map<std::string, std::string>> extra_files() const;

  /// Compares what is stored uncompressed, so the weights, with its checksums. kCorruptModel.
  Status verify_checksums() const;

  /// libtorch runs code while it loads it: default arguments, initialisers of class constants,
  /// `__setstate__`, and whatever these call. The scan of the loaded graph comes too late for that,
  /// so no code of an archive may contain a name that could reach a refused operator or class,
  /// whether it would run at load or not (code_scan.h says where a name counts).
  /// kForbiddenOperator, kCorruptModel.
  Status check_code() const;

  /// Hands over each source file of the model's code, its name and text, one at a time. Ends with
  /// the first Status that is not ok; kCorruptModel where one cannot be read or `look` throws.
  Status for_each_code(
      const std::function<Status(const std::string& record, const std::string& text)>& look) const;

  /// For libtorch to read from; shares the file's bytes.
  std::shared_ptr<caffe2::serialize::ReadAdapterInterface> adapter() const;

 private:
  Archive();
  std::string path_;
  std::shared_ptr<const Bytes> bytes_;
  std::vector<ZipEntry> entries_;
  std::uint64_t unpacked_bytes_ = 0;
  std::unique_ptr<caffe2::serialize::PyTorchStreamReader> reader_;
};

}  // namespace torchinfer
