// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/zip_directory.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include "model/text.h"

namespace torchinfer {
namespace {

// APPNOTE.TXT of the zip format: signatures and sizes of the fixed parts of each structure.
constexpr std::uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50;
constexpr std::size_t kLocalHeaderSize = 30, kCentralHeaderSize = 46;
constexpr std::size_t kEndSize = 22, kEnd64Size = 56, kEnd64LocatorSize = 20;
constexpr std::size_t kLongestComment = 65535;
constexpr std::uint16_t kZip64Extra = 1, kMethodStored = 0, kMethodDeflated = 8;
constexpr std::uint32_t kFolderAttribute = 0x10;
constexpr std::uint16_t kEncrypted = 1 | 1 << 6 | 1 << 13;
constexpr std::uint32_t kIn64 = std::numeric_limits<std::uint32_t>::max();

/// Little-endian fields at checked places.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : bytes_(bytes) {}
  bool has(std::uint64_t offset, std::uint64_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  template <class T>
  T at(std::uint64_t offset) const {
    std::make_unsigned_t<T> value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value |= static_cast<T>(std::to_integer<T>(bytes_[offset + i]) << (8 * i));
    return value;
  }
  std::uint16_t u16(std::uint64_t offset) const { return at<std::uint16_t>(offset); }
  std::uint32_t u32(std::uint64_t offset) const { return at<std::uint32_t>(offset); }
  std::uint64_t u64(std::uint64_t offset) const { return at<std::uint64_t>(offset); }

 private:
  std::span<const std::byte> bytes_;
};

/// The directory's place.
struct Directory {
  std::uint64_t offset = 0, size = 0, entries = 0;
};

std::optional<std::uint64_t> find_end(std::span<const std::byte> file) {
  if (file.size() < kEndSize) return std::nullopt;
  const Fields fields(file);
  const auto last = file.size() - kEndSize;
  const auto first = last - std::min<std::size_t>(last, kLongestComment);
  for (auto at = last + 1; at-- > first;)
    if (fields.u32(at) == kEnd) return at;
  return std::nullopt;
}

Directory directory_at(std::span<const std::byte> file, std::uint64_t end) {
  const Fields fields(file);
  Directory directory{fields.u32(end + 16), fields.u32(end + 12), fields.u16(end + 10)};
  if (end >= kEnd64LocatorSize && fields.u32(end - kEnd64LocatorSize) == kEnd64Locator) {
    const auto end64 = fields.u64(end - kEnd64LocatorSize + 8);
    if (fields.has(end64, kEnd64Size) && fields.u32(end64) == kEnd64)
      directory = {fields.u64(end64 + 48), fields.u64(end64 + 40), fields.u64(end64 + 32)};
  }
  return directory;
}

/// Sizes and offsets that do not fit 32 bits stand in an extra field, in this order, each only
/// where its short form says so. False: one is missing.
bool read_long_fields(const Fields& fields, std::uint64_t at, std::uint64_t end, ZipEntry& entry) {
  const std::array<std::uint64_t*, 3> values{&entry.unpacked, &entry.packed, &entry.header_offset};
  if (std::ranges::none_of(values, [](auto* value) { return *value == kIn64; })) return true;
  while (at + 4 <= end) {
    const auto id = fields.u16(at);
    const std::uint64_t next = at + 4 + fields.u16(at + 2);
    if (next > end) return false;
    if (id == kZip64Extra) {
      at += 4;
      for (auto* value : values) {
        if (*value != kIn64) continue;
        if (at + 8 > next) return false;
        *value = fields.u64(at);
        at += 8;
      }
      return true;
    }
    at = next;
  }
  return false;
}

Status not_an_archive(std::span<const std::byte> file, const std::string& path) {
  const Fields fields(file);
  std::string what = "it is neither a zip file nor a part of one";
  if (file.empty()) {
    what = "it is empty";
  } else if (file.size() >= 4 && fields.u32(0) == kLocalHeader) {
    what = "it begins like one, but its end is missing: the file was cut short or is damaged";
  } else if (file.size() >= 2 && fields.u16(0) == 0x0280) {
    what = "it is a Python pickle, as old versions of torch.save() wrote them";
  } else if (std::ranges::none_of(file.first(std::min<std::size_t>(file.size(), 512)), [](auto b) {
               const auto c = std::to_integer<unsigned char>(b);
               return c < 32 && c != '\n' && c != '\r' && c != '\t';
             })) {
    what = "it is a text file";
  }
  return {Code::kCorruptModel, quoted_path(path) + " is not a TorchScript archive: " + what +
                                   ". Fetch it again, or export the model with gst-torch-export or "
                                   "torch.jit.script(model).save(file)"};
}

constexpr auto kCrcTables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    auto value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0U);
    tables[0][i] = value;
  }
  for (std::size_t t = 1; t < tables.size(); ++t)
    for (std::size_t i = 0; i < 256; ++i)
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFF];
  return tables;
}();

}  // namespace

