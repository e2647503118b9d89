# SPDX-License-Identifier: LGPL-2.1-or-later
"""Steps and rounding: how values become 8-bit, and weights with them."""

import dataclasses

import torch
from torch.nn import functional

SIX = 6.0
_SAMPLES = 400_000  # of a layer's values, for the choice of its steps
# Of the largest values, tried as the end of the range: what is cut off may cost less than what finer steps gain.
_SHRINK = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4)


@dataclasses.dataclass(frozen=True)
class Steps:
    """A value is (byte - zero) * scale."""

    scale: float
    zero: int

    def round(self, values):
        """`values` as 8 bits keep them; what lies outside becomes the nearest end."""
        return torch.fake_quantize_per_tensor_affine(values, self.scale, self.zero, 0, 255)


def steps_between(low, high):
    low, high = min(float(low), 0.0), max(float(high), 0.0)  # zero itself must be exact, for padding
    scale = max((high - low) / 255, 1e-8)
    return Steps(scale, max(0, min(255, round(-low / scale))))


def steps_for(chunks, activation):
    """The steps of a layer's values: those of least squared error."""
    if activation == "relu6":
        return Steps(SIX / 255, 0)
    low = min(float(chunk.min()) for chunk in chunks)
    high = max(float(chunk.max()) for chunk in chunks)
    if activation == "relu":
        low = 0.0
    each = max(1, _SAMPLES // len(chunks))
    sample = torch.cat([chunk.flatten()[:: max(1, chunk.numel() // each)] for chunk in chunks])
    tried = [steps_between(low * part, high * part) for part in _SHRINK]
    errors = [float((steps.round(sample) - sample).square().mean()) for steps in tried]
    return tried[errors.index(min(errors))]


def weight_scales(weight, bias, input_scale):
    """One for each output channel. The bias becomes a 32-bit number of steps of weight times input, so a channel whose
    weights are nearly nothing must not have nearly no step."""
    scales = weight.flatten(1).abs().amax(1) / 127
    return torch.maximum(scales, bias.abs() / (input_scale * 2**24)).clamp_min(1e-9)


def to_grid(weight, scales):
    shape = (-1, *[1] * (weight.dim() - 1))
    scales = scales.view(shape)
    return torch.clamp(torch.round(weight / scales), -128, 127) * scales


class Statistics:
    """Sums over positions of products of a convolution's inputs with each other, [groups, k, k]; k is the number of
    weights of one output channel. Of many positions every `step`th is taken, across and down."""

    def __init__(self, step):
        self.products = 0
        self._step = step

    def add(self, conv, values):
        stride = [size * self._step for size in conv.stride]
        columns = functional.unfold(values, conv.kernel_size, conv.dilation, conv.padding, stride)
        batch, _, positions = columns.shape
        columns = columns.view(batch, conv.groups, -1, positions)
        columns = columns.permute(1, 2, 0, 3).reshape(conv.groups, columns.shape[2], batch * positions)
        self.products = self.products + _products(columns).double()


def _products(columns):
    """columns @ columns^T for each group."""
    if len(columns) > 1:
        return columns @ columns.transpose(1, 2)
    # As a convolution, which is oneDNN's: PyTorch without MKL multiplies large matrices on one core, slowly.
    found = functional.conv2d(columns[0].t()[None, :, :, None].contiguous(), columns[0][:, :, None, None])
    return found[0, :, :, 0][None]


def round_together(weight, groups, scales, statistics, damping=0.01):
    """Rounds weight by weight and lets those that are still free make up for the error (GPTQ, Frantar et al. 2022)."""
    w = weight.flatten(1).view(groups, weight.shape[0] // groups, -1).double()
    scales = scales.double().view(groups, -1)
    size = w.shape[2]
    products = statistics.products
    ridge = damping * products.diagonal(dim1=1, dim2=2).mean(1) + 1e-12
    products = products + ridge[:, None, None] * torch.eye(size, dtype=torch.double)
    order = products.diagonal(dim1=1, dim2=2).argsort(1, descending=True)
    w = w.gather(2, order[:, None, :].expand_as(w)).clone()
    products = products.gather(1, order[:, :, None].expand_as(products)).gather(
        2, order[:, None, :].expand_as(products)
    )
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(products))
    upper = torch.linalg.cholesky(inverse).transpose(1, 2)
    rounded = torch.empty_like(w)
    for i in range(size):
        rounded[:, :, i] = torch.clamp(torch.round(w[:, :, i] / scales), -128, 127) * scales
        error = (w[:, :, i] - rounded[:, :, i]) / upper[:, i, i][:, None]
        w[:, :, i:] -= error[:, :, None] * upper[:, i, None, i:]
    result = torch.empty_like(rounded).scatter_(2, order[:, None, :].expand_as(rounded), rounded)
    return result.float().reshape(weight.shape)
