// SPDX-License-Identifier: LGPL-2.1-or-later
// Loading: what is refused, what the self-test finds, what the facts say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/torch_module.h"

namespace torchinfer {
namespace {

using test::load;
using test::load_options;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Status refusal(const std::string& name, const LoadOptions& options = load_options()) {
  return load(name, options).status();
}

ModelFacts facts_of(const std::string& name, const LoadOptions& options) {
  const auto model = load(name, options);
  EXPECT_TRUE(model.ok()) << model.status().message() << model.status().detail();
  return model ? (*model)->facts() : ModelFacts{};
}

std::vector<int> sizes_of(const ModelFacts& facts) {
  std::vector<int> sizes;
  for (const auto& [size, time] : facts.batch_times) {
    EXPECT_GT(time.count(), 0);
    sizes.push_back(size);
  }
  return sizes;
}

TEST(TorchLoad, TellsWhatItHasLoaded) {
  const auto facts = facts_of("classifier", load_options(4));
  EXPECT_EQ(facts.device, (DeviceId{DeviceId::Kind::kCpu, 0}));
  EXPECT_EQ(facts.batch_size, 4);
  EXPECT_THAT(facts.batch_size_reason, IsEmpty());
  EXPECT_EQ(facts.precision, Precision::kFp32);
  ASSERT_EQ(facts.outputs.size(), 1U);
  EXPECT_EQ(facts.outputs[0].name, "output_0");
  EXPECT_EQ(facts.outputs[0].dtype, DType::kFloat32);
  EXPECT_THAT(facts.outputs[0].dims, ElementsAre(10));
  EXPECT_THAT(facts.runtime, ::testing::MatchesRegex("libtorch 2\\.[0-9]+.*, CPU capability .+"));
  EXPECT_EQ(facts.optimisation, "optimize_for_inference");
  EXPECT_THAT(facts.optimisation_reason, IsEmpty());
  EXPECT_LT(facts.self_test_difference, 1e-5);
  EXPECT_THAT(sizes_of(facts), ElementsAre(1, 2, 4));
}

TEST(TorchLoad, TakesTracedAndFrozenModels) {
  EXPECT_EQ(facts_of("traced_classifier", load_options(2)).optimisation, "optimize_for_inference");
  EXPECT_EQ(facts_of("frozen_classifier", load_options(2)).optimisation, "optimize_for_inference");
}

TEST(TorchLoad, AutoKeepsOneOfTheTimedBatchSizes) {
  const auto facts = facts_of("classifier", load_options(0));
  EXPECT_THAT(facts.batch_size, ::testing::AnyOf(1, 4, 8));
  EXPECT_THAT(facts.batch_size_reason, IsEmpty());
  EXPECT_THAT(sizes_of(facts), ElementsAre(1, 2, 4, 8));
  const auto rate = [&](int size) {
    return size / std::chrono::duration<double>(facts.batch_times.at(size)).count();
  };
  const auto best = std::max({rate(1), rate(4), rate(8)});
  EXPECT_GE(rate(facts.batch_size), 0.95 * best);
  for (const int smaller : {1, 4}) {
    if (smaller < facts.batch_size) {
      EXPECT_LT(rate(smaller), 0.95 * best);
    }
  }
}

TEST(TorchLoad, PutsTheModelIntoEvaluationMode) {
  // With dropout on, two runs would differ and no optimisation could be compared.
  const auto facts = facts_of("training_mode", load_options(4));
  EXPECT_EQ(facts.optimisation, "optimize_for_inference");
  EXPECT_EQ(facts.batch_size, 4);
}

TEST(TorchLoad, FallsBackWithTheReasonWhereOptimisedResultsDiffer) {
  const auto facts = facts_of("ill_conditioned", load_options());
  EXPECT_EQ(facts.optimisation, "none");
  EXPECT_THAT(facts.optimisation_reason, HasSubstr("optimize_for_inference: at batch size 1 its "
                                                   "results differ by"));
  EXPECT_THAT(facts.optimisation_reason, HasSubstr("; freeze: "));
}

TEST(TorchLoad, FoldsZeroPadsIntoTheConvolutionsBehindThem) {
  for (const auto* model :
       {"padded_classifier", "traced_padded_classifier", "frozen_padded_classifier"}) {
    const auto facts = facts_of(model, load_options(4));
    EXPECT_EQ(facts.optimisation, "fold_pads (4 of 4), optimize_for_inference") << model;
    EXPECT_THAT(facts.optimisation_reason, IsEmpty()) << model;
    EXPECT_LT(facts.self_test_difference, 1e-5) << model;
    EXPECT_EQ(facts.batch_size, 4) << model;
  }
}

TEST(TorchLoad, FoldsPadsOfAnySidesThatTheConvolutionsCanTake) {
  const auto facts = facts_of("pads_of_all_kinds", load_options(2));
  EXPECT_EQ(facts.optimisation, "fold_pads (6 of 6), optimize_for_inference");
  EXPECT_LT(facts.self_test_difference, 1e-5);
}

TEST(TorchLoad, LeavesPadsThatConvolutionsCannotTakeOrShouldNot) {
  const auto facts = facts_of("pads_that_stay", load_options(2));
  // The one is a pad among them that can be taken: the pass has been over all of them.
  EXPECT_THAT(facts.optimisation, ::testing::StartsWith("fold_pads (1 of 13), "))
      << facts.optimisation_reason;
  EXPECT_THAT(facts.optimisation_reason, Not(HasSubstr("fold_pads: ")));
  EXPECT_LT(facts.self_test_difference, 1e-5);
}

TEST(TorchLoad, FoldsPadsInBfloat16Too) {
  if (!__builtin_cpu_supports("avx512bf16")) GTEST_SKIP() << "this CPU has no bfloat16";
  auto options = load_options(2);
  options.precision = Precision::kBf16;
  EXPECT_EQ(facts_of("padded_classifier", options).optimisation,
            "fold_pads (4 of 4), bfloat16, channels_last, freeze");
}

TEST(TorchLoad, RunsAModelAsLoadedThatGivesAnotherAnswerEachTime) {
  const auto facts = facts_of("random", load_options(4));
  EXPECT_EQ(facts.optimisation, "none");
  EXPECT_THAT(facts.optimisation_reason, HasSubstr("different results for the same image"));
  EXPECT_EQ(facts.batch_size, 4);
}

TEST(TorchLoad, ClampsTheBatchOfAModelWithAFixedOne) {
  const auto facts = facts_of("fixed_batch", load_options(8));
  EXPECT_EQ(facts.batch_size, 1);
  EXPECT_THAT(facts.batch_size_reason, HasSubstr("shape '[1, 3072]' is invalid"));
  EXPECT_THAT(sizes_of(facts), ElementsAre(1));
  EXPECT_EQ(facts.optimisation, "optimize_for_inference");
}

TEST(TorchLoad, ClampsTheBatchToTheLargestThatPassed) {
  EXPECT_EQ(facts_of("up_to_four", load_options(8)).batch_size, 2);
  EXPECT_THAT(facts_of("up_to_four", load_options(8)).batch_size_reason,
              HasSubstr("at most four images"));
  EXPECT_LE(facts_of("up_to_four", load_options(0)).batch_size, 4);
  EXPECT_THAT(facts_of("up_to_four", load_options(0)).batch_size_reason,
              HasSubstr("at most four images"));
  EXPECT_THAT(facts_of("up_to_four", load_options(4)).batch_size_reason, IsEmpty());
}

TEST(TorchLoad, ClampsTheBatchWhereRowsAreLost) {
  const auto facts = facts_of("first_row_only", load_options(4));
  EXPECT_EQ(facts.batch_size, 1);
  EXPECT_THAT(facts.batch_size_reason, HasSubstr("has the shape [1, 1] for a batch of 2"));
}

TEST(TorchLoad, ClampsTheBatchWhereImagesWouldInfluenceEachOther) {
  const auto facts = facts_of("mixes_batch", load_options(4));
  EXPECT_EQ(facts.batch_size, 1);
  EXPECT_THAT(facts.batch_size_reason, HasSubstr("differ by"));
  EXPECT_THAT(facts.batch_size_reason, HasSubstr("from those that it gets alone"));
}

TEST(TorchLoad, NamesTheOutputs) {
  const auto names = [](const std::string& model) {
    std::vector<std::string> found;
    for (const auto& output : facts_of(model, load_options(2)).outputs)
      found.push_back(output.name);
    return found;
  };
  EXPECT_THAT(names("tuple_output"), ElementsAre("output_0", "output_1"));
  EXPECT_THAT(names("list_output"), ElementsAre("output_0", "output_1"));
  EXPECT_THAT(names("dict_output"), ElementsAre("scores", "boxes"));
  EXPECT_THAT(names("named_tuple_output"), ElementsAre("logits"));
}

TEST(TorchLoad, RefusesOutputsThatAreNoRowsOfTensors) {
  const auto message = [](const std::string& model) {
    const auto status = refusal(model);
    EXPECT_EQ(status.code(), Code::kBadOutput) << model;
    return status.message();
  };
  EXPECT_THAT(message("string_output"), HasSubstr("returns a value of type String"));
  EXPECT_THAT(message("nested_output"), HasSubstr("\"output_1\" is a Tuple"));
  EXPECT_THAT(message("scalar_output"), HasSubstr("is a single number for a batch of 1"));
  EXPECT_THAT(message("complex_output"), HasSubstr("elements of type ComplexFloat"));
}

TEST(TorchLoad, RefusesModelsThatDoNotTakeOneTensor) {
  for (const auto* model : {"two_inputs", "list_input", "no_forward"})
    EXPECT_EQ(refusal(model).code(), Code::kUnsupported) << model;
  EXPECT_THAT(refusal("two_inputs").message(), HasSubstr("takes 2 arguments"));
  EXPECT_THAT(refusal("list_input").message(), HasSubstr("takes a List[Tensor]"));
  EXPECT_THAT(refusal("no_forward").message(), HasSubstr("no method forward()"));
}

TEST(TorchLoad, SaysInOneLineWhyTheFirstForwardFailed) {
  const auto thrown = refusal("throws");
  EXPECT_EQ(thrown.code(), Code::kForwardFailed);
  EXPECT_THAT(thrown.message(), HasSubstr("the model failed: this model always fails"));
  EXPECT_THAT(thrown.message(), Not(HasSubstr("\n")));
  EXPECT_THAT(thrown.detail(), HasSubstr("Traceback of TorchScript"));
  EXPECT_THAT(thrown.detail(), Not(HasSubstr("Exception raised from")));

  const auto channels = refusal("wrong_channels");
  EXPECT_EQ(channels.code(), Code::kForwardFailed);
  EXPECT_THAT(channels.message(), HasSubstr("to have 4 channels, but got 3 channels"));
  EXPECT_THAT(channels.message(),
              HasSubstr("one image of 3 channels, 32 rows, 32 columns, float32"));
  EXPECT_THAT(channels.message(), Not(HasSubstr("\n")));

  EXPECT_THAT(refusal("pinned_to_cuda").message(), HasSubstr("tied to the device cuda:0"));
}

TEST(TorchLoad, SaysWhichOperatorIsMissing) {
  const auto status = refusal("unknown_operator");
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("gst_torch_test::twice"));
}

TEST(TorchLoad, RefusesModelsThatTouchFilesAndRunsNothingOfThem) {
  const std::filesystem::path trace = "written-by-model";
  std::filesystem::remove(trace);
  for (const auto* model : {"writes_file", "writes_file_deep_inside", "writes_file_at_load",
                            "writes_file_at_load_hidden", "writes_file_by_default_argument",
                            "writes_file_by_class_constant", "writes_file_by_alias",
                            "writes_file_by_upper_case", "reads_file"}) {
    const auto status = refusal(model);
    EXPECT_EQ(status.code(), Code::kForbiddenOperator) << model << ": " << status.message();
    EXPECT_FALSE(std::filesystem::exists(trace)) << model;
    EXPECT_THAT(status.message(),
                HasSubstr(std::string_view(model) == "reads_file" ? "the name \"from_file\""
                                                                  : "the name \"save\""));
  }
}

TEST(TorchLoad, RefusesClassesOfTheNetworkBeforeItLoads) {
  const auto status = refusal("names_forbidden_class");
  EXPECT_EQ(status.code(), Code::kForbiddenOperator) << status.message();
  EXPECT_THAT(status.message(), HasSubstr("the name \"dist_rpc\""));
}

TEST(TorchLoad, RefusesCodeTooDeepForTheStack) {
  for (const auto* model :
       {"deep_blocks", "deep_brackets", "deep_calls", "deep_conditions", "deep_elifs",
        "deep_in_sum", "deep_operators", "deep_prefixes", "deep_types", "deep_unclosed"}) {
    const auto status = refusal(model);
    EXPECT_EQ(status.code(), Code::kCorruptModel) << model << ": " << status.message();
    EXPECT_THAT(status.message(), HasSubstr("code/__torch__/nets.py nests deeper than 512 levels"));
  }
}

TEST(TorchLoad, TakesLongCodeThatIsNotDeep) {
  const auto model = load("wide_code");
  EXPECT_TRUE(model.ok()) << model.status().message();
}

TEST(TorchLoad, TakesModelsThatOnlySpeakOfFiles) {
  const auto model = load("speaks_of_save");
  EXPECT_TRUE(model.ok()) << model.status().message();
}

TEST(TorchLoad, TakesTheCpuForAutoAndRefusesCuda) {
  auto options = load_options();
  options.device.kind = DeviceId::Kind::kAuto;
  EXPECT_EQ(facts_of("sum", options).device.kind, DeviceId::Kind::kCpu);
  options.device = {DeviceId::Kind::kCuda, 1};
  EXPECT_EQ(refusal("sum", options).code(), Code::kNoDevice);
  EXPECT_THAT(refusal("sum", options).message(),
              HasSubstr("cuda:1 is wanted, but this build has no "
                        "CUDA support; use device auto or cpu"));
}

TEST(TorchLoad, RefusesHalfPrecisionOnTheCpu) {
  auto options = load_options();
  options.precision = Precision::kFp16;
  EXPECT_EQ(refusal("classifier", options).code(), Code::kUnsupported);
  EXPECT_THAT(refusal("classifier", options).message(), HasSubstr("fp16"));
}

TEST(TorchLoad, RunsInBfloat16WhereTheCpuCan) {
  auto options = load_options(4);
  options.precision = Precision::kBf16;
  const auto model = load("classifier", options);
  if (!__builtin_cpu_supports("avx512bf16")) {
    EXPECT_EQ(model.status().code(), Code::kUnsupported);
    EXPECT_THAT(model.status().message(), HasSubstr("AVX512_BF16"));
    return;
  }
  ASSERT_TRUE(model.ok()) << model.status().message();
  const auto& facts = (*model)->facts();
  EXPECT_EQ(facts.precision, Precision::kBf16);
  EXPECT_EQ(facts.optimisation, "bfloat16, channels_last, freeze");
  EXPECT_EQ(facts.outputs[0].dtype, DType::kFloat32);
  EXPECT_GT(facts.self_test_difference, 1e-5);  // it does compute with fewer digits
  EXPECT_LT(facts.self_test_difference, 0.05);
}

TEST(TorchLoad, SaysWhyAModelCannotRunInBfloat16) {
  auto options = load_options(2);
  options.precision = Precision::kBf16;
  const auto status = refusal("ill_conditioned", options);
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("use precision auto"));
}

