# SPDX-License-Identifier: LGPL-2.1-or-later
"""Models that the tests export through the command line, named as toy_models:function."""

import torch
from torch import nn


class Net(nn.Module):
    """A classifier small enough to export in milliseconds."""

    def __init__(self, num_classes=5, channels=3):
        super().__init__()
        self.pad = nn.ZeroPad2d((0, 1, 0, 1))
        self.conv = nn.Conv2d(channels, 8, 3, stride=2)
        self.fc = nn.Linear(8, num_classes)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(self.pad(x))).mean((2, 3)))


def net(num_classes=5, channels=3):
    torch.manual_seed(7)
    return Net(num_classes, channels)


class Residual(nn.Module):
    """What an int8 export knows: activations of both kinds, sums, pooling, a normalised convolution without any."""

    def __init__(self, classes=6):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.narrow = nn.Sequential(nn.Conv2d(16, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.wide = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.depthwise = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.BatchNorm2d(16))
        self.fc = nn.Linear(16, classes)

    def forward(self, x):
        x = self.pool(self.stem(x))
        x = torch.relu(self.depthwise(self.wide(self.narrow(x))) + x)
        return self.fc(x.mean((2, 3)))


def residual(sharpness=40.0):
    """With statistics of its own and, as a trained model has, one class far above the others."""
    torch.manual_seed(5)
    model = Residual()
    with torch.no_grad():
        for _ in range(20):
            model(torch.rand(8, 3, 48, 48) * 4 - 2)
        model.fc.weight *= sharpness
    return model


class OneAtATime(Net):
    def forward(self, x):
        return super().forward(x).reshape(1, self.fc.out_features)


class FixedByTracing(Net):
    """Takes batches of any size, and its trace those of the example's size alone."""

    def forward(self, x):
        return super().forward(x).reshape(int(x.shape[0]), self.fc.out_features)


class WritesInput(Residual):
    def forward(self, x):
        x = x.mul_(4)
        return super().forward(x)


class TwoInputs(Net):
    def forward(self, x, y):
        return super().forward(x) + y


def leaves():
    raise SystemExit(0)


class Wavering(Net):
    """Answers differently each time, as a model with dropout left on does."""

    def forward(self, x):
        return nn.functional.dropout(super().forward(x), 0.5, training=True)


class Branching(nn.Module):
    """Looks at its input: a trace keeps the way that its example took."""

    def __init__(self):
        super().__init__()
        self.net = Net()

    def forward(self, x):
        y = self.net(x)
        if x.shape[0] > 1:
            return y * 2
        return y


class Pair(Net):
    def forward(self, x):
        return super().forward(x), x


class FeatureMap(Net):
    def forward(self, x):
        return self.conv(self.pad(x))


class NotFinite(Net):
    def forward(self, x):
        return super().forward(x) / 0.0


def raises():
    raise KeyError("no such backbone")


def nothing():
    return None


answer = 42
