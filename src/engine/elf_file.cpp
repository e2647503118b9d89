// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/elf_file.h"

#include <link.h>

#include <cstdint>
#include <cstring>
#include <fstream>

namespace torchinfer {
namespace {

using FileHeader = ElfW(Ehdr);
using Segment = ElfW(Phdr);
using Dynamic = ElfW(Dyn);

constexpr std::size_t kMostSegments = 256;
constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // of one table

template <class T>
bool read_at(std::ifstream& file, std::uint64_t offset, std::vector<T>& into) {
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  const auto bytes = static_cast<std::streamsize>(into.size() * sizeof(T));
  return file.read(reinterpret_cast<char*>(into.data()), bytes).gcount() == bytes;
}

/// Where in the file the byte of that address is.
std::optional<std::uint64_t> file_offset(const std::vector<Segment>& segments,
                                         std::uint64_t address) {
  for (const Segment& segment : segments)
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
        address - segment.p_vaddr < segment.p_filesz)
      return segment.p_offset + (address - segment.p_vaddr);
  return std::nullopt;
}

std::string text_at(const std::vector<char>& strings, std::uint64_t offset) {
  if (offset >= strings.size()) return {};
  return std::string(strings.data() + offset,
                     strnlen(strings.data() + offset, strings.size() - offset));
}

}  // namespace

std::optional<ElfFile> read_elf_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<FileHeader> header(1);
  constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  if (!read_at(file, 0, header) || std::memcmp(header[0].e_ident, ELFMAG, SELFMAG) != 0 ||
      header[0].e_ident[EI_CLASS] != kClass || header[0].e_phentsize != sizeof(Segment) ||
      header[0].e_phnum > kMostSegments)
    return std::nullopt;

  std::vector<Segment> segments(header[0].e_phnum);
  if (!read_at(file, header[0].e_phoff, segments)) return std::nullopt;

  std::vector<Dynamic> entries;
  for (const Segment& segment : segments)
    if (segment.p_type == PT_DYNAMIC && segment.p_filesz <= kMostBytes) {
      entries.resize(segment.p_filesz / sizeof(Dynamic));
      if (!read_at(file, segment.p_offset, entries)) return std::nullopt;
    }

  std::uint64_t strings_address = 0, strings_size = 0;
  for (const Dynamic& entry : entries) {
    if (entry.d_tag == DT_STRTAB) strings_address = entry.d_un.d_ptr;
    if (entry.d_tag == DT_STRSZ) strings_size = entry.d_un.d_val;
  }
  const auto strings_offset = file_offset(segments, strings_address);
  if (!strings_offset || strings_size > kMostBytes) return std::nullopt;
  std::vector<char> strings(strings_size);
  if (!read_at(file, *strings_offset, strings)) return std::nullopt;

  ElfFile elf;
  std::string rpath;
  for (const Dynamic& entry : entries) {
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_SONAME) elf.soname = text_at(strings, entry.d_un.d_val);
    if (entry.d_tag == DT_NEEDED) elf.needed.push_back(text_at(strings, entry.d_un.d_val));
    if (entry.d_tag == DT_RUNPATH) elf.search_path = text_at(strings, entry.d_un.d_val);
    if (entry.d_tag == DT_RPATH) rpath = text_at(strings, entry.d_un.d_val);
  }
  if (elf.search_path.empty()) elf.search_path = rpath;
  return elf;
}

}  // namespace torchinfer