TEST(TorchLoad, RunsInt8OnTheEngineThatPackedIt) {
  auto options = load_options(4);
  options.quantized_engine = "onednn";
  const auto facts = facts_of("quantized_classifier", options);
  EXPECT_EQ(facts.outputs[0].dtype, DType::kFloat32);
  EXPECT_EQ(facts.batch_size, 4);
}

TEST(TorchLoad, RefusesAnEngineThatIsNotThereOrNotFree) {
  auto options = load_options();
  options.quantized_engine = "abacus";
  EXPECT_EQ(refusal("sum", options).code(), Code::kBadModelInfo);
  options.quantized_engine = "fbgemm";
  const auto missing = refusal("sum", options);
  if (missing.code() != Code::kOk) {  // distributions build without it, pip's wheels with it
    EXPECT_EQ(missing.code(), Code::kUnsupported);
    EXPECT_THAT(missing.message(), HasSubstr("which this libtorch lacks"));
  }
  options.quantized_engine = "onednn";
  const auto holder = load("quantized_classifier", options);
  ASSERT_TRUE(holder.ok()) << holder.status().message();
  options.quantized_engine = "qnnpack";
  const auto taken = refusal("sum", options);
  EXPECT_EQ(taken.code(), Code::kUnsupported);
  EXPECT_THAT(taken.message(), HasSubstr("qnnpack"));
}

TEST(TorchLoad, RefusesSettingsOutOfRange) {
  auto options = load_options();
  options.threads = 0;
  EXPECT_EQ(refusal("sum", options).code(), Code::kInvalidArgument);
  options = load_options(-1);
  EXPECT_EQ(refusal("sum", options).code(), Code::kInvalidArgument);
}

TEST(TorchLoad, DescribesTheRuntimeForABugReport) {
  const auto text = test::torch_back_end().description();
  EXPECT_THAT(text, HasSubstr("libtorch 2."));
  EXPECT_THAT(text, HasSubstr("CPU capability"));
  EXPECT_THAT(text, HasSubstr("quantised engines: "));
}

}  // namespace
}  // namespace torchinfer
