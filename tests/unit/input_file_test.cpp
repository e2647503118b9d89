// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/input_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "support/status_matchers.h"
#include "support/temp_folder.h"

namespace torchinfer::test {
namespace {

using testing::ElementsAre;

constexpr std::uint64_t kRoom = 1 << 20;
constexpr InputSpec kInput{DType::kFloat32, Layout::kNchw, 3, 2, 4};

std::vector<std::byte> item_of(const InputSpec& input, int value) {
  return std::vector<std::byte>(input.bytes(), std::byte(value));
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A file of version 1 with this header and `data` bytes behind it.
std::string npy(const std::string& header, std::size_t data = 0) {
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header +
         std::string(data, 'x');
}

class InputFile : public testing::Test {
 protected:
  std::unique_ptr<InputFileWriter> create(const InputSpec& input = kInput,
                                          std::uint64_t most_bytes = kRoom) {
    auto writer = InputFileWriter::create(path_, input, most_bytes);
    if (!writer) throw std::runtime_error(writer.status().message());
    return std::move(writer).value();
  }

  const TempFolder folder_;
  const std::string path_ = folder_.path("inputs.npy");
};

TEST_F(InputFile, IsWhatNumpyDocuments) {
  const auto writer = create();
  ASSERT_THAT(writer->add(item_of(kInput, 1)), IsOk());
  ASSERT_THAT(writer->add(item_of(kInput, 2)), IsOk());
  const auto text = text_of(path_);
  EXPECT_EQ(text.substr(0, 8), std::string("\x93NUMPY\1\0", 8));
  EXPECT_EQ(text[8] + 256 * text[9], 118);
  EXPECT_TRUE(text.substr(10).starts_with(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 2, 4), }  "));
  EXPECT_EQ(text[kInputHeaderBytes - 1], '\n');
  EXPECT_EQ(text.size(), kInputHeaderBytes + 2 * kInput.bytes());
  EXPECT_EQ(text.size(), writer->bytes());
  EXPECT_EQ(text[kInputHeaderBytes], 1);
  EXPECT_EQ(text.back(), 2);
}

TEST_F(InputFile, ComesBackInEveryTypeAndLayout) {
  for (const auto dtype : {DType::kFloat32, DType::kFloat16, DType::kBfloat16, DType::kUint8})
    for (const auto layout : {Layout::kNchw, Layout::kNhwc}) {
      const InputSpec input{dtype, layout, 3, 2, 5};
      const auto writer = create(input);
      for (const int value : {7, 8, 9}) ASSERT_THAT(writer->add(item_of(input, value)), IsOk());
      const auto reader = InputFileReader::open(path_);
      ASSERT_TRUE(reader.ok()) << reader.status().message();
      EXPECT_EQ((*reader)->header().items, 3);
      EXPECT_TRUE((*reader)->fits(input)) << to_string(dtype);
      auto other = input;
      other.layout = layout == Layout::kNchw ? Layout::kNhwc : Layout::kNchw;
      EXPECT_FALSE((*reader)->fits(other));
      other = input;
      other.dtype = dtype == DType::kUint8 ? DType::kFloat16 : DType::kUint8;
      EXPECT_FALSE((*reader)->fits(other));
      std::vector<std::byte> item(input.bytes());
      ASSERT_THAT((*reader)->read(1, item), IsOk());
      EXPECT_EQ(item, item_of(input, 8));
      EXPECT_FALSE((*reader)->read(3, item).ok());
    }
}

TEST_F(InputFile, IsWholeAfterEachItemWhileItIsWritten) {
  const auto writer = create();
  for (int count = 0; count < 3; ++count) {
    const auto reader = InputFileReader::open(path_);
    ASSERT_TRUE(reader.ok()) << reader.status().message();
    EXPECT_EQ((*reader)->header().items, count);
    ASSERT_THAT(writer->add(item_of(kInput, count)), IsOk());
  }
}

TEST_F(InputFile, IsNeverLongerThanItMay) {
  const auto writer = create(kInput, kInputHeaderBytes + 3 * kInput.bytes() - 1);
  ASSERT_THAT(writer->add(item_of(kInput, 1)), IsOk());
  ASSERT_THAT(writer->add(item_of(kInput, 2)), IsOk());
  EXPECT_THAT(writer->add(item_of(kInput, 3)),
              FailsWith(Code::kTooLarge, "inputs.npy", "holds 2 inputs"));
  EXPECT_EQ(text_of(path_).size(), kInputHeaderBytes + 2 * kInput.bytes());
  EXPECT_EQ((*InputFileReader::open(path_))->header().items, 2);
}

TEST_F(InputFile, EmptiesWhatWasThere) {
  folder_.write("inputs.npy", npy("{}", 10000));
  create();
  EXPECT_EQ(text_of(path_).size(), kInputHeaderBytes);
}

TEST_F(InputFile, HasOneWriterAtATime) {
  auto first = create();
  ASSERT_THAT(first->add(item_of(kInput, 5)), IsOk());
  const auto second = InputFileWriter::create(path_, kInput, kRoom);
  EXPECT_THAT(second.status(), FailsWith(Code::kUnreadable, "inputs.npy", "being written already"));
  EXPECT_EQ(text_of(path_).size(), first->bytes()) << "the first one's items are gone";
  first.reset();
  EXPECT_TRUE(InputFileWriter::create(path_, kInput, kRoom).ok());
}

TEST_F(InputFile, IsNeitherAFolderNorAPipe) {
  const auto refused = [](const std::string& path) {
    return InputFileWriter::create(path, kInput, kRoom).status();
  };
  EXPECT_THAT(refused(folder_.path(".")), FailsWith(Code::kUnreadable, "cannot be written"));
  EXPECT_THAT(refused(folder_.path("none/inputs.npy")), HasCode(Code::kUnreadable));
  const auto pipe = folder_.path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refused(pipe), HasCode(Code::kUnreadable));
  EXPECT_THAT(InputFileReader::open(pipe).status(),
              FailsWith(Code::kUnreadable, "no regular file"));
  EXPECT_THAT(InputFileReader::open(path_).status(), FailsWith(Code::kNotFound, "inputs.npy"));
}

TEST_F(InputFile, OverwritesOnlyFilesOfItsKind) {
  const std::string text = "a model";
  const auto other = folder_.write("model.pt", text);
  EXPECT_THAT(InputFileWriter::create(other, kInput, kRoom).status(),
              FailsWith(Code::kUnreadable, "would be lost"));
  EXPECT_EQ(text_of(other), text);
  EXPECT_TRUE(InputFileWriter::create(folder_.write("empty", ""), kInput, kRoom).ok());
  ASSERT_THAT(create()->add(item_of(kInput, 1)), IsOk());
  EXPECT_EQ(create()->items(), 0);
}

TEST_F(InputFile, KeepsTheItemsBeforeWhenThereIsNoMoreRoom) {
  const auto writer = create();
  ASSERT_THAT(writer->add(item_of(kInput, 1)), IsOk());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{writer->bytes() + kInput.bytes() / 2, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const auto status = writer->add(item_of(kInput, 2));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(status, FailsWith(Code::kUnreadable, "inputs.npy", "cannot be written"));
  EXPECT_EQ(writer->items(), 1);
  EXPECT_EQ(text_of(path_).size(), writer->bytes());
  EXPECT_EQ((*InputFileReader::open(path_))->header().items, 1);
}

TEST_F(InputFile, OfOtherWritersIsReadAsWell) {
  const auto header =
      parse_input_header(npy(R"({"shape":(5,32,16,3),"fortran_order":False,"descr":"|u1"})"));
  ASSERT_TRUE(header.ok()) << header.status().message();
  EXPECT_EQ(header->dtype, DType::kUint8);
  EXPECT_EQ(header->items, 5);
  EXPECT_THAT(header->dims, ElementsAre(32, 16, 3));
  EXPECT_EQ(header->item_bytes(), 32u * 16 * 3);

  const std::string text = "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 3, 4, 4), }\n";
  const auto second =
      parse_input_header(std::string("\x93NUMPY\2\0", 8) + static_cast<char>(text.size()) +
                         std::string(3, '\0') + text);
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_EQ(second->dtype, DType::kFloat16);
  EXPECT_EQ(second->data_offset, 12 + text.size());
}

TEST_F(InputFile, OfAnotherKindIsRefusedWithTheReason) {
  const auto refusal = [](const std::string& header) {
    return parse_input_header(npy(header)).status();
  };
  const std::string tail = "'fortran_order': False, 'shape': (1, 3, 4, 4), }";
  EXPECT_THAT(refusal("{'descr': '<f8', " + tail), FailsWith(Code::kUnsupported, "\"<f8\""));
  EXPECT_THAT(refusal("{'descr': '>f4', " + tail), FailsWith(Code::kUnsupported, "\">f4\""));
  EXPECT_THAT(refusal("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 3, 4, 4), }"),
              FailsWith(Code::kUnsupported, "Fortran"));
  EXPECT_THAT(refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4, 4), }"),
              FailsWith(Code::kUnsupported, "3 dimensions"));
  for (const auto* shape : {"(1, 3, 0, 4)", "(-1, 3, 4, 4)", "(1, 99999999999, 4, 4)",
                            "(1, 16000000, 16000000, 16000000)"})
    EXPECT_THAT(
        refusal(std::string("{'descr': '<f4', 'fortran_order': False, 'shape': ") + shape + ", }"),
        HasCode(Code::kUnreadable))
        << shape;
  for (const auto* header : {"", "{", "{'descr': '<f4'", "{'descr' '<f4', }", "{'x': 1}",
                             "{'descr': '<f4', 'shape': (1 3 4 4)}", "{}x"})
    EXPECT_THAT(refusal(header), testing::Not(IsOk())) << header;
  EXPECT_THAT(parse_input_header("PK\3\4 and a zip archive").status(), HasCode(Code::kUnreadable));
  EXPECT_THAT(parse_input_header("").status(), HasCode(Code::kUnreadable));
  const std::string good = npy("{'descr': '<f4', " + tail);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_input_header(good.substr(0, size)).ok()) << size;
}

TEST_F(InputFile, CutOffIsRefused) {
  const auto header = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 3, 3), }", 17);
  folder_.write("inputs.npy", header);
  EXPECT_THAT(InputFileReader::open(path_).status(),
              FailsWith(Code::kUnreadable, "inputs.npy", "shorter than its header says"));
}

}  // namespace
}  // namespace torchinfer::test
