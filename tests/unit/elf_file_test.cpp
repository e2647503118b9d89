// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/elf_file.h"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "support/temp_folder.h"

namespace torchinfer::test {
namespace {

using testing::Contains;
using testing::StartsWith;

/// The fake back-end module: a library that this build has made.
std::string some_library() {
  return std::string(std::getenv("GST_TORCH_MODULE_PATH")) + "/libtorchinfer-torch.so";
}

TEST(ElfFile, SaysWhatALibraryIsLinkedWith) {
  const auto elf = read_elf_file(some_library());
  ASSERT_TRUE(elf);
  EXPECT_THAT(elf->needed, Contains("libtorchinfer.so"));
  EXPECT_THAT(elf->needed, Contains(StartsWith("libstdc++.so")));
  EXPECT_THAT(elf->search_path, testing::HasSubstr("$ORIGIN"));
}

TEST(ElfFile, SaysALibrarysName) {
  Dl_info info{};
  ASSERT_NE(dladdr(reinterpret_cast<const void*>(&read_elf_file), &info), 0);
  const auto elf = read_elf_file(info.dli_fname);
  ASSERT_TRUE(elf);
  EXPECT_EQ(elf->soname, "libtorchinfer.so");
}

TEST(ElfFile, ReadsNothingFromWhatIsNoLibrary) {
  TempFolder folder;
  EXPECT_FALSE(read_elf_file(folder.path("absent")));
  EXPECT_FALSE(read_elf_file(folder.path(".")));
  EXPECT_FALSE(read_elf_file(folder.write("empty", "")));
  EXPECT_FALSE(read_elf_file(folder.write("text", "#!/bin/sh\nexit 0\n")));
}

TEST(ElfFile, SurvivesDamagedFiles) {
  std::ifstream file(some_library(), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  bytes.resize(std::min<std::size_t>(bytes.size(), 1 << 16));
  TempFolder folder;
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    // The headers and the tables are at the front; a truncation now and then.
    for (int j = 0; j < 8; ++j) damaged[random() % 1024] = static_cast<char>(random());
    if (i % 3 == 0) damaged.resize(random() % damaged.size());
    damaged.replace(0, 4, "\177ELF");
    (void)read_elf_file(folder.write("damaged", damaged));
  }
}

}  // namespace
}  // namespace torchinfer::test
