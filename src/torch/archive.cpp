// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/archive.h"

#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>

#include "model/text.h"
#include "torch/code_scan.h"
#include "torch/errors.h"

namespace torchinfer {
namespace {

constexpr std::uint64_t kLargestExtraFile = std::uint64_t{16} << 20;
constexpr std::array<const char*, 2> kExtraFiles{"modelinfo", "labels.txt"};
/// PyTorch compresses code and its debug information only, and stores all else, so that the file's
/// size bounds it.
constexpr std::uint64_t kLargestCompressed = std::uint64_t{64} << 20;
constexpr std::uint64_t kLargestCode = std::uint64_t{16} << 20;
/// libtorch's reader lists longer names cut off, and finds them whole.
constexpr std::size_t kLongestName = 511;

/// libtorch's own adapter for memory copies from wherever a crafted directory points to.
class BytesAdapter final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit BytesAdapter(std::shared_ptr<const Bytes> bytes) : bytes_(std::move(bytes)) {}
  std::size_t size() const override { return bytes_->size(); }
  std::size_t read(std::uint64_t at, void* out, std::size_t size, const char*) const override {
    if (at >= bytes_->size()) return 0;
    size = std::min<std::size_t>(size, bytes_->size() - at);
    std::memcpy(out, bytes_->data() + at, size);
    return size;
  }

