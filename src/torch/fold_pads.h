// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

namespace torch::jit {
struct Graph;
}  // namespace torch::jit

namespace torchinfer {

struct FoldedPads {
  int pads = 0;    ///< explicit pads (aten::pad, aten::constant_pad_nd) in the graph, of any kind
  int folded = 0;  ///< of these, how many are gone
};

/// Makes explicit zero pads of height and width part of the convolutions behind them. Networks
/// converted from TensorFlow pad by hand, since its SAME padding may differ from side to side;
/// libtorch runs such a pad as a copy of the whole tensor, and the convolution off its fast path.
///
/// Exact for finite numbers: a symmetric pad is the convolution's own padding; for one that is n
/// wider on one side, n rows (or columns) of zeros join the kernel on the other, and the wider pad
/// goes to both sides. So nothing but products with zero is added.
///
/// A pad stays where that is not the same or not worth it: it pads with something else than zeros
/// or crops, something else than plain two-dimensional convolutions with constant weights uses what
/// it gives, its input is written to before the convolution reads it, a dilation does not divide
/// the difference of its sides, or the kernel would more than double.
///
/// `graph` is frozen, so that weights are constants, and nobody runs it yet. Throws what libtorch
/// throws; then it must not be used.
FoldedPads fold_pads(const std::shared_ptr<torch::jit::Graph>& graph);

}  // namespace torchinfer
