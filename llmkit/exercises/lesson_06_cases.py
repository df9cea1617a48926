"""Lesson 06: the numbers that every answer is tried on, smallest first.

Numbers are float64 on the CPU, and the same every time. Shapes: T tokens, C model width, H heads, G key-value heads, D head
width, E width of values.
"""

import math

import torch

from llmkit.exercises.card import Case
from llmkit.exercises.lesson_08_cases import normal
from llmkit.exercises.lesson_09_cases import number

# 06.1 -----------------------------------------------------------------------------------------------


def real(*rows) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.bool, device="cpu")


def mask_cases() -> list[Case]:
    return [
        Case("three tokens, the last is padding", {"is_token": real(1, 1, 0)}),
        Case("five real tokens", {"is_token": real(1, 1, 1, 1, 1)}),
        Case("padding on the left", {"is_token": real(0, 0, 1, 1)}),
        Case("a batch of two texts", {"is_token": real([1, 1, 1, 0], [1, 1, 0, 0])}),
        Case("a batch of two by three", {"is_token": normal(1, 2, 3, 6) > -0.5}),
    ]


# 06.2 -----------------------------------------------------------------------------------------------


def multi_head_case(name: str, seed: int, tokens: int, width: int, heads: int, *batch: int) -> Case:
    names = ("w_query", "w_key", "w_value", "w_output")
    matrices = {name: normal(seed + n, width, width) / math.sqrt(width) for n, name in enumerate(names, start=1)}
    return Case(name, {"hidden": normal(seed, *batch, tokens, width), **matrices, "heads": number(heads)})


def multi_head_cases() -> list[Case]:
    return [
        multi_head_case("three tokens, width 4, two heads", 10, 3, 4, 2),
        multi_head_case("five tokens, width 12, three heads", 20, 5, 12, 3),
        multi_head_case("four tokens, width 8, one head", 30, 4, 8, 1),
        multi_head_case("a batch of two", 40, 6, 16, 4, 2),
        multi_head_case("a batch of two by three", 50, 4, 8, 2, 2, 3),
    ]


# 06.3 -----------------------------------------------------------------------------------------------


def some_cells(seed: int, *shape: int) -> torch.Tensor:
    return normal(seed, *shape) > 0.9


def window(tokens: int, size: int) -> torch.Tensor:
    return torch.ones(tokens, tokens, dtype=torch.bool, device="cpu").tril().triu(1 - size)


def reach_cases() -> list[Case]:
    shift = torch.zeros(4, 4, dtype=torch.bool, device="cpu")
    shift[1, 0] = shift[2, 1] = shift[3, 2] = True  # each sees the one before, and not itself
    return [
        Case("four tokens, each sees the one before, two layers", {"mask": shift, "layers": number(2)}),
        Case("a window of three over eight tokens, three layers", {"mask": window(8, 3), "layers": number(3)}),
        Case("some cells of seven by seven, two layers", {"mask": some_cells(3, 7, 7), "layers": number(2)}),
        Case("a batch of two masks, three layers", {"mask": some_cells(4, 2, 9, 9), "layers": number(3)}),
        Case("a batch of two by two masks, four layers", {"mask": some_cells(5, 2, 2, 10, 10), "layers": number(4)}),
    ]


# 06.4 -----------------------------------------------------------------------------------------------


def shared_case(name: str, seed: int, heads: int, groups: int, width: int, *batch: int) -> Case:
    return Case(name, {"query": normal(seed, *batch, heads, width), "key": normal(seed + 1, *batch, groups, width)})


def shared_cases() -> list[Case]:
    return [
        shared_case("four heads, two keys, width 4", 60, 4, 2, 4),
        shared_case("six heads, three keys, width 8", 62, 6, 3, 8),
        shared_case("eight heads, one key", 64, 8, 1, 4),
        shared_case("a batch of five tokens", 66, 8, 4, 16, 5),
        shared_case("a batch of two by three", 68, 12, 2, 8, 2, 3),
    ]


# 06.5 -----------------------------------------------------------------------------------------------


def part(scores: torch.Tensor, values: torch.Tensor) -> list[torch.Tensor]:
    """What a machine keeps of its keys."""
    top = scores.amax(-1, keepdim=True)
    powers = torch.exp(scores - top.masked_fill(top == -torch.inf, 0.0))
    return [top, powers.sum(-1, keepdim=True), powers @ values]


def join_case(name: str, seed: int, tokens: int, keys: int, *batch: int, scale: float = 2.0, shift: float = 0.0, hide: bool = False) -> Case:
    parts = []
    for n in (0, 1):
        scores = scale * normal(seed + n, *batch, tokens, keys + n) + n * shift
        parts += part(scores.masked_fill(torch.tensor(bool(n and hide)), -torch.inf), normal(seed + 2 + n, *batch, keys + n, 3))
    names = ("top_a", "total_a", "mix_a", "top_b", "total_b", "mix_b")
    return Case(name, dict(zip(names, parts, strict=True)))


def join_cases() -> list[Case]:
    return [
        join_case("one query, two keys and three", 70, 1, 2),
        join_case("four queries", 74, 4, 5),
        join_case("the second part has seen nothing", 78, 3, 4, hide=True),
        join_case("scores near 1000 in the second part", 82, 3, 4, shift=1000.0),
        join_case("a batch of two", 86, 3, 4, 2, scale=5.0),
        join_case("a batch of two by three", 90, 2, 6, 2, 3),
    ]