Status damaged(const std::string& path, const std::string& what) {
  return {Code::kCorruptModel,
          quoted_path(path) + " is damaged: " + what + ". Fetch or export it again"};
}

std::uint32_t crc32(std::span<const std::byte> bytes) {
  // Eight bytes a step: a model of 100 MB takes a tenth of a second, not half of one.
  std::uint32_t crc = 0xFFFFFFFFU;
  const auto& t = kCrcTables;
  const Fields fields(bytes);
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    const auto low = fields.u32(at) ^ crc;
    const auto high = fields.u32(at + 4);
    crc = t[7][low & 0xFF] ^ t[6][(low >> 8) & 0xFF] ^ t[5][(low >> 16) & 0xFF] ^ t[4][low >> 24] ^
          t[3][high & 0xFF] ^ t[2][(high >> 8) & 0xFF] ^ t[1][(high >> 16) & 0xFF] ^
          t[0][high >> 24];
  }
  for (; at < bytes.size(); ++at)
    crc = (crc >> 8) ^ t[0][(crc ^ std::to_integer<std::uint32_t>(bytes[at])) & 0xFF];
  return ~crc;
}

Result<std::vector<ZipEntry>> read_zip_directory(std::span<const std::byte> file,
                                                 const std::string& path) {
  const auto end = find_end(file);
  if (!end) return not_an_archive(file, path);
  const auto directory = directory_at(file, *end);
  const Fields fields(file);
  if (!fields.has(directory.offset, directory.size) ||
      directory.entries > directory.size / kCentralHeaderSize)
    return damaged(path, "its directory lies outside the file");

  std::vector<ZipEntry> entries;
  entries.reserve(directory.entries);
  auto at = directory.offset;
  const auto limit = directory.offset + directory.size;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    const auto bad = [&] {
      return damaged(path, "entry " + std::to_string(i + 1) + " of its directory cannot be read");
    };
    if (limit - at < kCentralHeaderSize || fields.u32(at) != kCentralHeader) return bad();
    const std::uint64_t name = fields.u16(at + 28), extra = fields.u16(at + 30),
                        comment = fields.u16(at + 32);
    const auto next = at + kCentralHeaderSize + name + extra + comment;
    if (next > limit) return bad();
    ZipEntry entry;
    const auto method = fields.u16(at + 10);
    if ((fields.u16(at + 8) & kEncrypted) != 0 ||
        (method != kMethodStored && method != kMethodDeflated))
      return bad();
    entry.stored = method == kMethodStored;
    entry.crc32 = fields.u32(at + 16);
    entry.packed = fields.u32(at + 20);
    entry.unpacked = fields.u32(at + 24);
    entry.header_offset = fields.u32(at + 42);
    const auto name_at = at + kCentralHeaderSize;
    entry.name.assign(reinterpret_cast<const char*>(file.data() + name_at), name);
    if (!read_long_fields(fields, name_at + name, name_at + name + extra, entry)) return bad();
    if (entry.packed > file.size() || (entry.stored && entry.packed != entry.unpacked))
      return bad();
    // For these libtorch's reader reports success and hands out memory that nobody has written.
    const bool folder = (fields.u32(at + 38) & kFolderAttribute) != 0 || entry.name.ends_with('/');
    if (entry.unpacked > 0 && (folder || entry.packed == 0)) return bad();
    entries.push_back(std::move(entry));
    at = next;
  }
  return entries;
}

Status verify_zip_entry(std::span<const std::byte> file, const ZipEntry& entry,
                        const std::string& path) {
  if (!entry.stored) return {};
  const Fields fields(file);
  const auto header = entry.header_offset;
  if (!fields.has(header, kLocalHeaderSize) || fields.u32(header) != kLocalHeader)
    return damaged(path,
                   "the header of its record " + torchinfer::quoted(entry.name) + " is missing");
  const auto data = header + kLocalHeaderSize + fields.u16(header + 26) + fields.u16(header + 28);
  if (!fields.has(data, entry.packed))
    return damaged(path, "its record " + torchinfer::quoted(entry.name) + " lies outside the file");
  if (crc32(file.subspan(data, entry.packed)) != entry.crc32)
    return damaged(path,
                   "the checksum of its record " + torchinfer::quoted(entry.name) + " is wrong");
  return {};
}

}  // namespace torchinfer
