// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/fold_pads.h"

#include <ATen/ops/constant_pad_nd.h>
#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace torchinfer {
namespace {

using torch::jit::AliasDb;
using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::toIValue;
using torch::jit::Value;

/// Between a pad and its convolution stand constants, in code that people write. The limits keep
/// hostile models from making this slow or large.
constexpr int kMostBetween = 256;
constexpr std::int64_t kLargestPad = 1 << 16;
constexpr std::int64_t kMostAddedWeights = std::int64_t{1} << 26;

/// Height first, as a convolution's arguments are.
using Pair = std::array<std::int64_t, 2>;

struct Pad {
  Pair before, after;
};

/// A convolution as it shall become.
struct Folded {
  Node* convolution;
  Pair padding;
  Pair zeros_before, zeros_after;  ///< rows and columns that join the kernel

  bool grows() const { return zeros_before != Pair{} || zeros_after != Pair{}; }
};

std::optional<std::vector<std::int64_t>> numbers_of(const Value* value) {
  if (const auto constant = toIValue(value)) {
    if (constant->isIntList()) return constant->toIntVector();
    if (constant->isInt()) return std::vector{constant->toInt()};
    return std::nullopt;
  }
  const auto* node = value->node();
  if (node->kind() != c10::prim::ListConstruct) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const auto* input : node->inputs()) {
    const auto constant = toIValue(input);
    if (!constant || !constant->isInt()) return std::nullopt;
    numbers.push_back(constant->toInt());
  }
  return numbers;
}

/// One number stands for both.
std::optional<Pair> pair_of(const Value* value) {
  const auto numbers = numbers_of(value);
  if (!numbers || numbers->empty() || numbers->size() > 2) return std::nullopt;
  return Pair{numbers->front(), numbers->back()};
}

bool is_pad(const Node& node) {
  const std::string_view name = node.kind().toQualString();
  return name == "aten::pad" || name == "aten::constant_pad_nd";
}

bool is_zero(const Value* value) {
  const auto constant = toIValue(value);
  if (!constant) return false;
  return constant->isNone() || (constant->isScalar() && constant->toScalar().toDouble() == 0.0);
}

/// What a pad adds to height and width, where it does nothing else.
std::optional<Pad> pad_of(const Node& node) {
  if (std::string_view(node.kind().toQualString()) == "aten::pad") {
    const auto mode = toIValue(node.input(2));
    if (!mode || !mode->isString() || mode->toStringRef() != "constant") return std::nullopt;
    if (!is_zero(node.input(3))) return std::nullopt;
  } else if (!is_zero(node.input(2))) {
    return std::nullopt;
  }
  // From the last dimension on, a pair for each.
  auto amounts = numbers_of(node.input(1));
  if (!amounts || amounts->size() % 2 != 0) return std::nullopt;
  if (!std::ranges::all_of(*amounts, [](auto n) { return n >= 0 && n <= kLargestPad; }))
    return std::nullopt;
  if (amounts->size() < 4) amounts->resize(4);
  if (std::any_of(amounts->begin() + 4, amounts->end(), [](auto n) { return n != 0; }))
    return std::nullopt;
  const auto& a = *amounts;
  return Pad{{a[2], a[0]}, {a[3], a[1]}};
}

/// Places of a convolution's arguments, which differ from operator to operator.
struct Signature {
  std::string_view name;
  std::size_t inputs;
  std::optional<std::size_t> transposed;
};

constexpr std::array<Signature, 4> kConvolutions{{
    {"aten::conv2d", 7, std::nullopt},
    {"aten::convolution", 9, 6},
    {"aten::_convolution", 12, 6},
    {"aten::_convolution", 13, 6},
}};
// Of all of them.
constexpr std::size_t kInput = 0, kWeight = 1, kPadding = 4, kDilation = 5;

std::optional<at::Tensor> kernel_of(const Node& node) {
  const std::string_view name = node.kind().toQualString();
  const auto* signature = std::ranges::find_if(kConvolutions, [&](const Signature& known) {
    return known.name == name && known.inputs == node.inputs().size();
  });
  if (signature == kConvolutions.end()) return std::nullopt;
  if (signature->transposed) {
    const auto transposed = toIValue(node.input(*signature->transposed));
    if (!transposed || !transposed->isBool() || transposed->toBool()) return std::nullopt;
  }
  const auto weight = toIValue(node.input(kWeight));
  if (!weight || !weight->isTensor() || weight->toTensor().dim() != 4) return std::nullopt;
  return weight->toTensor();
}