 private:
  std::shared_ptr<const Bytes> bytes_;
};

/// Entries stand in one folder, which is named after the file that the archive was first saved as.
std::string_view without_folder(std::string_view name) {
  const auto slash = name.find('/');
  return slash == name.npos ? name : name.substr(slash + 1);
}

/// libtorch's reader finds records whatever the case of their ASCII letters.
std::string folded(std::string_view name) {
  std::string text(name);
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// The name by which libtorch's reader knows a record.
std::string record_name(const ZipEntry& entry) { return folded(without_folder(entry.name)); }

bool is_code(const ZipEntry& entry) {
  const auto name = record_name(entry);
  return name.starts_with("code/") && name.ends_with(".py");
}

/// Of one record; the sum is checked apart.
Status check_size(const ZipEntry& entry, const std::string& path) {
  const auto refuse = [&](const std::string& kind, std::uint64_t most) -> Status {
    return {Code::kTooLarge, kind + " record " + torchinfer::quoted(entry.name) + " in " +
                                 quoted_path(path) + " would unpack to " +
                                 std::to_string(entry.unpacked) + " bytes; at most " +
                                 std::to_string(most) +
                                 " are read. If it is no attack, load the model in PyTorch and "
                                 "save it again with torch.jit.save()"};
  };
  if (is_code(entry) && entry.unpacked > kLargestCode) return refuse("the code", kLargestCode);
  if (!entry.stored && entry.unpacked > kLargestCompressed)
    return refuse("the compressed", kLargestCompressed);
  return {};
}

/// What was looked at under a name must be what libtorch's reader gives under it.
Status check_names(const std::vector<ZipEntry>& entries, const std::string& path) {
  std::map<std::string, const ZipEntry*> known;
  for (const auto& entry : entries) {
    if (entry.name.size() > kLongestName || entry.name.find('\0') != entry.name.npos)
      return damaged(path, "its record " + torchinfer::quoted(entry.name) +
                               " has a name that PyTorch never writes");
    const auto [other, is_new] = known.emplace(folded(entry.name), &entry);
    if (!is_new)
      return damaged(path, "it has two records " + torchinfer::quoted(other->second->name) +
                               " and " + torchinfer::quoted(entry.name) +
                               ", which libtorch cannot tell apart");
  }
  return {};
}

Status check_kind(const std::vector<ZipEntry>& entries, const std::string& path) {
  const auto has = [&](std::string_view name) {
    return std::ranges::find(entries, name, record_name) != entries.end();
  };
  const bool has_code = std::ranges::any_of(entries, is_code);
  const bool has_version = has("version") || has(".data/version");
  // libtorch prefers the old format where an archive has both, and takes code from other records.
  const bool is_old = has("model.json");
  if (has("data.pkl") && has("constants.pkl") && has_version && has_code && !is_old) return {};
  // The first name is that of PyTorch up to 2.6, the second that of later ones.
  if (has("serialized_exported_program.json") || has("archive_format"))
    return {Code::kUnsupported,
            quoted_path(path) +
                " is a torch.export program (.pt2); this build runs TorchScript archives. Export "
                "the model with gst-torch-export or torch.jit.script(model).save(file)"};
  std::string what = "it is a zip file of another kind";
  if (is_old)
    what = "it has the format of PyTorch before 1.2; load it there and save it again";
  else if (has("data.pkl"))
    what =
        "it was written by torch.save() and holds weights or a pickled model, no code that could "
        "run without Python";
  return {Code::kCorruptModel,
          quoted_path(path) + " is not a TorchScript archive: " + what +
              ". Export the model with gst-torch-export or torch.jit.script(model).save(file)"};
}

/// libtorch's reader reads some records as soon as it is made, and leaks where it fails to.
Status check_what_the_reader_needs(const ModelFile& file, const std::vector<ZipEntry>& entries) {
  const auto folder = entries.front().name.substr(0, entries.front().name.find('/') + 1);
  for (const auto& entry : entries) {
    if (folder.empty() || !entry.name.starts_with(folder))
      return damaged(file.path, "its records do not stand in one folder");
    const auto name = record_name(entry);
    if (name != "version" && !name.starts_with(".data/")) continue;
    if (!entry.stored)
      return damaged(file.path,
                     "its record \"" + name + "\" is compressed, as PyTorch never writes it");
    if (auto status = verify_zip_entry(*file.bytes, entry, file.path); !status.ok()) return status;
  }
  return {};
}

}  // namespace

Archive::Archive() = default;
Archive::Archive(Archive&&) noexcept = default;
Archive::~Archive() = default;

Result<Archive> Archive::open(const ModelFile& file, const ModelCaps& caps) {
  Archive archive;
  archive.path_ = file.path;
  archive.bytes_ = file.bytes;
  auto entries = read_zip_directory(*file.bytes, file.path);
  if (!entries) return entries.status();
  archive.entries_ = std::move(*entries);
  for (const auto& entry : archive.entries_) {
    if (entry.unpacked >
        caps.unpacked_bytes - std::min(caps.unpacked_bytes, archive.unpacked_bytes_))
      return Status(Code::kTooLarge, quoted_path(file.path) + " would unpack to more than " +
                                         std::to_string(caps.unpacked_bytes) +
                                         " bytes; that is either not a model or an attack");
    archive.unpacked_bytes_ += entry.unpacked;
    if (auto status = check_size(entry, file.path); !status.ok()) return status;
  }
  if (auto status = check_names(archive.entries_, file.path); !status.ok()) return status;
  if (auto status = check_kind(archive.entries_, file.path); !status.ok()) return status;

  return guarded(
      Code::kCorruptModel, quoted_path(file.path) + " is damaged", [&]() -> Result<Archive> {
        if (auto status = check_what_the_reader_needs(file, archive.entries_); !status.ok())
          return status;
        archive.reader_ =
            std::make_unique<caffe2::serialize::PyTorchStreamReader>(archive.adapter());
        // Both readers must have seen one directory, or what was checked is something else.
        const auto same = [&](const std::string& name, const ZipEntry& entry) {
          return name == without_folder(entry.name) &&
                 archive.reader_->getRecordSize(name) == entry.unpacked;
        };
        if (!std::ranges::equal(archive.reader_->getAllRecords(), archive.entries_, same))
          return damaged(file.path, "it has two directories that differ");
        return std::move(archive);
      });
}

std::shared_ptr<caffe2::serialize::ReadAdapterInterface> Archive::adapter() const {
  return std::make_shared<BytesAdapter>(bytes_);
}

bool Archive::has(const std::string& record) const { return reader_->hasRecord(record); }

Result<std::string> Archive::text(const std::string& record, std::uint64_t most_bytes) const {
  const std::string_view extra = "extra/";
  const auto called = record.starts_with(extra)
                          ? "the extra file " + torchinfer::quoted(record.substr(extra.size()))
                          : "the record " + torchinfer::quoted(record);
  return guarded(Code::kCorruptModel, quoted_path(path_) + " is damaged",
                 [&]() -> Result<std::string> {
                   if (!reader_->hasRecord(record))
                     return Status(Code::kNotFound, quoted_path(path_) + " lacks " + called);
                   if (const auto size = reader_->getRecordSize(record); size > most_bytes)
                     return Status(Code::kTooLarge, called + " in " + quoted_path(path_) + " has " +
                                                        std::to_string(size) + " bytes; at most " +
                                                        std::to_string(most_bytes) + " are read");
                   const auto [data, size] = reader_->getRecord(record);
                   return std::string(static_cast<const char*>(data.get()), size);
                 });
}

Result<std::map<std::string, std::string>> Archive::extra_files() const {
  std::map<std::string, std::string> files;
  for (const std::string name : kExtraFiles) {
    auto file = text("extra/" + name, kLargestExtraFile);
    if (file)
      files.emplace(name, std::move(*file));
    else if (file.status().code() != Code::kNotFound)
      return file.status();
  }
  return files;
}

Status Archive::verify_checksums() const {
  for (const auto& entry : entries_)
    if (auto status = verify_zip_entry(*bytes_, entry, path_); !status.ok()) return status;
  return {};
}

std::uint64_t Archive::version() const { return reader_->version(); }

Status Archive::for_each_code(
    const std::function<Status(const std::string&, const std::string&)>& look) const {
  return guarded(Code::kCorruptModel, "the code in " + quoted_path(path_) + " cannot be read",
                 [&]() -> Status {
                   for (const auto& entry : entries_) {
                     if (!is_code(entry)) continue;
                     const std::string record(without_folder(entry.name));
                     const auto [data, size] = reader_->getRecord(record);
                     const std::string text(static_cast<const char*>(data.get()), size);
                     if (auto status = look(record, text); !status.ok()) return status;
                   }
                   return {};
                 });
}

Status Archive::check_code() const {
  return for_each_code([&](const std::string& record, const std::string& text) -> Status {
    const auto name = find_forbidden_name(record, text);
    if (name.empty()) return {};
    return {Code::kForbiddenOperator,
            "the code of the model in " + quoted_path(path_) + " (" + quoted(record) +
                ") uses the name " + quoted(name) +
                ", which is that of an operator for files or the network; such models are "
                "refused. If it is the name of an attribute or method of your own, give it "
                "another one and export the model again"};
  });
}

}  // namespace torchinfer
