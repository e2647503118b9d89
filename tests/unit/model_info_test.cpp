// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model/model_info.h"

#include <gtest/gtest.h>

#include <random>

#include "support/info_text.h"
#include "support/status_matchers.h"

namespace torchinfer {
namespace {

using test::FailsWith;
using test::InfoText;
using test::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kOwn = "torchinference";

ModelInfo info_of(const InfoText& info) {
  auto parsed = parse_model_info(info.text(), "m.modelinfo");
  EXPECT_THAT(parsed.status(), IsOk()) << info.text();
  return parsed ? *parsed : ModelInfo();
}

Status status_of(const InfoText& info) {
  return parse_model_info(info.text(), "m.modelinfo").status();
}

TEST(ModelInfo, SaysHowFramesBecomeTheInput) {
  const auto info = info_of(InfoText());
  EXPECT_EQ(info.source, "m.modelinfo");
  const PreprocessParams& params = info.preprocess;
  EXPECT_EQ(params.input, (InputSpec{DType::kFloat32, Layout::kNchw, 3, 224, 192}));
  EXPECT_EQ(params.resize, ResizePolicy::kShortSide);
  EXPECT_EQ(params.resize_size, 256);
  EXPECT_EQ(params.interpolation, Interpolation::kBicubic);
  EXPECT_EQ(params.color, ColorOrder::kRgb);
  for (const auto& range : params.ranges) EXPECT_EQ(range, (ValueRange{-2.0, 2.5}));
  EXPECT_EQ(info.decode.task, ModelTask::kClassification);
  EXPECT_EQ(info.decode.activation, Activation::kSoftmax);
  EXPECT_THAT(info.outputs, IsEmpty());
  EXPECT_THAT(info.name, IsEmpty());
  EXPECT_THAT(info.quantized_engine, IsEmpty());
}

TEST(ModelInfo, ReadsGStreamersExampleWithTheOwnSectionAdded) {
  const auto info = parse_model_info(
      "# A comment\r\n[modelinfo]\r\nversion=1.0\r\ngroup-id=classification-generic-out\r\n\r\n"
      "[input_u8]\nid=input-0\ntype=uint8\ndims=1,4,4,3\ndir=input\n"
      "ranges=0.0,255.0;0.0,255.0;0.0,255.0\nsomething-new=1\n\n"
      "[output_flat]\nid=output-0\ntype=int32\ndims=1,48\ndir=output\ndims-order=row-major\n"
      "[torchinference]\nname=Tiny net\ntask=classification\nresize=squash\n"
      "interpolation=bilinear\ncolor-order=bgr\nactivation=none\nquantized-engine=onednn\n",
      "tiny");
  ASSERT_THAT(info.status(), IsOk());
  EXPECT_EQ(info->group_id, "classification-generic-out");
  EXPECT_EQ(info->name, "Tiny net");
  EXPECT_EQ(info->quantized_engine, "onednn");
  EXPECT_EQ(info->preprocess.input, (InputSpec{DType::kUint8, Layout::kNhwc, 3, 4, 4}));
  ASSERT_EQ(info->outputs.size(), 1U);
  EXPECT_EQ(info->outputs[0].name, "output_flat");
  EXPECT_EQ(info->outputs[0].id, "output-0");
  EXPECT_EQ(info->outputs[0].dtype, DType::kInt32);
  EXPECT_THAT(info->outputs[0].dims, ElementsAre(48)) << "the batch is left out";
}

TEST(ModelInfo, IgnoresAByteOrderMark) {
  EXPECT_THAT(parse_model_info("\xEF\xBB\xBF" + InfoText().text(), "m").status(), IsOk());
}

TEST(ModelInfo, AsksForEverythingThatIsMissingAtOnce) {
  const auto status = parse_model_info("[modelinfo]\nversion=1.0\n", "m.modelinfo").status();
  EXPECT_THAT(status, FailsWith(Code::kBadModelInfo, "m.modelinfo", "[torchinference] task",
                                "classification", "resize", "short-side, squash or letterbox",
                                "interpolation", "bilinear or bicubic", "activation",
                                "softmax, sigmoid or none", "input tensor"));
}

TEST(ModelInfo, AsksForEachNeededKeyByName) {
  const std::vector<std::pair<std::string, std::string>> needed = {
      {"modelinfo", "version"}, {"input_0", "dir"},    {"input_0", "type"}, {"input_0", "dims"},
      {"input_0", "ranges"},    {kOwn, "task"},        {kOwn, "resize"},    {kOwn, "resize-size"},
      {kOwn, "interpolation"},  {kOwn, "color-order"}, {kOwn, "activation"}};
  for (const auto& [section, key] : needed) {
    EXPECT_THAT(status_of(InfoText().drop(section, key)),
                FailsWith(Code::kBadModelInfo, "lacks", "[" + section + "] " + key));
  }
}

TEST(ModelInfo, RefusesValuesThatNobodyHasFilledIn) {
  for (const auto& [section, key] : std::vector<std::pair<std::string, std::string>>{
           {"modelinfo", "group-id"}, {"input_0", "ranges"}, {kOwn, "activation"}}) {
    EXPECT_THAT(status_of(InfoText().set(section, key, "PLACEHOLDER_VALUE")),
                FailsWith(Code::kBadModelInfo, "[" + section + "] " + key, "PLACEHOLDER_VALUE"));
    EXPECT_THAT(status_of(InfoText().set(section, key, "")),
                FailsWith(Code::kBadModelInfo, "[" + section + "] " + key, "is empty"));
  }
}

TEST(ModelInfo, NamesTheChoicesWhereAValueIsUnknown) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"input_0", "dir", "input or output"},
      {"input_0", "type", "float32"},
      {"input_0", "dims-order", "row-major or col-major"},
      {kOwn, "task", "classification"},
      {kOwn, "resize", "short-side, squash or letterbox"},
      {kOwn, "interpolation", "bilinear or bicubic"},
      {kOwn, "color-order", "rgb, bgr or gray"},
      {kOwn, "layout", "nchw or nhwc"},
      {kOwn, "activation", "softmax, sigmoid or none"},
      {kOwn, "quantized-engine", "onednn, qnnpack, fbgemm or x86"}};
  for (const auto& [section, key, choices] : cases) {
    EXPECT_THAT(status_of(InfoText().set(section, key, "Fancy")),
                FailsWith(Code::kBadModelInfo, "[" + section + "] " + key, "\"Fancy\"", choices));
  }
}

