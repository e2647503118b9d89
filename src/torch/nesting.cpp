// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/nesting.h"

#include <torch/csrc/jit/frontend/lexer.h>

#include <algorithm>

namespace torchinfer {

using namespace torch::jit;

void NestingScan::Level::separate() {
  deepest = std::max(deepest, own + inside);
  own = inside = 0;
}

/// What stands before and after a block or a bracket in its chain adds to the depth of it.
void NestingScan::close() {
  if (open_.size() == 1) return;  // one that was never opened: the parser refuses it
  operators_ -= open_.back().own;
  open_.back().separate();
  const auto depth = open_.back().deepest + 1;
  open_.pop_back();
  open_.back().inside = std::max(open_.back().inside, depth);
}

bool NestingScan::take(int kind) {
  const auto separate = [&] {
    operators_ -= open_.back().own;
    open_.back().separate();
  };
  // Each elif is the else of the one before it.
  if (statement_starts_ && kind != TK_DEDENT && kind != TK_ELIF && kind != TK_ELSE) separate();
  statement_starts_ = kind == TK_NEWLINE || kind == TK_INDENT || kind == TK_DEDENT;
  switch (kind) {
    case TK_NEWLINE:
    case TK_IDENT:
    case TK_NUMBER:
    case TK_STRINGLITERAL: break;
    case ',': separate(); break;
    case '(':
    case '[':
    case '{':
      ++open_.back().own;  // also a call's, of what the one before has returned
      ++operators_;
      [[fallthrough]];
    case TK_INDENT: open_.emplace_back(); break;
    case ')':
    case ']':
    case '}':
    case TK_DEDENT: close(); break;
    default: ++open_.back().own; ++operators_;
  }
  return open_.size() + operators_ <= kDeepest &&
         open_.back().own + open_.back().inside <= kDeepest;
}

}  // namespace torchinfer
