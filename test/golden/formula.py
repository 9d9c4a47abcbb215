"""Weights and batches by formula: integers mod 2^32 and correctly rounded float64 only, so that formula.ts makes the
same bits. README.md states the formula in words."""

import math

import numpy as np

U32 = np.uint32


def salt(name):
    """FNV-1a of the tensor's name."""
    h = 0x811C9DC5
    for byte in name.encode("ascii"):
        h = ((h ^ byte) * 0x01000193) % 2**32
    return U32(h)


def hashes(name, count):
    """uint32 [count]: murmur3's finalizer of (i * 2654435761) xor salt(name)."""
    h = (np.arange(count, dtype=U32) * U32(2654435761)) ^ salt(name)
    h = (h ^ (h >> U32(16))) * U32(0x85EBCA6B)
    h = (h ^ (h >> U32(13))) * U32(0xC2B2AE35)
    return h ^ (h >> U32(16))


def units(name, count):
    """float64 [count] in [-1, 1): multiples of 2^-23, so exact in float32 as well."""
    return (hashes(name, count) >> U32(8)).astype(np.float64) / 2**23 - 1


def weight(path, shape):
    """float32: the starting value of a parameter or of a running statistic."""
    u = units(f"weights/{path}", math.prod(shape))
    if len(shape) > 1:  # PyTorch's default bound, 1 / sqrt(fan in), for Linear, Conv2d and ConvTranspose2d alike
        u = u / math.sqrt(math.prod(shape[1:]))
    elif path.endswith((".bn.weight", ".running_var")):
        u = 1 + 0.2 * u
    else:
        u = 0.1 * u
    return u.astype(np.float32).reshape(shape)


def images(name, count, channels=3):
    """uint8 [count, channels, 32, 32]: random bytes on a 5x5 grid, bilinear between them in integer arithmetic."""
    grid = (hashes(name, count * channels * 25) >> U32(24)).astype(np.int64).reshape(count, channels, 5, 5)
    at = np.arange(32)
    y, x = (at >> 3)[:, None], (at >> 3)[None, :]
    fy, fx = (at & 7)[:, None], (at & 7)[None, :]
    top = (8 - fx) * grid[:, :, y, x] + fx * grid[:, :, y, x + 1]
    bottom = (8 - fx) * grid[:, :, y + 1, x] + fx * grid[:, :, y + 1, x + 1]
    return (((8 - fy) * top + fy * bottom) >> 6).astype(np.uint8)


def noise(name, count, channels=3):
    """float32 [count, channels, 32, 32] of variance 1 (uniform, not normal: the gradients do not mind)."""
    u = math.sqrt(3) * units(name, count * channels * 32 * 32)
    return u.astype(np.float32).reshape(count, channels, 32, 32)


def integers(name, count, below):
    """int32 [count] in 0..below-1."""
    return (hashes(name, count) % U32(below)).astype(np.int32)


def batch(index, variant, count, classes, T=400):
    """One batch: images, t in 1..T, eps, and labels where the network takes them."""
    at = f"batch{index}.{variant}"
    made = {
        "images": images(f"{at}/images", count),
        "t": integers(f"{at}/t", count, T) + np.int32(1),
        "eps": noise(f"{at}/eps", count),
    }
    if classes > 0:
        made["labels"] = integers(f"{at}/labels", count, classes)
    return made