TEST(ModelInfo, RefusesAMisspeltKeyInItsOwnSection) {
  EXPECT_THAT(status_of(InfoText().set(kOwn, "padvalue", "3")),
              FailsWith(Code::kBadModelInfo, "[torchinference] padvalue", "pad-value"));
}

TEST(ModelInfoVersion, TakesEveryMinorOfOneAndNothingElse) {
  for (const char* version : {"1.0", "1.7"}) {
    EXPECT_THAT(status_of(InfoText().set("modelinfo", "version", version)), IsOk());
  }
  for (const char* version : {"0.9", "2.0"}) {
    EXPECT_THAT(status_of(InfoText().set("modelinfo", "version", version)),
                FailsWith(Code::kUnsupported, "[modelinfo] version", version, "1.x"));
  }
  for (const char* version : {"1", "1.", ".0", "one", "1.0.0", "1.-1", "-1.0"}) {
    EXPECT_THAT(status_of(InfoText().set("modelinfo", "version", version)),
                FailsWith(Code::kBadModelInfo, "[modelinfo] version", "1.0"))
        << version;
  }
}

TEST(ModelInfoLayout, FollowsFromDimsWhereTheyLeaveNoChoice) {
  EXPECT_EQ(info_of(InfoText().set("input_0", "dims", "-1, 3, 10, 20,")).preprocess.input,
            (InputSpec{DType::kFloat32, Layout::kNchw, 3, 10, 20}));
  EXPECT_EQ(info_of(InfoText().set("input_0", "dims", "1,10,20,3")).preprocess.input,
            (InputSpec{DType::kFloat32, Layout::kNhwc, 3, 10, 20}));
}

