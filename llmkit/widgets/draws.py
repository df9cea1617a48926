"""The random numbers that the pages draw, again in Python: the same seed gives the same numbers in both."""

import math

import torch
from torch import Tensor


def uniform(seed: int, first: int, count: int) -> Tensor:
    """Numbers `first` to `first + count` of math.js's `uniform(seed)`, float64 in [0, 1).

    It is mulberry32, whose state only counts, so any of them can be had.
    """
    low = 0xFFFFFFFF
    state = (seed + (torch.arange(first + 1, first + count + 1) * 0x6D2B79F5)) & low
    mixed = ((state ^ (state >> 15)) * (state | 1)) & low
    mixed = mixed ^ (mixed + (mixed ^ (mixed >> 7)) * (mixed | 61)) & low
    return (mixed ^ (mixed >> 14)).double() / 2**32


def normal(seed: int, count: int) -> Tensor:
    """The first `count` numbers of math.js's `normal(seed)`, float64, standard normal."""
    radius, angle = uniform(seed, 0, 2 * count).view(count, 2).unbind(-1)
    return (-2 * torch.log1p(-radius)).sqrt() * torch.cos(2 * math.pi * angle)
