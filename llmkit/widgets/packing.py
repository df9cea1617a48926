"""Attention weights made small enough to travel to a browser, and the few numbers that describe a head.

Shape letters: L layers, H heads, T tokens, S side of a small picture.
"""

import struct
import zlib
from collections.abc import Sequence

import torch

from llmkit.metrics import entropy
from llmkit.shapes import Float, Tensor
from llmkit.widgets.pictures import cividis


def pack(weights: Float[Tensor, "L H T T"], is_causal: bool = False) -> bytes:
    """Weights in [0, 1] as bytes, 255 for 1, each within half of 1/255; of causal heads the lower triangle only.

    >>> list(pack(torch.tensor([[[[1.0, 0.0], [0.25, 0.75]]]]), is_causal=True))
    [255, 64, 191]
    """
    if is_causal:
        rows, columns = torch.tril_indices(*weights.shape[-2:])
        weights = weights[..., rows, columns]
    return (weights * 255).round().clamp(0, 255).to(torch.uint8).contiguous().numpy().tobytes()


def shrink(weights: Float[Tensor, "L H T T"], side: int) -> Float[Tensor, "L H S S"]:
    """Every head in at most `side` by `side` cells, each the largest weight of its block."""
    return torch.nn.functional.adaptive_max_pool2d(weights, min(side, weights.shape[-1]))


def statistics(
    weights: Float[Tensor, "L H T T"], first: Sequence[int], last: Sequence[int]
) -> dict[str, Float[Tensor, "L H"]]:
    """Means over the tokens that look: entropy in nats, distance in tokens, shares that go to `first` and `last`.

    >>> statistics(torch.eye(3)[None, None], [0], [2])["distance"]
    tensor([[0.]])
    """
    place = torch.arange(weights.shape[-1], dtype=weights.dtype)
    distance = (place[:, None] - place).abs()  # (T, T)
    return {
        "entropy": entropy(weights).mean(-1),
        "distance": (weights * distance).sum(-1).mean(-1),
        "first": weights[..., list(first)].sum(-1).mean(-1),
        "last": weights[..., list(last)].sum(-1).mean(-1),
    }


def heads_png(weights: Float[Tensor, "L H T T"], side: int) -> bytes:
    """All heads in a grid as a PNG in cividis, each on a scale from 0 to its own largest weight, clear gaps between."""
    cells = shrink(weights, side)
    cells = 1 + (cells / cells.amax((-2, -1), keepdim=True) * 254).round()
    cells = torch.nn.functional.pad(cells, (0, 1, 0, 1))  # color 0 is clear
    rows, columns, size, _ = cells.shape
    grid = cells.permute(0, 2, 1, 3).reshape(rows * size, columns * size).to(torch.uint8)
    return _png(grid, bytes(3) + b"".join(bytes.fromhex(cividis(k / 254)[1:]) for k in range(255)))


def _png(pixels: Tensor, palette: bytes) -> bytes:
    """A PNG with a palette whose color 0 is transparent. ISO/IEC 15948, sections 5 and 11."""
    lines = b"".join(b"\0" + bytes(line) for line in pixels.tolist())
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 3, 0, 0, 0)
    chunks = {b"IHDR": header, b"PLTE": palette, b"tRNS": b"\0", b"IDAT": zlib.compress(lines, 9), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )
