// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/labels.h"

#include <gtest/gtest.h>

#include "support/status_matchers.h"
#include "support/temp_folder.h"

namespace torchinfer {
namespace {

using test::FailsWith;
using test::IsOk;
using testing::ElementsAre;

std::vector<std::string> labels_of(std::string_view text) {
  auto labels = parse_labels(text, "labels.txt");
  EXPECT_THAT(labels.status(), IsOk());
  return labels ? *labels : std::vector<std::string>();
}

Status status_of(std::string_view text) { return parse_labels(text, "labels.txt").status(); }

TEST(Labels, AreOneALine) {
  EXPECT_THAT(labels_of("tench\ngoldfish\n"), ElementsAre("tench", "goldfish"));
}

TEST(Labels, NeedNoFinalNewline) {
  EXPECT_THAT(labels_of("tench\ngoldfish"), ElementsAre("tench", "goldfish"));
  EXPECT_THAT(labels_of("tench"), ElementsAre("tench"));
}

TEST(Labels, TakeFilesFromWindows) {
  EXPECT_THAT(labels_of("\xEF\xBB\xBFtench\r\ngoldfish\r\n"), ElementsAre("tench", "goldfish"));
}

TEST(Labels, AreKeptAsWritten) {
  EXPECT_THAT(labels_of(" black & gold <b>\nchat à neuf queues\t\n#3 = x;y\n"),
              ElementsAre(" black & gold <b>", "chat à neuf queues\t", "#3 = x;y"));
}

TEST(Labels, AreRefusedWhenThereAreNone) {
  for (const char* text : {"", "\n", "\xEF\xBB\xBF", "\xEF\xBB\xBF\n"}) {
    EXPECT_THAT(status_of(text), FailsWith(Code::kBadLabels, "labels.txt", "empty"));
  }
}

TEST(Labels, NameTheBlankLineSinceItWouldShiftNothingSilently) {
  EXPECT_THAT(status_of("a\n\nc\n"), FailsWith(Code::kBadLabels, "labels.txt", "empty line 2"));
  EXPECT_THAT(status_of("a\n \t\nc\n"), FailsWith(Code::kBadLabels, "empty line 2"));
  EXPECT_THAT(status_of("a\n\r\n"), FailsWith(Code::kBadLabels, "empty line 2"));
  EXPECT_THAT(status_of("a\nb\n\n"), FailsWith(Code::kBadLabels, "empty line 3"));
}

TEST(Labels, NameTheLineThatIsNotUtf8) {
  EXPECT_THAT(status_of("a\nb\xE9z\n"), FailsWith(Code::kBadLabels, "labels.txt", "line 2"));
  EXPECT_THAT(status_of(std::string_view("a\0b\n", 4)), FailsWith(Code::kBadLabels, "line 1"));
}

TEST(Labels, AreBounded) {
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += "x\n";
  EXPECT_EQ(labels_of(text).size(), 1'000'000U);
  EXPECT_THAT(status_of(text + "x\n"), FailsWith(Code::kBadLabels, "1000000 lines"));
  EXPECT_THAT(status_of(std::string((std::size_t{16} << 20) + 1, 'x')),
              FailsWith(Code::kTooLarge, "labels.txt"));
}

TEST(LabelFile, IsReadWhole) {
  const test::TempFolder folder;
  const auto labels = read_labels(folder.write("names.txt", "tench\ngoldfish\n"));
  ASSERT_THAT(labels.status(), IsOk());
  EXPECT_THAT(*labels, ElementsAre("tench", "goldfish"));
}

TEST(LabelFile, IsNamedInItsErrors) {
  const test::TempFolder folder;
  const auto status = [](const std::string& path) { return read_labels(path).status(); };
  EXPECT_THAT(status(folder.path("names.txt")),
              FailsWith(Code::kNotFound, "label file", folder.path("names.txt")));
  EXPECT_THAT(status(folder.path("")), FailsWith(Code::kUnreadable, "is a folder"));
  EXPECT_THAT(status(folder.write("names.txt", "")),
              FailsWith(Code::kBadLabels, folder.path("names.txt"), "empty"));
  EXPECT_THAT(status(folder.write_sparse("names.txt", (16 << 20) + 1)),
              FailsWith(Code::kTooLarge, folder.path("names.txt")));
}

}  // namespace
}  // namespace torchinfer
