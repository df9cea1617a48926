"""Softmax and attention in one pass, a tile of keys at a time, with nothing kept but three running numbers. Lesson 06.

Shape letters: T query tokens, S key tokens, D width of queries and keys, E width of values.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from llmkit.shapes import Bool, Float, Tensor


@dataclass(frozen=True)
class Running:
    """All that is remembered of the keys seen so far."""

    top: Tensor  # (*, T, 1) the largest score
    total: Tensor  # (*, T, 1) the sum of exp(score - top)
    mix: Tensor  # (*, T, E) the sum of exp(score - top) * value

    @property
    def output(self) -> Tensor:
        """Attention over what was seen; zeros where nothing could be seen."""
        return self.mix / self.total.masked_fill(self.total == 0, 1.0)


def nothing_seen(query: Float[Tensor, "*batch T D"], value: Float[Tensor, "*batch S E"]) -> Running:
    """Before the first key: the largest of no scores is minus infinity, and every sum is 0."""
    rows = query.shape[:-1]
    return Running(query.new_full((*rows, 1), -math.inf), query.new_zeros(*rows, 1), query.new_zeros(*rows, value.shape[-1]))


def take_in(seen: Running, scores: Float[Tensor, "*batch T N"], values: Float[Tensor, "*batch N E"]) -> Running:
    """Take in N more keys: raise the largest score where they do, shrink the old sums to it, add the new terms.

    >>> seen = take_in(nothing_seen(torch.zeros(1, 1), torch.zeros(1, 1)), torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0], [4.0]]))
    >>> take_in(seen, torch.tensor([[3.0]]), torch.tensor([[0.0]])).top
    tensor([[3.]])

    Equation 6.9. Milakov and Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135.
    """
    top = torch.maximum(seen.top, scores.amax(-1, keepdim=True))  # (*, T, 1)
    base = top.masked_fill(top == -math.inf, 0.0)  # so that -inf minus -inf is never taken
    shrink = torch.exp(seen.top - base)  # 1 where the largest stays, 0 at the first tile
    powers = torch.exp(scores - base)  # (*, T, N)
    return Running(top, shrink * seen.total + powers.sum(-1, keepdim=True), shrink * seen.mix + powers @ values)


def merge(one: Running, other: Running) -> Running:
    """Two parts of the keys, seen apart from each other, as one: what machines that share a long text exchange."""
    top = torch.maximum(one.top, other.top)
    base = top.masked_fill(top == -math.inf, 0.0)
    a, b = torch.exp(one.top - base), torch.exp(other.top - base)
    return Running(top, a * one.total + b * other.total, a * one.mix + b * other.mix)


def tiles(
    query: Float[Tensor, "*batch T D"],
    key: Float[Tensor, "*batch S D"],
    value: Float[Tensor, "*batch S E"],
    tile: int,
    mask: Bool[Tensor, "*batch T S"] | None = None,
) -> Iterator[Running]:
    """What is remembered after each tile of keys."""
    if tile < 1:
        raise ValueError(f"a tile holds at least one key; got {tile}.")
    seen = nothing_seen(query, value)
    for start in range(0, key.shape[-2], tile):
        some = slice(start, start + tile)
        scores = query @ key[..., some, :].mT / math.sqrt(query.shape[-1])  # (*, T, tile)
        if mask is not None:
            scores = scores.masked_fill(~mask[..., some], -math.inf)
        seen = take_in(seen, scores, value[..., some, :])
        yield seen


def online_attention(
    query: Float[Tensor, "*batch T D"],
    key: Float[Tensor, "*batch S D"],
    value: Float[Tensor, "*batch S E"],
    tile: int = 128,
    mask: Bool[Tensor, "*batch T S"] | None = None,
) -> Float[Tensor, "*batch T E"]:
    """Attention that never holds more than `tile` columns of the scores: the same numbers as `attend`.

    >>> online_attention(torch.zeros(1, 2), torch.zeros(2, 2), torch.tensor([[1.0], [3.0]]), tile=1)
    tensor([[2.]])

    Equations 6.9 and 6.10.
    """
    seen = nothing_seen(query, value)
    for seen in tiles(query, key, value, tile, mask):  # noqa: B007
        pass
    return seen.output
