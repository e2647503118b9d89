// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/foreign_libtorch.h"

#include <link.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <vector>

#include "engine/elf_file.h"

namespace torchinfer {
namespace {

namespace fs = std::filesystem;

bool is_libtorch(const std::string& path) {
  const std::string name = fs::path(path).filename();
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"libtorch_cpu.so", "libtorch.so", "libc10.so"},
      [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::vector<std::string> loaded_libtorchs() {
  std::vector<std::string> paths;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* into) {
        const std::string path = object->dlpi_name;
        if (is_libtorch(path)) static_cast<std::vector<std::string>*>(into)->push_back(path);
        return 0;
      },
      &paths);
  return paths;
}

/// Where the module's own search path has the library, or empty: then the system's decides, which
/// takes what is loaded.
fs::path own_copy(const ElfFile& module, const fs::path& module_path, const std::string& name) {
  std::istringstream folders(module.search_path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    for (const std::string_view origin : {"$ORIGIN", "${ORIGIN}"})
      if (folder.starts_with(origin))
        folder = module_path.parent_path().string() + folder.substr(origin.size());
    std::error_code error;
    if (!folder.empty() && fs::exists(fs::path(folder) / name, error))
      return fs::path(folder) / name;
  }
  return {};
}

bool binds_to(const ElfFile& module, const fs::path& module_path, const std::string& loaded) {
  const auto elf = read_elf_file(loaded);
  const std::string name =
      elf && !elf->soname.empty() ? elf->soname : fs::path(loaded).filename().string();
  if (std::ranges::find(module.needed, name) == module.needed.end()) return false;
  const fs::path own = own_copy(module, module_path, name);
  std::error_code error;
  return own.empty() || fs::equivalent(own, loaded, error);
}

}  // namespace

std::string find_foreign_libtorch(const std::string& module_path) {
  const auto loaded = loaded_libtorchs();
  if (loaded.empty()) return {};
  const ElfFile module = read_elf_file(module_path).value_or(ElfFile{});
  // A libtorch is several libraries in one folder, of which the module names only some.
  std::vector<fs::path> ours;
  for (const auto& path : loaded)
    if (binds_to(module, module_path, path)) ours.push_back(fs::path(path).parent_path());
  for (const auto& path : loaded)
    if (std::ranges::find(ours, fs::path(path).parent_path()) == ours.end()) return path;
  return {};
}

}  // namespace torchinfer