TEST(ModelInfoLayout, IsAskedForWhereDimsCouldBeEither) {
  const auto info = InfoText().set("input_0", "dims", "-1,3,10,3");
  EXPECT_THAT(status_of(info), FailsWith(Code::kBadModelInfo, "[torchinference] layout"));
  EXPECT_EQ(info_of(InfoText(info).set(kOwn, "layout", "nchw")).preprocess.input,
            (InputSpec{DType::kFloat32, Layout::kNchw, 3, 10, 3}));
  EXPECT_EQ(info_of(InfoText(info).set(kOwn, "layout", "nhwc")).preprocess.input,
            (InputSpec{DType::kFloat32, Layout::kNhwc, 3, 3, 10}));
}

TEST(ModelInfoLayout, MayNotContradictDims) {
  EXPECT_THAT(status_of(InfoText().set(kOwn, "layout", "nhwc")),
              FailsWith(Code::kBadModelInfo, "[torchinference] layout", "192", "not 1 or 3"));
}

TEST(ModelInfoDims, MustBeFourWithAFreeOrSingleBatch) {
  for (const char* dims : {"3,224,224", "-1,-1,3,224,224", "8,3,224,224", "-1,4,224,224"}) {
    EXPECT_THAT(status_of(InfoText().set("input_0", "dims", dims)),
                FailsWith(Code::kUnsupported, "[input_0] dims"))
        << dims;
  }
}

TEST(ModelInfoDims, MustSayAUsableSize) {
  for (const char* dims :
       {"-1,3,-1,224", "-1,3,224,-1", "-1,3,0,224", "-1,3,-2,224", "-1,3,16385,224", "a,b,c,d",
        "-1,,224,224", "-1,3,1e2,224", "-1,3,99999999999999999999,224", "1;3;224;224", ",",
        "1,1,1,1,1,1,1,1,1", "-1,3,16384,16384"}) {
    EXPECT_THAT(status_of(InfoText().set("input_0", "dims", dims)),
                FailsWith(Code::kBadModelInfo, "[input_0] dims"))
        << dims;
  }
}

TEST(ModelInfoType, TakesWhatCanBePreprocessed) {
  for (const auto& [text, type] : std::map<std::string, DType>{{"float32", DType::kFloat32},
                                                               {"float16", DType::kFloat16},
                                                               {"bfloat16", DType::kBfloat16}}) {
    EXPECT_EQ(info_of(InfoText().set("input_0", "type", text)).preprocess.input.dtype, type);
  }
  for (const char* text : {"int8", "float64", "int64", "uint16", "int4"}) {
    EXPECT_THAT(status_of(InfoText().set("input_0", "type", text)),
                FailsWith(Code::kUnsupported, "[input_0] type", text));
  }
}

TEST(ModelInfoRanges, AreOneForAllChannelsOrOneEach) {
  const auto one = info_of(InfoText().set("input_0", "ranges", "-1,1;")).preprocess.ranges;
  EXPECT_THAT(one, ElementsAre(ValueRange{-1, 1}, ValueRange{-1, 1}, ValueRange{-1, 1}));
  const auto each =
      info_of(InfoText().set("input_0", "ranges", "0, 1 ;-2.5,1e1; 255,0")).preprocess.ranges;
  EXPECT_THAT(each, ElementsAre(ValueRange{0, 1}, ValueRange{-2.5, 10}, ValueRange{255, 0}));
}

TEST(ModelInfoRanges, MustBePairsOfSensibleNumbers) {
  for (const char* ranges :
       {"0", "0,1,2", "a,b", "0,nan", "-inf,1", "0,inf", "1,1", "0,1e10", "0;1", "0,1;0,1",
        "0,1;0,1;0,1;0,1", "0,0x10", "0,1;;0,1", "0.0 1.0", "0,1e999", ";"}) {
    EXPECT_THAT(status_of(InfoText().set("input_0", "ranges", ranges)),
                FailsWith(Code::kBadModelInfo, "[input_0] ranges"))
        << ranges;
  }
}

