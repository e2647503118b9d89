// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/fake/fake_model_text.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>

namespace torchinfer::test {
namespace {

using What = FakeFault::What;
using When = FakeFault::When;

/// The words of one line, taken one by one; a word that is not there makes it fail.
class Words {
 public:
  explicit Words(const std::string& line) : line_(line) {}

  std::string text() {
    std::string word;
    if (!(line_ >> word)) failed_ = true;
    return word;
  }
  std::string text_or(std::string otherwise) {
    std::string word;
    return line_ >> word ? word : otherwise;
  }
  int number() {
    int number = 0;
    if (!(line_ >> number)) failed_ = true;
    return number;
  }
  /// 5ms, 20us, 1s.
  std::chrono::nanoseconds time() {
    long long count = 0;
    std::string unit;
    if (!(line_ >> count >> unit)) failed_ = true;
    if (unit == "us") return std::chrono::microseconds(count);
    if (unit == "ms") return std::chrono::milliseconds(count);
    if (unit == "s") return std::chrono::seconds(count);
    failed_ = true;
    return {};
  }
  template <class T>
  T one_of(const std::map<std::string, T>& choices, const std::string& word) {
    const auto found = choices.find(word);
    if (found != choices.end()) return found->second;
    failed_ = true;
    return {};
  }
  void fail() { failed_ = true; }
  /// Nothing was missing and nothing is left.
  bool good() {
    std::string word;
    return !failed_ && !(line_ >> word);
  }

 private:
  std::istringstream line_;
  bool failed_ = false;
};

Code code_named(const std::string& name) {
  for (int i = 1; i <= static_cast<int>(Code::kInternal); ++i)
    if (to_string(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  return Code::kOk;
}

InputSpec parse_input(Words& words) {
  InputSpec input{DType::kFloat32, Layout::kNchw, 0, 0, 0};
  if (std::sscanf(words.text().c_str(), "%dx%dx%d", &input.channels, &input.height, &input.width) !=
      3)
    words.fail();
  for (std::string word; !(word = words.text_or("")).empty();) {
    if (word == "uint8")
      input.dtype = DType::kUint8;
    else if (word == "nhwc")
      input.layout = Layout::kNhwc;
    else if (word != "float32" && word != "nchw")
      words.fail();
  }
  return input;
}

FakeFault parse_fault(Words& words) {
  static const std::map<std::string, What> kWhats = {{"throw", What::kThrow},
                                                     {"throw-int", What::kThrowInt},
                                                     {"fail", What::kFail},
                                                     {"nan", What::kNan},
                                                     {"wrong-shape", What::kWrongShape},
                                                     {"no-output", What::kNoOutput},
                                                     {"oom", What::kOutOfMemory},
                                                     {"device-lost", What::kDeviceLost},
                                                     {"slow", What::kSlow},
                                                     {"gate", What::kGate}};
  static const std::map<std::string, When> kWhens = {{"always", When::kAlways},
                                                     {"once", When::kOnce},
                                                     {"after", When::kAfter},
                                                     {"mean", When::kMean},
                                                     {"above", When::kAbove}};
  FakeFault fault;
  fault.what = words.one_of(kWhats, words.text());
  if (fault.what == What::kSlow) fault.time = words.time();
  if (fault.what == What::kGate) fault.name = words.text();
  fault.when = words.one_of(kWhens, words.text_or("always"));
  if (fault.when != When::kAlways && fault.when != When::kOnce) fault.number = words.number();
  return fault;
}

void parse_load(Words& words, FakeModelText& model) {
  const std::string how = words.text();
  if (how == "fail")
    model.load_code = code_named(words.text());
  else if (how == "throw")
    model.load_throws = true;
  else if (how == "slow")
    model.load_time = words.time();
  else if (how == "gate")
    model.load_gate = words.text();
  else
    words.fail();
}

bool parse_line(const std::string& line, FakeModelText& model) {
  Words words(line);
  const std::string what = words.text_or("#");
  if (what.starts_with("#")) return true;
  if (what == "input") {
    model.input = parse_input(words);
  } else if (what == "classes") {
    model.classes = words.number();
  } else if (what == "labels") {
    model.labels = words.text();
  } else if (what == "activation") {
    model.activation = words.text();
  } else if (what == "resize") {
    model.resize = words.text();
  } else if (what == "quantized-engine") {
    model.quantized_engine = words.text();
  } else if (what == "no-info") {
    model.has_info = false;
  } else if (what == "info-outputs") {
    model.info_outputs = words.number();
  } else if (what == "batch-limit") {
    model.batch_limit = words.number();
  } else if (what == "batch-time") {
    model.batch_time = words.time();
  } else if (what == "patience") {
    model.patience = words.time();
  } else if (what == "load") {
    parse_load(words, model);
  } else if (what == "inspect") {
    if (words.text() != "fail") return false;
    model.inspect_code = code_named(words.text());
  } else if (what == "lane") {
    (words.text() == "throw" ? model.lane_throws : model.lane_fails) = true;
  } else if (what == "stage") {
    const std::string how = words.text();
    model.stages_late = how == "late";
    model.stage_throws = how == "throw";
    if (how == "fail") model.stage_code = code_named(words.text());
    if (how == "gate") model.stage_gate = words.text();
  } else if (what == "forward") {
    model.faults.push_back(parse_fault(words));
  } else {
    return false;
  }
  return words.good();
}

}  // namespace

Result<FakeModelText> FakeModelText::parse(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string line;
  if (!std::getline(lines, line) || line != "fake-model 1")
    return Status(Code::kCorruptModel, "not a model of the fake back-end");
  FakeModelText model;
  while (std::getline(lines, line))
    if (!parse_line(line, model))
      return Status(Code::kCorruptModel, "no line of a fake model: " + line);
  std::ranges::replace(model.labels, ',', '\n');
  return model;
}

std::string FakeModelText::model_info() const {
  const auto number = [](int value) { return std::to_string(value); };
  const bool nchw = input.layout == Layout::kNchw;
  const std::string sides = number(input.height) + "," + number(input.width);
  std::string text = "[modelinfo]\nversion=1.0\n[image]\ndir=input\ntype=";
  text += to_string(input.dtype);
  text += "\ndims=-1," +
          (nchw ? number(input.channels) + "," + sides : sides + "," + number(input.channels));
  text += "\nranges=0,255\n";
  if (info_outputs > 0)
    text += "[scores]\ndir=output\ntype=float32\ndims=-1," + number(info_outputs) + "\n";
  text += "[torchinference]\ntask=classification\ninterpolation=bilinear\nactivation=" + activation;
  text += "\nresize=" + resize + "\nlayout=" + (nchw ? "nchw" : "nhwc");
  text += std::string("\ncolor-order=") + (input.channels == 1 ? "gray" : "rgb") + "\n";
  if (resize == "letterbox") text += "pad-value=0\n";
  if (!quantized_engine.empty()) text += "quantized-engine=" + quantized_engine + "\n";
  return text;
}

}  // namespace torchinfer::test
