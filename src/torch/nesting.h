// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

namespace torchinfer {

/// Bounds the depth of the syntax tree that libtorch would make of some tokens, before it makes
/// one: its parser, its compiler and what frees the tree call themselves once or oftener for each
/// level, some 2.5 KiB of stack for each, and nothing stops them at the stack's end.
///
/// A level is whatever can stand inside or before another: a bracket, an indented block, an
/// operator (also one in a chain, `a + b + c`, `x.f().g()`, `a if b else c if d else e`), an elif.
/// What stands side by side, as arguments, elements and statements do, adds nothing. The depth that
/// is found is never below the tree's, and at most a few times it.
///
/// Of one thread.
class NestingScan {
 public:
  /// Six times what the deepest models of torchvision have (85, the scripted transformers; others
  /// 26), a sixth of what 8 MiB of stack hold.
  static constexpr std::size_t kDeepest = 512;

  /// The next token, of those of torch/csrc/jit/frontend/lexer.h. Returns whether what was taken is
  /// within the bound; if it is not, the scan is over.
  bool take(int kind);

 private:
  struct Level {
    std::size_t own = 0;      ///< operators of what stands here since the last separator
    std::size_t inside = 0;   ///< the deepest of what has been closed since then
    std::size_t deepest = 0;  ///< before it
    void separate();
  };
  void close();

  std::vector<Level> open_{1};
  std::size_t operators_ = 0;  ///< the sum of `own` of all open levels
  bool statement_starts_ = true;
};

}  // namespace torchinfer