TEST(ModelInfoRanges, MustFitTheType) {
  InfoText half;
  half.set("input_0", "type", "float16");
  EXPECT_THAT(status_of(half.set("input_0", "ranges", "0,65504")), IsOk());
  EXPECT_THAT(status_of(half.set("input_0", "ranges", "0,65505")),
              FailsWith(Code::kBadModelInfo, "[input_0] ranges", "65504"));
}

TEST(ModelInfoRanges, AreFixedForBytes) {
  InfoText bytes;
  bytes.set("input_0", "type", "uint8");
  EXPECT_THAT(status_of(bytes.set("input_0", "ranges", "0,1")),
              FailsWith(Code::kBadModelInfo, "[input_0] ranges", "uint8", "0,255"));
  EXPECT_THAT(status_of(bytes.set("input_0", "ranges", "0,255")), IsOk());
  EXPECT_EQ(info_of(bytes.drop("input_0", "ranges")).preprocess.ranges[2], (ValueRange{0, 255}));
}

TEST(ModelInfoColor, IsGrayForOneChannelAndOnlyThen) {
  InfoText gray;
  gray.set("input_0", "dims", "-1,1,28,28").set(kOwn, "resize-size", "28");
  EXPECT_THAT(status_of(gray), FailsWith(Code::kBadModelInfo, "color-order", "gray"));
  EXPECT_EQ(info_of(InfoText(gray).drop(kOwn, "color-order")).preprocess.color, ColorOrder::kGray);
  EXPECT_EQ(info_of(InfoText(gray).set(kOwn, "color-order", "gray")).preprocess.color,
            ColorOrder::kGray);
  EXPECT_THAT(status_of(InfoText().set(kOwn, "color-order", "gray")),
              FailsWith(Code::kBadModelInfo, "color-order", "3 channels"));
  EXPECT_EQ(info_of(InfoText().set(kOwn, "color-order", "bgr")).preprocess.color, ColorOrder::kBgr);
}

TEST(ModelInfoResize, NeedsASizeThatTheCropFitsIn) {
  EXPECT_THAT(status_of(InfoText().set(kOwn, "resize-size", "223")),
              FailsWith(Code::kBadModelInfo, "resize-size", "224"));
  EXPECT_EQ(info_of(InfoText().set(kOwn, "resize-size", "224")).preprocess.resize_size, 224);
  for (const char* size : {"16385", "0", "-256", "256px", "2.5e2", "99999999999999999999"}) {
    EXPECT_THAT(status_of(InfoText().set(kOwn, "resize-size", size)),
                FailsWith(Code::kBadModelInfo, "[torchinference] resize-size", "16384"))
        << size;
  }
}

TEST(ModelInfoResize, TakesThePadValueOfALetterbox) {
  InfoText info;
  info.set(kOwn, "resize", "letterbox").drop(kOwn, "resize-size");
  EXPECT_THAT(status_of(info), FailsWith(Code::kBadModelInfo, "lacks", "pad-value", "0 to 255"));
  EXPECT_EQ(info_of(info.set(kOwn, "pad-value", "0")).preprocess.pad_value, 0);
  EXPECT_THAT(status_of(info.set(kOwn, "pad-value", "256")),
              FailsWith(Code::kBadModelInfo, "pad-value", "0 to 255"));
}

TEST(ModelInfoResize, RefusesKeysOfAnotherPolicy) {
  EXPECT_THAT(status_of(InfoText().set(kOwn, "pad-value", "3")),
              FailsWith(Code::kBadModelInfo, "pad-value", "resize=letterbox only"));
  EXPECT_THAT(status_of(InfoText().set(kOwn, "resize", "squash")),
              FailsWith(Code::kBadModelInfo, "resize-size", "resize=short-side only"));
}

