# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folding explicit pads: exact where it is done, not done where it would not be, and said in both cases."""

import itertools
import unittest

import torch
from torch import nn
from torch.nn import functional
from torch_export.passes.fold_pads import Pads


class SamePadConv(nn.Conv2d):
    """Pads in its own forward, by an amount found from the input, as networks from TensorFlow do."""

    def forward(self, x):
        amounts = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1]):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            amounts += [total // 2, total - total // 2]
        x = functional.pad(x, amounts)
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def folded(model, example):
    """The model with its pads folded, what Pads said, and how far its output moved."""
    model = model.eval()
    with torch.no_grad():
        before = model(example)
    pads = Pads(model, example)
    names = pads.names()
    pads.fold()
    with torch.no_grad():
        after = model(example)
    return names, pads.left, float((after - before).abs().max()), pads_in(model, example)


def pads_in(model, example):
    """How many pads the traced graph still has."""
    graph = torch.jit.trace(model, example, check_trace=False).inlined_graph
    return len(graph.findAllNodes("aten::pad")) + len(graph.findAllNodes("aten::constant_pad_nd"))


class FoldPads(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        self.image = torch.randn(2, 4, 17, 22)

    def test_any_amount_on_any_side_is_folded_and_gives_the_same_numbers(self):
        for amounts in itertools.product((0, 1, 3), repeat=4):
            with self.subTest(amounts=amounts):
                model = nn.Sequential(nn.ZeroPad2d(amounts), nn.Conv2d(4, 6, (3, 5), stride=2, padding=(1, 0)))
                names, left, moved, remaining = folded(model, self.image)
                self.assertEqual((names, left, remaining), (["1"], [], 0))
                self.assertLess(moved, 1e-6)
                self.assertIs(type(model[0]), nn.Identity)

    def test_groups_dilation_bias_and_stride_are_kept(self):
        conv = nn.Conv2d(4, 8, 3, stride=(2, 1), dilation=2, groups=4, bias=False)
        names, _, moved, remaining = folded(nn.Sequential(nn.ZeroPad2d((1, 3, 2, 0)), conv), self.image)
        self.assertEqual((names, remaining), (["1"], 0))
        self.assertLess(moved, 1e-6)

    def test_a_pad_inside_the_convolutions_own_forward_is_folded(self):
        model = nn.Sequential(SamePadConv(4, 4, 3, stride=2), nn.ReLU(), SamePadConv(4, 4, 5, stride=2, groups=4))
        names, left, moved, remaining = folded(model, self.image)
        self.assertEqual((names, left, remaining), (["0", "2"], [], 0))
        self.assertLess(moved, 1e-6)
        self.assertIs(type(model[0]), nn.Conv2d)

    def test_a_pad_module_next_to_its_convolution_in_a_larger_forward_is_folded(self):
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.pad = nn.ConstantPad2d((0, 1, 0, 1), 0.0)
                self.conv = nn.Conv2d(4, 4, 3)

            def forward(self, x):
                return torch.relu(self.conv(self.pad(x))) + 1

        names, _, moved, remaining = folded(nn.Sequential(Block(), Block()), self.image)
        self.assertEqual((names, remaining), (["0.conv", "1.conv"], 0))
        self.assertLess(moved, 1e-6)

    def test_a_convolution_run_twice_with_the_same_pad_is_folded_once(self):
        conv = SamePadConv(4, 4, 3)
        model = nn.Sequential(conv, nn.ReLU(), conv)
        names, left, moved, remaining = folded(model, self.image)
        self.assertEqual((names, left, remaining), (["0"], [], 0))
        self.assertIs(model[0], model[2])
        self.assertLess(moved, 1e-6)

    def left_alone(self, model, why, image=None):
        names, left, moved, remaining = folded(model, self.image if image is None else image)
        self.assertEqual(names, [])
        self.assertTrue(any(why in text for text in left), left)
        self.assertEqual(moved, 0.0)
        self.assertGreater(remaining, 0)

    def test_pads_of_other_values_stay(self):
        self.left_alone(nn.Sequential(nn.ConstantPad2d(1, 0.5), nn.Conv2d(4, 4, 3)), "something else than zeros")
        self.left_alone(nn.Sequential(nn.ReplicationPad2d(1), nn.Conv2d(4, 4, 3)), "something else than zeros")

    def test_crops_stay(self):
        self.left_alone(nn.Sequential(nn.ZeroPad2d((-1, 1, 0, 0)), nn.Conv2d(4, 4, 3)), "crops")

    def test_a_dilation_that_does_not_divide_the_pad_keeps_it(self):
        self.left_alone(nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(4, 4, 3, dilation=2)), "dilated")

    def test_a_pad_with_a_second_user_stays(self):
        class Two(nn.Module):
            def __init__(self):
                super().__init__()
                self.pad, self.conv = nn.ZeroPad2d(1), nn.Conv2d(4, 4, 3)

            def forward(self, x):
                padded = self.pad(x)
                return self.conv(padded) + padded[:, :, 1:-1, 1:-1]

        self.left_alone(Two(), "something else than one convolution")

    def test_a_pad_before_pooling_stays(self):
        self.left_alone(nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(3)), "something else than one")

    def test_a_pad_in_a_larger_forward_stays_and_is_said(self):
        class Inline(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(4, 4, 3)

            def forward(self, x):
                return self.conv(functional.pad(x * 2, (1, 1, 1, 1)))

        self.left_alone(nn.Sequential(Inline()), "0: is in a forward that does more")

    def test_different_pads_before_a_shared_convolution_stay(self):
        conv = nn.Conv2d(4, 4, 3)
        model = nn.Sequential(nn.ZeroPad2d(1), conv, nn.ZeroPad2d(2), conv)
        self.left_alone(model, "different pads")

    def test_a_pad_module_shared_with_something_else_stays(self):
        pad = nn.ZeroPad2d(1)
        self.left_alone(nn.Sequential(pad, nn.Conv2d(4, 4, 3), pad, nn.AvgPool2d(2)), "shares its pad")

    def test_a_weight_used_by_two_convolutions_stays_as_it_is(self):
        first, second = nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3)
        second.weight = first.weight
        self.left_alone(nn.Sequential(nn.ZeroPad2d(1), first, second), "shares its weight")

    def test_a_computed_weight_stays(self):
        conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3))
        self.left_alone(nn.Sequential(nn.ZeroPad2d(1), conv), "")

    def test_a_convolution_with_reflecting_padding_of_its_own_keeps_its_pad(self):
        conv = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.left_alone(nn.Sequential(nn.ZeroPad2d(1), conv), "")

    def test_a_model_without_pads_is_left_as_it_is(self):
        model = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
        conv = model[0]
        names, left, moved, _ = folded(model, self.image)
        self.assertEqual((names, left, moved), ([], [], 0.0))
        self.assertIs(model[0], conv)
