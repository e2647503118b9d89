// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/code_scan.h"

#include <torch/csrc/jit/frontend/lexer.h>
#include <torch/csrc/jit/frontend/parse_string_literal.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "torch/forbidden.h"
#include "torch/nesting.h"

namespace torchinfer {
namespace {

using namespace torch::jit;

/// Tokens and not a syntax tree: a tree's depth is the file's to choose, and the stack is ours.
class NameScan {
 public:
  void take(int kind, const std::string& text, const SourceRange& range) {
    if (kind == TK_STRINGLITERAL) {
      literal_ += parseStringLiteral(range, text);  // adjacent ones are one
    } else {
      if (before_ == TK_STRINGLITERAL) end_literal();
      if (kind == TK_IDENT)
        look_at_name(text);
      else
        look_at_bracket(kind);
    }
    before_ = kind;
  }

  std::string found;

 private:
  void look_at_name(const std::string& name) {
    is_attribute_ = before_ == '.';
    // The forms of remote calls stand for themselves.
    if (is_attribute_ ? is_forbidden_name(name) : is_forbidden_operator("prim::" + name))
      report(name);
  }

  void look_at_bracket(int kind) {
    if (kind == '(' || kind == '[' || kind == '{') {
      // getattr() is no attribute of anything, but may hide behind a variable or in brackets.
      const bool name = before_ == TK_IDENT && !is_attribute_;
      const bool value = before_ == ')' || before_ == ']' || before_ == '}';
      may_be_getattr_.push_back(kind == '(' && (name || value));
    } else if ((kind == ')' || kind == ']' || kind == '}') && !may_be_getattr_.empty()) {
      may_be_getattr_.pop_back();
    }
  }

  void end_literal() {
    const bool is_argument = !may_be_getattr_.empty() && may_be_getattr_.back();
    if ((is_argument && is_forbidden_name(literal_)) || has_forbidden_class(literal_))
      report(literal_);
    literal_.clear();
  }

  void report(const std::string& name) {
    if (found.empty()) found = name;
  }

  int before_ = TK_NEWLINE;
  bool is_attribute_ = false;  ///< the last name
  std::string literal_;
  std::vector<bool> may_be_getattr_;  ///< for each open bracket, whether it opens such arguments
};

}  // namespace

std::string find_forbidden_name(const std::string& record, const std::string& code) {
  Lexer lexer(std::make_shared<Source>(code, record, 1));
  NameScan scan;
  NestingScan nesting;
  while (lexer.cur().kind != TK_EOF && scan.found.empty()) {
    auto token = lexer.next();
    if (!nesting.take(token.kind))
      throw std::runtime_error(record + " nests deeper than " +
                               std::to_string(NestingScan::kDeepest) +
                               " levels, for which the stack may not suffice");
    scan.take(token.kind, token.text(), token.range);
  }
  return scan.found;
}

}  // namespace torchinfer