TEST(ModelInfoTensors, AreOneInputAndAnyOutputs) {
  InfoText info;
  info.set("logits", "dir", "output").set("logits", "type", "bfloat16").set("logits", "dims", "-1");
  info.set("other", "dir", "output").set("other", "type", "int64").set("other", "dims", "1,-1,4");
  const auto outputs = info_of(info).outputs;
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_THAT(outputs[0].dims, IsEmpty());
  EXPECT_THAT(outputs[1].dims, ElementsAre(-1, 4));

  for (const char* key : {"dir", "type", "dims"}) {
    EXPECT_THAT(status_of(InfoText(info).drop("other", key)),
                FailsWith(Code::kBadModelInfo, "lacks", std::string("[other] ") + key));
  }
  EXPECT_THAT(status_of(InfoText(info).set("other", "dims-order", "col-major")),
              FailsWith(Code::kUnsupported, "[other] dims-order"));

  info.set("second", "dir", "input");
  EXPECT_THAT(status_of(info), FailsWith(Code::kUnsupported, "[second]", "second input"));
}

TEST(ModelInfoText, MustBeAKeyFile) {
  for (const std::string text : {"", "hello", "key=value\n", "[unclosed\n", "PK\x03\x04\x14",
                                 "[a]\nno separator\n", "\xFF\xFE[\x01"}) {
    EXPECT_THAT(parse_model_info(text, "m.modelinfo").status(),
                FailsWith(Code::kBadModelInfo, "m.modelinfo"))
        << text;
  }
  EXPECT_THAT(parse_model_info(std::string_view("[a\0]\n", 5), "m").status(),
              FailsWith(Code::kBadModelInfo, "UTF-8"));
}

TEST(ModelInfoText, IsBounded) {
  const std::string comments = "#" + std::string((std::size_t{1} << 20) + 1, 'x');
  EXPECT_THAT(parse_model_info(comments, "m").status(), FailsWith(Code::kTooLarge));
  std::string sections = InfoText().text();
  for (int i = 0; sections.size() < (std::size_t{1} << 20) - 16; ++i) {
    sections += "[s" + std::to_string(i) + "]\n";
  }
  EXPECT_THAT(parse_model_info(sections, "m").status(),
              FailsWith(Code::kBadModelInfo, "sections", "256"));
}

TEST(ModelInfoText, KeepsErrorsShortAndPrintable) {
  const Status status = status_of(InfoText().set(kOwn, "resize", "\\n" + std::string(100000, 'x')));
  EXPECT_EQ(status.code(), Code::kBadModelInfo);
  EXPECT_LT(status.message().size(), 400U);
  EXPECT_EQ(status.message().find('\n'), std::string::npos);
}

// Whatever survives the parser keeps the promises of PreprocessParams, on which the kernels rely.
TEST(ModelInfoText, GivesUsableParametersOrAnErrorWhateverIsDamaged) {
  const std::string whole = InfoText()
                                .set("out", "dir", "output")
                                .set("out", "type", "int8")
                                .set("out", "dims", "1,5")
                                .text();
  std::mt19937 random(7);
  int usable = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole;
    for (int hits = 1 + static_cast<int>(random() % 3); hits > 0; --hits) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = "0123456789-.,;=[]\n\\x"[random() % 20]; break;
        case 1: text.erase(at, 1 + random() % 8); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 12)); break;
      }
    }
    const auto info = parse_model_info(text, "m");
    if (!info) {
      EXPECT_FALSE(info.status().message().empty());
      continue;
    }
    ++usable;
    const auto& params = info->preprocess;
    EXPECT_TRUE(params.input.channels == 1 || params.input.channels == 3) << text;
    EXPECT_TRUE(params.input.height >= 1 && params.input.height <= 16384) << text;
    EXPECT_TRUE(params.input.width >= 1 && params.input.width <= 16384) << text;
    EXPECT_EQ(params.color == ColorOrder::kGray, params.input.channels == 1) << text;
    if (params.resize == ResizePolicy::kShortSide) {
      EXPECT_GE(params.resize_size, std::max(params.input.height, params.input.width)) << text;
    }
  }
  EXPECT_GT(usable, 100) << "the damage is so heavy that nothing was tried";
}

}  // namespace
}  // namespace torchinfer
