// SPDX-License-Identifier: LGPL-2.1-or-later
// What the back-end module says of a file before it loads anything of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "support/torch_module.h"

namespace torchinfer {
namespace {

using test::bytes_of;
using test::model_file;
using test::model_file_of;
using test::torch_back_end;
using ::testing::HasSubstr;

Result<ArchiveFacts> inspect(const ModelFile& file, ModelCaps caps = {}) {
  return torch_back_end().inspect(file, caps);
}

Status refusal(const std::string& name, ModelCaps caps = {}) {
  return inspect(model_file(name), caps).status();
}

/// Pages that this process has ever held at once, in bytes; 0 where the kernel does not tell.
std::uint64_t peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      std::uint64_t kibibytes = 0;
      status >> kibibytes;
      return kibibytes << 10;
    }
  return 0;
}

TEST(TorchArchive, GivesModelInfoAndLabels) {
  const auto facts = inspect(model_file("classifier"));
  ASSERT_TRUE(facts.ok()) << facts.status().message();
  EXPECT_THAT(facts->extra_files.at("modelinfo"), HasSubstr("[modelinfo]\nversion=1.0"));
  EXPECT_THAT(facts->extra_files.at("labels.txt"), HasSubstr("ant\nbee\n"));
  EXPECT_EQ(facts->extra_files.size(), 2U);
  EXPECT_GT(facts->unpacked_bytes, 5000U);
}

TEST(TorchArchive, LeavesOutExtraFilesThatAreNotThere) {
  const auto facts = inspect(model_file("no_model_info"));
  ASSERT_TRUE(facts.ok()) << facts.status().message();
  EXPECT_TRUE(facts->extra_files.empty());
}

TEST(TorchArchive, SaysWhatAFileIsThatIsNoArchive) {
  const auto says = [](const std::string& bytes) {
    const auto status = inspect(model_file_of(bytes)).status();
    EXPECT_EQ(status.code(), Code::kCorruptModel);
    EXPECT_THAT(status.message(), HasSubstr("\"made-up.pt\" is not a TorchScript archive"));
    EXPECT_THAT(status.message(), HasSubstr("gst-torch-export"));
    return status.message();
  };
  EXPECT_THAT(says(""), HasSubstr("empty"));
  EXPECT_THAT(says("I am a letter.\nYours\n"), HasSubstr("text file"));
  EXPECT_THAT(says(std::string("\x80\x02}q\x01.", 6)), HasSubstr("pickle"));
  EXPECT_THAT(says(std::string(4096, '\0')), HasSubstr("neither a zip file nor a part of one"));
  const auto classifier = bytes_of(model_file("classifier"));
  EXPECT_THAT(says(classifier.substr(0, classifier.size() / 2)), HasSubstr("cut short"));
}

TEST(TorchArchive, SaysWhatAnArchiveIsThatIsNoTorchScript) {
  EXPECT_EQ(refusal("state_dict").code(), Code::kCorruptModel);
  EXPECT_THAT(refusal("state_dict").message(), HasSubstr("written by torch.save()"));
  EXPECT_EQ(refusal("plain_zip").code(), Code::kCorruptModel);
  EXPECT_THAT(refusal("plain_zip").message(), HasSubstr("zip file of another kind"));
  EXPECT_EQ(refusal("exported_program").code(), Code::kUnsupported);
  EXPECT_THAT(refusal("exported_program").message(), HasSubstr("torch.export program"));
}

TEST(TorchArchive, RefusesRecordsThatLibtorchCannotTellApart) {
  for (const auto* model : {"record_twice", "record_in_two_cases"}) {
    EXPECT_EQ(refusal(model).code(), Code::kCorruptModel) << model;
    EXPECT_THAT(refusal(model).message(), HasSubstr("it has two records")) << model;
  }
  EXPECT_THAT(refusal("record_in_two_cases").message(), HasSubstr("/CODE/__TORCH__/NETS.PY\""));
}

TEST(TorchArchive, RefusesNamesThatLibtorchListsOtherwise) {
  EXPECT_EQ(refusal("long_record_name").code(), Code::kCorruptModel);
  EXPECT_THAT(refusal("long_record_name").message(), HasSubstr("a name that PyTorch never writes"));
}

