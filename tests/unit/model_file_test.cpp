// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/model_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cctype>
#include <cstring>
#include <thread>

#include "support/allocation_probe.h"
#include "support/status_matchers.h"
#include "support/temp_folder.h"

namespace torchinfer {
namespace {

using test::FailsWith;
using test::IsOk;

// From FIPS 180-2's examples.
constexpr const char* kAbcDigest =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Status status_of(const std::string& path, const std::string& sha256 = {},
                 const ModelCaps& caps = {}) {
  return read_model_file(path, sha256, caps).status();
}

TEST(ModelFile, HoldsTheBytesAndTheirDigest) {
  const test::TempFolder folder;
  const auto file = read_model_file(folder.write("m.pt", "abc"), "", {});
  ASSERT_THAT(file.status(), IsOk());
  EXPECT_EQ(file->path, folder.path("m.pt"));
  EXPECT_EQ(file->sha256, kAbcDigest);
  ASSERT_EQ(file->bytes->size(), 3U);
  EXPECT_EQ(std::memcmp(file->bytes->data(), "abc", 3), 0);
}

TEST(ModelFile, DigestsFilesLongerThanOneStep) {
  const test::TempFolder folder;
  // 80 MiB of zeros, as sha256sum has it.
  const auto file = read_model_file(folder.write_sparse("m.pt", std::uintmax_t{80} << 20), "", {});
  ASSERT_THAT(file.status(), IsOk());
  EXPECT_EQ(file->sha256, "33a3a11d54de8ede604c243cedfde1ef4b534d5ea3279c9dd57df314045c23df");
}

TEST(ModelFile, ReadsThroughASymbolicLink) {
  const test::TempFolder folder;
  folder.write("real.pt", "abc");
  std::filesystem::create_symlink("real.pt", folder.path("m.pt"));
  EXPECT_THAT(status_of(folder.path("m.pt"), kAbcDigest), IsOk());
}

TEST(ModelFile, TakesThePinnedDigestInAnyCase) {
  const test::TempFolder folder;
  std::string digest = kAbcDigest;
  for (char& digit : digest) digit = static_cast<char>(std::toupper(digit));
  EXPECT_THAT(status_of(folder.write("m.pt", "abc"), digest), IsOk());
}

TEST(ModelFile, NamesBothDigestsWhenTheyDiffer) {
  const test::TempFolder folder;
  const std::string pinned(64, '0');
  EXPECT_THAT(status_of(folder.write("m.pt", "abc"), pinned),
              FailsWith(Code::kDigestMismatch, folder.path("m.pt"), kAbcDigest, pinned));
}

TEST(ModelFile, RefusesAPinThatIsNoDigestBeforeItReads) {
  for (const auto& pin : {std::string("abc"), std::string(63, '0'), std::string(65, '0'),
                          std::string(63, '0') + "g", " " + std::string(63, '0')}) {
    EXPECT_THAT(status_of("/nowhere/m.pt", pin),
                FailsWith(Code::kInvalidArgument, "64 hexadecimal digits"))
        << pin;
  }
}

TEST(ModelFile, SaysThatNoneIsSet) {
  EXPECT_THAT(status_of(""), FailsWith(Code::kNotFound, "model-file"));
}

TEST(ModelFile, SaysThatAFileIsMissing) {
  const test::TempFolder folder;
  EXPECT_THAT(status_of(folder.path("m.pt")), FailsWith(Code::kNotFound, folder.path("m.pt")));
  // A file where a folder should be.
  folder.write("file", "abc");
  EXPECT_THAT(status_of(folder.path("file/m.pt")), FailsWith(Code::kNotFound));
}

TEST(ModelFile, SaysWhatAPathThatShellsOrUriHandlersWouldReadIs) {
  EXPECT_THAT(status_of("file:///m.pt"), FailsWith(Code::kNotFound, "a path is wanted, not a URI"));
  EXPECT_THAT(status_of("~/m.pt"), FailsWith(Code::kNotFound, "write the path in full"));
  EXPECT_THAT(status_of("/nowhere/m.pt"), FailsWith(Code::kNotFound, "check the path"));
}

TEST(ModelFile, RefusesWhatIsNoRegularFile) {
  const test::TempFolder folder;
  EXPECT_THAT(status_of(folder.path("")), FailsWith(Code::kUnreadable, "is a folder"));
  EXPECT_THAT(status_of("/dev/zero"), FailsWith(Code::kUnreadable, "is a device"));
}

TEST(ModelFile, DoesNotWaitForAPipe) {
  const test::TempFolder folder;
  const auto path = folder.path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(status_of(path), FailsWith(Code::kUnreadable, "is a pipe"));
}

TEST(ModelFile, SaysWhatTheSystemSaysWhenItCannotOpen) {
  const test::TempFolder folder;
  const auto path = folder.path("loop.pt");
  std::filesystem::create_symlink("loop.pt", path);
  EXPECT_THAT(status_of(path), FailsWith(Code::kUnreadable, path, "cannot be opened: "));
}

TEST(ModelFile, NamesPermissionsAsTheRemedy) {
  const test::TempFolder folder;
  const auto path = folder.write("m.pt", "abc");
  std::filesystem::permissions(path, std::filesystem::perms::none);
  // root may read everything; where root cannot become somebody else, nothing can be shown.
  const bool root = geteuid() == 0;
  if (root) {
    std::filesystem::permissions(folder.path(""), std::filesystem::perms::all);
    if (seteuid(65534) != 0) GTEST_SKIP() << "runs as root and cannot become nobody";
  }
  const Status status = status_of(path);
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_THAT(status, FailsWith(Code::kUnreadable, path, "check its permissions"));
}

TEST(ModelFile, RefusesAnEmptyFile) {
  const test::TempFolder folder;
  EXPECT_THAT(status_of(folder.write("m.pt", "")),
              FailsWith(Code::kUnreadable, folder.path("m.pt"), "is empty"));
}

TEST(ModelFile, AppliesTheCapBeforeItSpendsMemory) {
  const test::TempFolder folder;
  const auto path = folder.write_sparse("m.pt", std::uintmax_t{5} << 30);
  test::AllocationProbe probe;
  probe.refuse_from(std::size_t{1} << 20);
  EXPECT_THAT(status_of(path), FailsWith(Code::kTooLarge, path, "5368709120", "4294967296"));
}

TEST(ModelFile, TakesAFileOfExactlyTheCap) {
  const test::TempFolder folder;
  const auto path = folder.write("m.pt", "abc");
  ModelCaps caps;
  caps.file_bytes = 3;
  EXPECT_THAT(status_of(path, "", caps), IsOk());
  caps.file_bytes = 2;
  EXPECT_THAT(status_of(path, "", caps), FailsWith(Code::kTooLarge));
}

TEST(ModelFile, SaysSoWhenMemoryIsOut) {
  const test::TempFolder folder;
  const auto path = folder.write_sparse("m.pt", std::uintmax_t{64} << 20);
  test::AllocationProbe probe;
  probe.refuse_from(std::size_t{1} << 20);
  EXPECT_THAT(status_of(path), FailsWith(Code::kOutOfMemory, path));
}

TEST(ModelFile, NeverTakesAMixtureOfTwoSizes) {
  const test::TempFolder folder;
  constexpr std::uintmax_t kShort = std::uintmax_t{1} << 20;
  const auto path = folder.write_sparse("m.pt", kShort);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int turn = 0; !stop; ++turn) std::filesystem::resize_file(path, kShort * (1 + turn % 2));
  });
  for (int i = 0; i < 40; ++i) {
    const auto file = read_model_file(path, "", {});
    if (file) {
      EXPECT_TRUE(file->bytes->size() == kShort || file->bytes->size() == 2 * kShort);
    } else {
      EXPECT_THAT(file.status(), FailsWith(Code::kUnreadable, "changed while it was read"));
    }
  }
  stop = true;
  writer.join();
}

TEST(ModelFile, RefusesAFileWithMoreInItThanItsSizeSays) {
  // The kernel's status files are regular, say 0 bytes and hold more, like a file that grows.
  struct stat facts{};
  if (stat("/proc/self/status", &facts) != 0) GTEST_SKIP() << "/proc is not mounted";
  EXPECT_THAT(status_of("/proc/self/status"),
              FailsWith(Code::kUnreadable, "changed while it was read"));
}

TEST(ModelFile, KeepsErrorTextsPrintable) {
  const Status status = status_of("/nowhere/\xFF\n\x1B[31m.pt");
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.message().find_first_of("\n\x1B\xFF"), std::string::npos);
}

}  // namespace
}  // namespace torchinfer
