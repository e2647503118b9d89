// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/timed_graph.h"

#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/runtime/logging.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>
#include <utility>

#include "torch/graph_view.h"

namespace torchinfer {
namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;

constexpr const char* kStart = "start";
constexpr const char* kEnd = "end";

/// They move values about, and cost less than looking at a clock.
bool is_light(const Node& node) {
  constexpr std::array<std::string_view, 12> names{
      "prim::Constant",       "prim::GetAttr",     "prim::ListConstruct", "prim::ListUnpack",
      "prim::TupleConstruct", "prim::TupleUnpack", "prim::TupleIndex",    "prim::DictConstruct",
      "prim::unchecked_cast", "prim::isinstance",  "prim::Uninitialized", "prim::RaiseException"};
  return std::ranges::find(names, std::string_view(node.kind().toQualString())) != names.end();
}

/// The module whose weights a node uses, else the one whose method it came from when calls were
/// inlined, as far as that is known.
std::string module_of(const GraphView& view, const Node& node) {
  for (const auto* input : node.inputs()) {
    const auto path = view.path_of(input);
    if (!path.empty()) return path.substr(0, std::min(path.size(), path.rfind('.')));
  }
  std::string path;
  const auto calls = node.callstack();
  if (!calls) return path;
  for (const auto& call : (*calls)->vec()) {
    const auto& module = std::get<2>(call);
    if (!module || module->instance_name() == "SELF") continue;
    path += (path.empty() ? "" : ".") + module->instance_name();
  }
  return path;
}

void add_mark(Graph& graph, Node& place, const char* name, std::size_t part, bool before) {
  const torch::jit::WithInsertPoint at(before ? &place : place.next());
  auto* key = graph.insertConstant(std::string(name));
  auto* number = graph.insertConstant(static_cast<std::int64_t>(part));
  graph.insertNode(graph.create(c10::prim::AddStatValue, {key, number}, 0));
}

void add_clocks(const GraphView& view, Block& block, int parent,
                std::vector<TimedGraph::Part>& parts) {
  const std::vector<Node*> nodes(block.nodes().begin(), block.nodes().end());
  for (auto* node : nodes) {
    if (is_light(*node)) continue;
    const auto part = parts.size();
    parts.push_back({node->kind().toQualString(), module_of(view, *node), parent});
    add_mark(view.graph(), *node, kStart, part, true);
    add_mark(view.graph(), *node, kEnd, part, false);
    for (auto* inner : node->blocks()) add_clocks(view, *inner, static_cast<int>(part), parts);
  }
}

}  // namespace

/// The hook by which a running graph tells its marks: TorchScript's logger, while it lives.
class TimedGraph::Clocks final : public torch::jit::logging::LoggerBase {
 public:
  explicit Clocks(std::vector<Part>& parts)
      : parts_(parts), starts_(parts.size()), before_(torch::jit::logging::setLogger(this)) {}
  ~Clocks() override { torch::jit::logging::setLogger(before_); }
  Clocks(const Clocks&) = delete;
  Clocks& operator=(const Clocks&) = delete;

  void addStatValue(const std::string& mark, std::int64_t value) override {
    const auto now = steady_clock().now();
    const auto place = static_cast<std::size_t>(value);
    if (place >= parts_.size()) return;  // a mark of the model's own
    if (mark == kStart) {
      starts_[place] = steady_clock().now();
    } else if (mark == kEnd) {
      auto& part = parts_[place];
      ++part.calls;
      part.total += now - starts_[place];
      if (part.parent >= 0)
        parts_[static_cast<std::size_t>(part.parent)].inner += now - starts_[place];
    }
  }

 private:
  std::vector<Part>& parts_;
  std::vector<TimePoint> starts_;
  LoggerBase* before_;
};

TimedGraph::TimedGraph(const torch::jit::Module& module) : module_(module) {
  const GraphView view(module_, "forward", true);
  add_clocks(view, *view.graph().block(), -1, parts_);
  function_ = std::make_unique<torch::jit::GraphFunction>(c10::QualifiedName("timed_forward"),
                                                          view.graph().copy(), nullptr);
}

void TimedGraph::run(const at::Tensor& input) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const c10::InferenceMode no_gradients;
  torch::jit::Stack stack{module_._ivalue(), input};
  // Other arguments have defaults, or the model would not be run at all.
  const auto& arguments = module_.get_method("forward").function().getSchema().arguments();
  for (std::size_t i = 2; i < arguments.size(); ++i)
    stack.push_back(arguments[i].default_value().value());
  const Clocks clocks(parts_);
  const auto start = steady_clock().now();
  function_->run(stack);
  time_ += steady_clock().now() - start;
}

void TimedGraph::reset() {
  time_ = {};
  for (auto& part : parts_) {
    part.calls = 0;
    part.total = part.inner = {};
  }
}

}  // namespace torchinfer