TEST(TorchArchive, RefusesTheOldFormatBesideTheNewOne) {
  EXPECT_EQ(refusal("both_formats").code(), Code::kCorruptModel);
  EXPECT_THAT(refusal("both_formats").message(), HasSubstr("PyTorch before 1.2"));
}

TEST(TorchArchive, RefusesEveryFileThatWasCutShort) {
  const auto whole = bytes_of(model_file("identity"));
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_EQ(inspect(model_file_of(whole.substr(0, size))).status().code(), Code::kCorruptModel)
        << "cut to " << size << " of " << whole.size() << " bytes";
}

TEST(TorchArchive, NoticesEachDamagedByteOfTheWeightsAtLoad) {
  const auto whole = bytes_of(model_file("classifier"));
  const auto record = whole.find("data/0");
  ASSERT_NE(record, std::string::npos);
  for (const std::size_t offset : {128U, 131U, 200U}) {
    auto damaged = whole;
    damaged[record + offset] = static_cast<char>(damaged[record + offset] ^ 0x10);
    const auto model = torch_back_end().load(model_file_of(damaged), test::load_options());
    EXPECT_EQ(model.status().code(), Code::kCorruptModel);
    EXPECT_THAT(model.status().message(), HasSubstr("checksum of its record"));
  }
}

TEST(TorchArchive, SurvivesAnyDamagedByte) {
  constexpr std::size_t kLoadEach = 16;  // loads take longer
  const auto whole = bytes_of(model_file("sum"));
  for (std::size_t offset = 0; offset < whole.size(); ++offset) {
    auto damaged = whole;
    damaged[offset] = static_cast<char>(~damaged[offset]);
    auto status = inspect(model_file_of(damaged)).status();
    if (status.ok() && offset % kLoadEach == 0)
      status = torch_back_end().load(model_file_of(damaged), test::load_options()).status();
    ASSERT_THAT(status.code(), ::testing::AnyOf(Code::kOk, Code::kCorruptModel, Code::kUnsupported,
                                                Code::kTooLarge))
        << offset << ": " << status.message();
    EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
  }
}

class UnpackBomb : public ::testing::TestWithParam<const char*> {};

TEST_P(UnpackBomb, IsRefusedBeforeItUnpacks) {
  const auto bomb = model_file(GetParam());
  ASSERT_TRUE(inspect(model_file("classifier")).ok());  // the module's own start is not measured
  const auto memory = peak_memory();
  ModelCaps caps;
  caps.unpacked_bytes = 256 << 20;
  const auto inspected = inspect(bomb, caps).status();
  auto options = test::load_options();
  options.caps = caps;
  const auto loaded = torch_back_end().load(bomb, options).status();
  EXPECT_LT(peak_memory() - memory, std::uint64_t{64} << 20);
  for (const auto& status : {inspected, loaded}) {
    EXPECT_EQ(status.code(), Code::kTooLarge);
    EXPECT_THAT(status.message(), HasSubstr("more than 268435456 bytes"));
  }
}

INSTANTIATE_TEST_SUITE_P(TorchArchive, UnpackBomb, ::testing::Values("unpack_bomb", "version_bomb"),
                         [](const auto& info) { return std::string(info.param); });

TEST(TorchArchive, UnpacksNoLargeRecord) {
  const auto compressed = refusal("compressed_weights");
  EXPECT_EQ(compressed.code(), Code::kTooLarge);
  EXPECT_THAT(compressed.message(), HasSubstr("the compressed record "));
  EXPECT_THAT(compressed.message(), HasSubstr("data/0\" in "));
  const auto code = refusal("large_code");
  EXPECT_EQ(code.code(), Code::kTooLarge);
  EXPECT_THAT(code.message(), HasSubstr("the code record "));
  EXPECT_THAT(code.message(), HasSubstr("code/__torch__/large.py\" in "));
}

TEST(TorchArchive, ReadsNoLargeExtraFile) {
  const auto status = refusal("large_labels");
  EXPECT_EQ(status.code(), Code::kTooLarge);
  EXPECT_THAT(status.message(), HasSubstr("the extra file \"labels.txt\""));
}

}  // namespace
}  // namespace torchinfer
