"""The practical's networks in plain PyTorch: the reference that the emitted graphs are compared with.

Parameter paths (`down1.conv.weight`, `up1.bn.running_var`, ...) are the names that the TypeScript side uses too.
"""

import math

import torch
from torch import nn


class Down(nn.Module):
    """Halves height and width: 4-2-1 convolution, batch norm, ReLU."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()

    def forward(self, x, embedding=None):
        return self.relu(modulated(self, self.bn(self.conv(x)), embedding))


class Up(nn.Module):
    """Doubles height and width: 4-2-1 transposed convolution, batch norm, ReLU."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()

    def forward(self, x, embedding=None):
        return self.relu(modulated(self, self.bn(self.conv(x)), embedding))


class Same(nn.Module):
    """A 3-1-1 convolution with nothing after it."""

    def __init__(self, inputs, outputs, bias):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=3, stride=1, padding=1, bias=bias)

    def forward(self, x):
        return self.conv(x)


class Pointwise(nn.Module):
    """A 1x1 convolution with bias."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=1, bias=True)

    def forward(self, x):
        return self.conv(x)


class SameNormRelu(nn.Module):
    """A 3-1-1 convolution with bias, batch norm, ReLU."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size=3, stride=1, padding=1, bias=True)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.bn(self.conv(x)))


def modulated(block, x, embedding):
    """x (1 + scale) + shift for each image and channel, where the block is told the time."""
    if embedding is None:
        return x
    scale, shift = block.time_emb_proj(embedding)[:, :, None, None].chunk(2, dim=1)
    return x * (1 + scale) + shift


def class_planes(labels, classes, like):
    """[N] labels -> [N, classes, h, w]: plane c is all ones where the label is c, all zeros elsewhere."""
    one_hot = nn.functional.one_hot(labels.long(), classes).to(like.dtype)
    return one_hot[:, :, None, None].expand(-1, -1, like.shape[2], like.shape[3])


class UNet(nn.Module):
    """[N, 3, 32, 32] noisy images (and [N] labels where classes > 0) -> the noise that is in them.

    Four halvings, a bottleneck, four doublings; each doubling also sees what the halving of its size made, the last
    1x1 convolution also sees the input, the first two doublings also see the label as constant planes.
    """

    def __init__(self, channels=(72, 96, 128, 196), bottleneck=256, up=(256, 196, 128, 96), classes=0, in_channels=3):
        super().__init__()
        self.classes = classes
        self.down1 = Down(in_channels, channels[0])
        self.down2 = Down(channels[0], channels[1])
        self.down3 = Down(channels[1], channels[2])
        self.down4 = Down(channels[2], channels[3])
        self.bottleneck = Same(channels[3], bottleneck, bias=False)
        self.up1 = Up(bottleneck + channels[3] + classes, up[0])
        self.up2 = Up(up[0] + channels[2] + classes, up[1])
        self.up3 = Up(up[1] + channels[1], up[2])
        self.up4 = Up(up[2] + channels[0], up[3])
        self.out = Pointwise(up[3] + in_channels, in_channels)

    def forward(self, x, labels=None, t=None):
        e = self.embed(t, labels)
        h1 = self.down1(x, e)
        h2 = self.down2(h1, e)
        h3 = self.down3(h2, e)
        h4 = self.down4(h3, e)
        u = self.bottleneck(h4)
        u = self.up1(self.join(labels, u, h4), e)
        u = self.up2(self.join(labels, u, h3), e)
        u = self.up3(torch.cat([u, h2], dim=1), e)
        u = self.up4(torch.cat([u, h1], dim=1), e)
        return self.out(torch.cat([u, x], dim=1))

    def embed(self, t, labels):
        return None

    def join(self, labels, u, skip):
        planes = [class_planes(labels, self.classes, u)] if self.classes > 0 else []
        return torch.cat([u, skip, *planes], dim=1)


class TimeEmbedding(nn.Module):
    """[N] timesteps -> [N, features]: sines and cosines (Ho et al. 2020), two linear layers with SiLU."""

    def __init__(self, features):
        super().__init__()
        self.linear_1 = nn.Linear(features // 2, features)
        self.linear_2 = nn.Linear(features, features)

    def forward(self, t):
        half = self.linear_1.in_features // 2
        dtype = self.linear_1.weight.dtype
        frequencies = torch.exp(torch.arange(half, dtype=torch.float64) * (-math.log(10000) / (half - 1)))
        # rounded to float32 in float64 runs too, as the schedule's tables are
        angles = t[:, None].to(dtype) * frequencies.float().to(dtype)
        waves = torch.cat([angles.sin(), angles.cos()], dim=1)
        return self.linear_2(nn.functional.silu(self.linear_1(waves)))


class UNetTime(UNet):
    """UNet whose blocks scale and shift their normalised channels by functions of the timestep and the label."""

    def __init__(self, time=256, **options):
        super().__init__(**options)
        self.time_embedding = TimeEmbedding(time)
        self.class_embedding = nn.Embedding(self.classes, time)
        for block in (self.down1, self.down2, self.down3, self.down4, self.up1, self.up2, self.up3, self.up4):
            block.time_emb_proj = nn.Linear(time, 2 * block.bn.num_features)

    def embed(self, t, labels):
        return nn.functional.silu(self.time_embedding(t) + self.class_embedding(labels))


class Conv(nn.Module):
    """The two-layer network: convolution to `hidden`, batch norm, ReLU, convolution back."""

    def __init__(self, hidden=64, in_channels=3):
        super().__init__()
        self.classes = 0
        self.conv1 = SameNormRelu(in_channels, hidden)
        self.conv2 = Same(hidden, in_channels, bias=True)

    def forward(self, x, labels=None, t=None):
        return self.conv2(self.conv1(x))