/// How `node` takes the pad, if it can.
std::optional<Folded> folded_convolution(Node& node, const Pad& pad) {
  const auto kernel = kernel_of(node);
  // Other operators need not have as many inputs.
  if (!kernel) return std::nullopt;
  // Padding may be a word, too.
  const auto own = pair_of(node.input(kPadding));
  const auto dilation = pair_of(node.input(kDilation));
  if (!own || !dilation) return std::nullopt;
  Folded folded{&node, {}, {}, {}};
  Pair rows{};
  for (const std::size_t side : {0U, 1U}) {
    const auto step = (*dilation)[side];
    const auto extra = pad.after[side] - pad.before[side];
    if (step < 1 || (*own)[side] < 0 || (*own)[side] > kLargestPad || extra % step != 0)
      return std::nullopt;
    folded.padding[side] = (*own)[side] + std::max(pad.before[side], pad.after[side]);
    (extra > 0 ? folded.zeros_before : folded.zeros_after)[side] = std::abs(extra) / step;
    rows[side] = kernel->size(static_cast<std::int64_t>(side) + 2);
  }
  // More than that costs more than the pad.
  const auto grown = [&](std::size_t side) {
    return rows[side] + folded.zeros_before[side] + folded.zeros_after[side];
  };
  if (grown(0) * grown(1) > 2 * rows[0] * rows[1]) return std::nullopt;
  return folded;
}

/// A walk over one graph.
class Folding {
 public:
  explicit Folding(const std::shared_ptr<Graph>& graph) : graph_(*graph), aliases_(graph) {}

  FoldedPads run() {
    std::vector<Node*> pads;
    collect(*graph_.block(), pads);
    FoldedPads result{static_cast<int>(pads.size()), 0};
    for (auto* pad : pads)
      if (fold(*pad)) ++result.folded;
    return result;
  }

 private:
  static void collect(Block& block, std::vector<Node*>& pads) {
    for (auto* node : block.nodes()) {
      if (is_pad(*node)) pads.push_back(node);
      for (auto* inner : node->blocks()) collect(*inner, pads);
    }
  }

  /// All convolutions that use the pad, or none.
  bool fold(Node& node) {
    const auto pad = pad_of(node);
    if (!pad || node.output()->uses().empty() || aliases_.hasWriters(node.output())) return false;
    std::vector<Folded> all;
    std::int64_t added = 0;
    for (const auto& use : node.output()->uses()) {
      if (use.offset != kInput || !reads_the_same(node, *use.user)) return false;
      const auto folded = folded_convolution(*use.user, *pad);
      if (!folded) return false;
      if (folded->grows()) added += kernel_of(*use.user)->numel();
      all.push_back(*folded);
    }
    if (added > kMostAddedWeights - added_) return false;
    added_ += added;
    for (const auto& folded : all) apply(folded, node.input(0));
    node.destroy();
    return true;
  }

  /// Whether the pad's input is the same still when `user` runs.
  bool reads_the_same(Node& pad, const Node& user) const {
    if (user.owningBlock() != pad.owningBlock()) return false;
    if (!aliases_.hasWriters(pad.input(0))) return true;
    const torch::jit::ValueSet input{pad.input(0)};
    int between = 0;
    for (auto* node = pad.next(); node != &user; node = node->next())
      if (++between > kMostBetween || aliases_.writesToAlias(node, input)) return false;
    return true;
  }

  void apply(const Folded& folded, Value* input) {
    auto& convolution = *folded.convolution;
    const torch::jit::WithInsertPoint here(&convolution);
    if (folded.grows()) {
      const auto& before = folded.zeros_before;
      const auto& after = folded.zeros_after;
      const auto weight =
          at::constant_pad_nd(*kernel_of(convolution), {before[1], after[1], before[0], after[0]});
      convolution.replaceInput(kWeight, graph_.insertConstant(weight));
    }
    convolution.replaceInput(kPadding, graph_.insertConstant(std::vector<std::int64_t>{
                                           folded.padding[0], folded.padding[1]}));
    convolution.replaceInput(kInput, input);
  }

  Graph& graph_;
  const AliasDb aliases_;
  std::int64_t added_ = 0;
};

}  // namespace

FoldedPads fold_pads(const std::shared_ptr<Graph>& graph) { return Folding(graph).run(); }

}  // namespace torchinfer
