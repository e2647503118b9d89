// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/known_operators.h"

#include <torch/csrc/jit/frontend/lexer.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <memory>
#include <vector>

namespace torchinfer {
namespace {

using namespace torch::jit;

constexpr std::size_t kMostMissing = 100;

bool is_known(const std::string& name) {
  return !getAllOperatorsFor(c10::Symbol::fromQualString(name)).empty();
}

/// Collects dotted names before a bracket: `torch.relu(`, `ops.torchvision.nms(`.
class CallScan {
 public:
  explicit CallScan(std::set<std::string>& missing) : missing_(missing) {}

  void take(int kind, const std::string& text) {
    const bool after_dot = kind_ == '.';
    // Names of operators may be words of the language: `ops.aten.is`, `torch.in`.
    const bool is_word = kind == TK_IDENT || (after_dot && kind != '(' && kind != '[');
    if (kind == '(' && kind_ != '.') end();
    if (is_word) {
      if (!after_dot) names_.clear();
      names_.push_back(text);
    } else if (kind != '.') {
      names_.clear();
    }
    kind_ = kind;
  }

 private:
  void end() {
    if (missing_.size() >= kMostMissing) return;
    std::string name;
    if (names_.size() == 2 && names_[0] == "torch")
      name = "aten::" + names_[1];
    else if (names_.size() == 3 && names_[0] == "ops")
      name = names_[1] + "::" + names_[2];
    if (!name.empty() && !is_known(name)) missing_.insert(name);
  }

  std::set<std::string>& missing_;
  std::vector<std::string> names_;
  int kind_ = TK_NEWLINE;
};

}  // namespace

void find_missing_operators(const std::string& record, const std::string& code,
                            std::set<std::string>& missing) {
  Lexer lexer(std::make_shared<Source>(code, record, 1));
  CallScan scan(missing);
  while (lexer.cur().kind != TK_EOF) {
    auto token = lexer.next();
    scan.take(token.kind, token.text());
  }
}

}  // namespace torchinfer
