// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/advice.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace torchinfer {
namespace {

using torch::jit::Node;
using torch::jit::Value;

bool is_any(const Node& node, std::initializer_list<std::string_view> names) {
  const std::string_view name = node.kind().toQualString();
  return std::ranges::find(names, name) != names.end();
}

bool is_batch_norm(const Node& node) {
  return is_any(node, {"aten::batch_norm", "aten::_native_batch_norm_legit_no_training",
                       "aten::native_batch_norm", "quantized::batch_norm2d"});
}

/// The only node that reads a value's numbers; null: there are several, or none. Scripted modules
/// look at shapes besides.
const Node* only_reader(const Value* value) {
  const Node* reader = nullptr;
  for (const auto& use : value->uses()) {
    if (is_any(*use.user, {"aten::dim", "aten::size", "aten::len"})) continue;
    if (reader != nullptr) return nullptr;
    reader = use.user;
  }
  return reader;
}

std::string count_of(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

/// What is counted in one walk over the graph.
class Survey {
 public:
  explicit Survey(const GraphView& view) : view_(view) {
    view.for_each([this](const Node& node) { look_at(node); });
  }

  std::size_t convolutions = 0;
  std::size_t with_norm = 0;  ///< convolutions with a batch norm behind them
  std::size_t with_bias = 0;  ///< convolutions with a bias and no batch norm
  std::size_t norms = 0;
  std::size_t pads = 0;            ///< of zeros, in front of a convolution
  std::size_t training_flags = 0;  ///< of modules, read and set
  std::size_t training_norms = 0;  ///< by a constant in the code
  std::size_t active_dropouts = 0;
  std::size_t fixed_shapes = 0;  ///< views whose first dimension is a number
  bool quantized = false;

 private:
  void look_at(const Node& node) {
    const std::string_view name = node.kind().toQualString();
    if (name.starts_with("quantized::")) quantized = true;
    if (is_convolution(node)) look_at_convolution(node);
    if (node.kind() == c10::prim::GetAttr && node.s(c10::attr::name) == "training" &&
        view_.bool_of(node.output()).value_or(false))
      ++training_flags;
    if (is_batch_norm(node)) {
      ++norms;
      if (name == "aten::batch_norm" && is_true(node, 5)) ++training_norms;
    } else if (is_any(node, {"aten::dropout", "aten::dropout_", "aten::feature_dropout",
                             "aten::alpha_dropout"})) {
      if (is_true(node, 2)) ++active_dropouts;
    } else if (is_any(node, {"aten::pad", "aten::constant_pad_nd"})) {
      const auto* user = only_reader(node.output(0));
      if (pads_with_zeros(node) && user != nullptr && is_convolution(*user)) ++pads;
    } else if (is_any(node, {"aten::view", "aten::reshape", "aten::expand"})) {
      const auto sizes = view_.ints_of(node.input(1));
      if (sizes.size() > 1 && sizes.front() && *sizes.front() > 0) ++fixed_shapes;
    }
  }

  bool pads_with_zeros(const Node& node) const {
    const auto given = [&](const char* argument) {
      return view_.value_of(node.namedInput(argument)).value_or(c10::IValue());
    };
    if (node.hasNamedInput("mode")) {
      const auto mode = given("mode");
      if (!mode.isString() || mode.toStringRef() != "constant") return false;
    }
    const auto value = given("value");
    return value.isNone() || (value.isDouble() && value.toDouble() == 0.0) ||
           (value.isInt() && value.toInt() == 0);
  }

  void look_at_convolution(const Node& node) {
    ++convolutions;
    const auto* user = only_reader(node.output(0));
    if (user != nullptr && is_batch_norm(*user)) {
      ++with_norm;
    } else if (node.inputs().size() > 2) {
      const auto bias = view_.value_of(node.input(2));
      if (bias && bias->isTensor() && bias->toTensor().defined()) ++with_bias;
    }
  }

  /// Of a constant in the code. What an attribute says can be changed when the model is loaded.
  bool is_true(const Node& node, std::size_t input) const {
    return node.inputs().size() > input &&
           node.input(input)->node()->kind() == c10::prim::Constant &&
           view_.bool_of(node.input(input)).value_or(false);
  }

  const GraphView& view_;
};

void advise_on_norms(const Survey& survey, bool quantized, bool saved_frozen,
                     std::vector<std::string>& advice) {
  const auto norms = count_of(survey.norms, "batch norm", "batch norms");
  if (survey.norms > 0 && quantized) {
    advice.push_back(norms + (survey.norms == 1 ? " is" : " are") +
                     " left in a quantised model, which makes it slow and less exact: fold batch "
                     "norms into the convolutions before it is quantised");
  } else if (survey.with_norm > 0 && saved_frozen) {
    advice.push_back("it was frozen, and still " +
                     count_of(survey.with_norm, "convolution has", "convolutions have") +
                     " a batch norm behind " + (survey.with_norm == 1 ? "it" : "them") +
                     ": freeze it in evaluation mode, or export it unfrozen");
  } else if (survey.with_norm > 0 && survey.with_norm < survey.with_bias) {
    advice.push_back("of " + std::to_string(survey.convolutions) + " convolutions " +
                     std::to_string(survey.with_bias) + " have a bias and no batch norm, " +
                     std::to_string(survey.with_norm) +
                     " still have one behind them: where batch norms were folded, fold these too");
  }
}

}  // namespace

std::vector<std::string> advise(const GraphView& forward, const ModelTree& tree,
                                bool saved_frozen) {
  const Survey survey(forward);
  std::vector<std::string> advice;
  if (survey.training_flags > 0)
    advice.push_back("it was saved in training mode, which its code looks at in " +
                     count_of(survey.training_flags, "place", "places") +
                     ": torchinference switches that off, other programs may not; call eval() "
                     "before exporting");
  if (survey.training_norms + survey.active_dropouts > 0)
    advice.push_back(
        "its code has " +
        count_of(survey.training_norms + survey.active_dropouts, "operator", "operators") +
        " in training mode (batch norm, dropout) that nothing can switch off: call "
        "eval() before tracing and export it again");
  if (survey.fixed_shapes > 0)
    advice.push_back(
        "its code gives " + count_of(survey.fixed_shapes, "tensor", "tensors") +
        " a first dimension that is a fixed number, so it may take batches of one size "
        "only (--probe shows that): use -1, or flatten(1), and export it again");
  advise_on_norms(survey, survey.quantized || tree.packed > 0, saved_frozen, advice);
  if (survey.pads > 0)
    advice.push_back("it pads by hand in front of convolutions (" +
                     count_of(survey.pads, "explicit pad", "explicit pads") +
                     "), which keeps them off libtorch's fast path: torchinference folds such pads "
                     "when it loads the model, gst-torch-export folds them in the file");
  return advice;
}

}  // namespace torchinfer
