// SPDX-License-Identifier: LGPL-2.1-or-later
// What a look into a model finds, through the interface that gst-torch-inspect uses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "engine/inspection.h"
#include "support/torch_module.h"

namespace torchinfer {
namespace {

using test::load_options;
using test::model_file;
using test::torch_back_end;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

Result<std::unique_ptr<Inspection>> try_open(const std::string& name) {
  return torch_back_end().inspector()->open(model_file(name), {}, {});
}

std::unique_ptr<Inspection> open(const std::string& name) {
  auto model = try_open(name);
  if (!model) throw std::runtime_error(model.status().message());
  return std::move(model).value();
}

ModelReport report(const std::string& name) { return open(name)->report(); }

const PartFacts& part(const ModelReport& report, const std::string& path) {
  const auto found = std::ranges::find(report.parts, path, &PartFacts::path);
  if (found == report.parts.end()) throw std::runtime_error("no part " + path);
  return *found;
}

std::string listing(const Inspection& model, ListingRequest request) {
  auto text = model.listing(request);
  if (!text) throw std::runtime_error(text.status().message());
  return std::move(text).value();
}

int count(const std::string& text, const std::string& word) {
  int found = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST(TorchInspection, CountsTheParametersOfEachModuleAndOfAll) {
  const auto facts = report("classifier");
  EXPECT_EQ(part(facts, "0").parameters, 16 * 3 * 3 * 3);
  EXPECT_EQ(part(facts, "0").type, "torch.nn.modules.conv.Conv2d");
  EXPECT_EQ(part(facts, "12").parameters, 32 * 10 + 10);
  EXPECT_EQ(part(facts, "1").buffers, 16 + 16 + 1);
  std::int64_t sum = 0;
  for (const auto& one : facts.parts)
    if (!one.path.empty()) sum += one.parameters;
  EXPECT_EQ(facts.parts.front().parameters, sum);
  EXPECT_EQ(facts.parts.front().parameter_bytes, 4 * sum);
  EXPECT_THAT(facts.parts, SizeIs(14));
  EXPECT_EQ(facts.parts.front().methods.front().schema, "forward(input: Tensor) -> Tensor");
}

TEST(TorchInspection, CountsOperatorsOfForwardWithAllThatItCalls) {
  const auto facts = report("traced_classifier");
  EXPECT_THAT(facts.operators, Contains(Pair("aten::_convolution", 3)));
  EXPECT_THAT(facts.operators, Contains(Pair("aten::batch_norm", 2)));
  EXPECT_THAT(facts.operators, Contains(Pair("aten::linear", 1)));
  EXPECT_THAT(facts.operators, Not(Contains(Key("prim::Constant"))));
  EXPECT_EQ(facts.channels, 3);
}

TEST(TorchInspection, CountsAFrozenModelsWeightsInItsCode) {
  const auto facts = report("frozen_classifier");
  EXPECT_EQ(facts.parts.front().parameters, 0);
  EXPECT_GT(facts.constants, 16 * 3 * 3 * 3 + 32 * 10);
}

TEST(TorchInspection, CountsTheWeightsThatAQuantisedEngineHasPacked) {
  const auto facts = report("quantized_classifier");
  EXPECT_EQ(part(facts, "1").parameters, 16 * 3 * 3 * 3 + 16);
  EXPECT_EQ(part(facts, "1").parameter_bytes, 16 * 3 * 3 * 3 + 4 * 16);
  EXPECT_GT(facts.dtypes.at("qint8"), 16 * 3 * 3 * 3);
}

TEST(TorchInspection, HasNothingToSayOfASoundModel) {
  for (const auto* name :
       {"classifier", "traced_classifier", "gray_classifier", "uint8_nhwc", "reflecting_pad"})
    EXPECT_THAT(report(name).warnings, IsEmpty()) << name;
}

TEST(TorchInspection, WarnsOfWhatSpeaksAgainstAModel) {
  const auto warns = [](const std::string& name, const std::string& text) {
    EXPECT_THAT(report(name).warnings, ElementsAre(HasSubstr(text))) << name;
  };
  warns("training_mode", "it was saved in training mode, which its code looks at");
  warns("frozen_with_norms", "frozen, and still 2 convolutions have a batch norm behind them");
  warns("half_folded", "of 3 convolutions 2 have a bias and no batch norm, 1 still have one");
  warns("quantized_with_norm", "1 batch norm is left in a quantised model");
  warns("fixed_batch", "a first dimension that is a fixed number");
  warns("pinned_to_cuda", "tied to the device cuda:0");
  warns("padded_classifier", "pads by hand in front of convolutions");
  warns("no_forward", "has no method forward()");
  EXPECT_THAT(report("traced_in_training").warnings,
              Contains(HasSubstr("3 operators in training mode")));
}

TEST(TorchInspection, NamesTheOperatorsThatThisLibtorchHasNot) {
  const auto facts = report("unknown_operator");
  EXPECT_THAT(facts.missing_operators, ElementsAre("gst_torch_test::twice"));
  EXPECT_EQ(facts.load.code(), Code::kUnsupported);
  EXPECT_THAT(facts.parts, IsEmpty());
  EXPECT_EQ(open("unknown_operator")->listing({}).status().code(), Code::kUnsupported);
  for (const auto* name : {"classifier", "quantized_classifier", "tuple_output", "dict_output",
                           "named_tuple_output", "conditional", "random"})
    EXPECT_THAT(report(name).missing_operators, IsEmpty()) << name;
}

TEST(TorchInspection, RefusesWhatALoadRefuses) {
  const auto refused = [](const std::string& name, Code code) {
    EXPECT_EQ(try_open(name).status().code(), code) << name;
  };
  refused("writes_file", Code::kForbiddenOperator);
  refused("writes_file_at_load", Code::kForbiddenOperator);
  refused("reads_file", Code::kForbiddenOperator);
  refused("deep_brackets", Code::kCorruptModel);
  refused("unpack_bomb", Code::kTooLarge);
  refused("state_dict", Code::kCorruptModel);
  refused("plain_zip", Code::kCorruptModel);
  refused("exported_program", Code::kUnsupported);
}

TEST(TorchListing, ShowsTheGraphAndCodeOfOneModule) {
  const auto model = open("traced_classifier");
  const auto graph = listing(*model, {ListingRequest::Form::kGraph, "0", "forward", false});
  EXPECT_THAT(graph, StartsWith("graph(%self"));
  EXPECT_EQ(count(graph, "aten::_convolution"), 1);
  const auto code = listing(*model, {ListingRequest::Form::kCode, "0", "forward", false});
  EXPECT_THAT(code, AllOf(StartsWith("def forward(self,"), HasSubstr("torch._convolution(")));
}

TEST(TorchListing, PutsWhatIsCalledInItsPlaceAndLeavesTheModelAsItIs) {
  const auto model = open("traced_classifier");
  const ListingRequest plain{ListingRequest::Form::kCode, {}, "forward", false};
  const ListingRequest inlined{ListingRequest::Form::kCode, {}, "forward", true};
  const auto before = listing(*model, plain);
  EXPECT_EQ(count(before, "torch._convolution"), 0);
  EXPECT_EQ(count(before, ".forward("), 13);
  const auto text = listing(*model, inlined);
  EXPECT_EQ(count(text, "torch._convolution("), 3);
  EXPECT_EQ(count(text, "torch.batch_norm("), 2);
  EXPECT_EQ(count(text, ".forward("), 0);
  EXPECT_EQ(listing(*model, plain), before);
}

TEST(TorchListing, DrawsOperatorsAndWhatFlowsBetweenThem) {
  const auto text =
      listing(*open("traced_classifier"), {ListingRequest::Form::kDot, {}, "forward", true});
  EXPECT_THAT(text, AllOf(StartsWith("digraph \"forward\" {"), HasSubstr("\"_convolution\\n0\"")));
  EXPECT_EQ(count(text, "label=\"_convolution"), 3);
  EXPECT_THAT(text, HasSubstr("n1 -> n2;"));
}

TEST(TorchListing, DrawsConditionsAndLoopsAsBoxesThatHoldTheirOperators) {
  const auto text =
      listing(*open("conditional"), {ListingRequest::Form::kDot, {}, "forward", false});
  EXPECT_EQ(count(text, "subgraph cluster_"), 3);
  const auto box = text.substr(text.find("subgraph cluster_1"));
  EXPECT_THAT(box.substr(0, box.find('}')), HasSubstr("relu"));
}

TEST(TorchListing, SaysWhatThereIsWhereSomethingIsNot) {
  const auto model = open("classifier");
  const auto no_module = model->listing({ListingRequest::Form::kCode, "0.7", "forward", false});
  EXPECT_EQ(no_module.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(no_module.status().message(), HasSubstr("its module \"0\" has no module \"7\""));
  const auto no_child = model->listing({ListingRequest::Form::kCode, "x", "forward", false});
  EXPECT_THAT(no_child.status().message(), HasSubstr("it has 0, 1, 2"));
  const auto no_method = model->listing({ListingRequest::Form::kCode, "0", "train", false});
  EXPECT_THAT(no_method.status().message(), HasSubstr("it has forward"));
}

TEST(TorchProbe, FindsInputOutputsAndBatches) {
  const auto probe = open("no_model_info")->probe({});
  ASSERT_TRUE(probe.ok()) << probe.status().message();
  ASSERT_THAT(probe->outputs, SizeIs(1));
  EXPECT_EQ(probe->largest_batch, 3);
  EXPECT_TRUE(probe->repeatable);
}

TEST(TorchProbe, TakesTheSizeOfTheTraceWhereNothingElseIsSaid) {
  const auto probe = open("traced_classifier")->probe({});
  ASSERT_TRUE(probe.ok()) << probe.status().message();
  EXPECT_EQ(probe->input, load_options().input);
  EXPECT_THAT(probe->outputs.front().dims, ElementsAre(10));
  EXPECT_TRUE(probe->other_sizes);
}

TEST(TorchProbe, FindsTheChannelsThatConvolutionsOfOtherKindsTake) {
  for (const auto* name : {"depthwise_stem", "transposed_stem"}) {
    const auto probe = open(name)->probe({});
    ASSERT_TRUE(probe.ok()) << name << ": " << probe.status().message();
    EXPECT_EQ(probe->input.channels, 3) << name;
  }
}

TEST(TorchProbe, SaysWhyLargerBatchesFail) {
  const auto fixed = open("fixed_batch")->probe(load_options().input);
  ASSERT_TRUE(fixed.ok()) << fixed.status().message();
  EXPECT_EQ(fixed->largest_batch, 1);
  EXPECT_THAT(fixed->batch_problem, HasSubstr("shape"));
  EXPECT_FALSE(fixed->other_sizes);
  const auto mixes = open("mixes_batch")->probe(load_options().input);
  ASSERT_TRUE(mixes.ok()) << mixes.status().message();
  EXPECT_THAT(mixes->batch_problem, HasSubstr("rows of a batch of 2 are not those"));
}

TEST(TorchProbe, FailsWithWhatTheModelSays) {
  EXPECT_EQ(open("throws")->probe(load_options().input).status().code(), Code::kForwardFailed);
  EXPECT_EQ(open("two_inputs")->probe({}).status().code(), Code::kUnsupported);
  EXPECT_EQ(open("string_output")->probe(load_options().input).status().code(), Code::kBadOutput);
}

ProfileRequest profile_request() {
  ProfileRequest request;
  request.input = load_options().input;
  request.runs = 3;
  return request;
}

double self_sum(const std::vector<ProfileLine>& lines) {
  double sum = 0.0;
  for (const auto& line : lines) sum += line.self_ms;
  return sum;
}

TEST(TorchProfile, TellsTheTimeOfEachOperatorAndModule) {
  const auto profile = open("traced_classifier")->profile(profile_request());
  ASSERT_TRUE(profile.ok()) << profile.status().message();
  ASSERT_THAT(profile->forms, SizeIs(2));
  const auto& form = profile->forms.front();
  EXPECT_EQ(form.name, "as loaded");
  const auto found = std::ranges::find(form.operators, "aten::_convolution", &ProfileLine::name);
  ASSERT_NE(found, form.operators.end());
  EXPECT_DOUBLE_EQ(found->calls, 3.0);
  EXPECT_GT(found->self_ms, 0.0);
  // What no operator took is the interpreter's, so the lines add up to the whole.
  EXPECT_NEAR(self_sum(form.operators), form.observed_ms, 0.02 * form.observed_ms);
  const auto module = std::ranges::find(form.modules, "12", &ProfileLine::name);
  ASSERT_NE(module, form.modules.end());
  EXPECT_GT(module->total_ms, 0.0);
  const auto& whole = form.modules.front();
  EXPECT_EQ(whole.name, "");
  EXPECT_NEAR(whole.total_ms, self_sum(form.modules), 1e-9);
}

TEST(TorchProfile, SeesTheOptimisedFormsOperatorsToo) {
  const auto profile = open("traced_classifier")->profile(profile_request());
  ASSERT_TRUE(profile.ok()) << profile.status().message();
  ASSERT_THAT(profile->forms, SizeIs(2));
  const auto& form = profile->forms.back();
  EXPECT_EQ(form.name, "optimize_for_inference");
  EXPECT_THAT(form.operators,
              Contains(::testing::Field(&ProfileLine::name, HasSubstr("mkldnn_convolution"))));
}

TEST(TorchProfile, CountsWhatRunsInLoopsAndConditions) {
  const auto profile = open("conditional")->profile(profile_request());
  ASSERT_TRUE(profile.ok()) << profile.status().message();
  const auto& lines = profile->forms.front().operators;
  const auto calls = [&](const std::string& name) {
    const auto found = std::ranges::find(lines, name, &ProfileLine::name);
    return found == lines.end() ? 0.0 : found->calls;
  };
  EXPECT_DOUBLE_EQ(calls("aten::sigmoid"), 1.0);
  EXPECT_DOUBLE_EQ(calls("aten::relu"), 0.0);
  EXPECT_DOUBLE_EQ(calls("aten::add"), 3.0);
  EXPECT_NEAR(self_sum(lines), profile->forms.front().observed_ms,
              0.02 * profile->forms.front().observed_ms);
}

TEST(TorchProfile, RunsOnTheFramesThatItIsGiven) {
  auto request = profile_request();
  request.items.assign(2, std::vector<std::byte>(request.input.bytes()));
  request.batch = 2;
  const auto profile = open("nan_when_bright")->profile(request);
  ASSERT_TRUE(profile.ok()) << profile.status().message();
  EXPECT_EQ(profile->frames, 2U);
  request.items.emplace_back(7);
  EXPECT_EQ(open("nan_when_bright")->profile(request).status().code(), Code::kInvalidArgument);
  request = profile_request();
  const std::vector<float> bright(request.input.bytes() / sizeof(float), 1.0F);
  const auto* bytes = reinterpret_cast<const std::byte*>(bright.data());
  request.items.assign(1, std::vector<std::byte>(bytes, bytes + request.input.bytes()));
  EXPECT_EQ(open("throws_when_bright")->profile(request).status().code(), Code::kForwardFailed);
}

TEST(TorchRuntime, SaysWhatRunsHereAndWhyADeviceDoesNot) {
  const auto runtime = torch_back_end().inspector()->runtime();
  EXPECT_THAT(runtime.facts, Contains(Key("libtorch")));
  EXPECT_THAT(runtime.facts, Contains(Pair("libtorch file", StartsWith("/"))));
  EXPECT_THAT(runtime.facts, Contains(Key("CPU capability")));
  const auto device = [&](const std::string& name) {
    return std::ranges::find(runtime.devices, name, &DeviceFacts::name)->problem;
  };
  EXPECT_EQ(device("cpu"), "");
  EXPECT_THAT(device("cuda"), HasSubstr("no CUDA support"));
}

}  // namespace
}  // namespace torchinfer
