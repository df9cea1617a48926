"""Lesson 07: the numbers that every answer is tried on, smallest first.

Everything is float64 on the CPU, and the same every time. Shapes: T tokens, C model width, F inner width.
"""

import math

import torch

from llmkit.exercises.card import Case
from llmkit.exercises.lesson_08_cases import counted, normal
from llmkit.exercises.lesson_09_cases import number


def matrix(seed: int, rows: int, columns: int) -> torch.Tensor:
    """Fresh weights, as in the lesson."""
    return normal(seed, rows, columns) / math.sqrt(rows)


# 07.1 -----------------------------------------------------------------------------------------------


def rms_case(name: str, x: torch.Tensor, seed: int) -> Case:
    return Case(name, {"x": x, "gain": 1 + 0.5 * normal(seed, x.shape[-1])})


def rms_cases() -> list[Case]:
    return [
        rms_case("two rows of two numbers", torch.tensor([[1.0, 7.0], [3.0, 4.0]], dtype=torch.float64, device="cpu"), 70),
        rms_case("four rows of eight", 3 * normal(71, 4, 8) + 1, 72),
        rms_case("a batch of two", normal(73, 2, 5, 6) - 2, 74),
        rms_case("a batch of two by three", normal(75, 2, 3, 4, 8) + 0.5, 76),
    ]


# 07.2 -----------------------------------------------------------------------------------------------


def gated_case(name: str, seed: int, width: int, inner: int, *batch: int) -> Case:
    x, gate, up, down = normal(seed, *batch, width), matrix(seed + 1, width, inner), matrix(seed + 2, width, inner), matrix(seed + 3, inner, width)
    return Case(name, {"x": x, "gate": gate, "up": up, "down": down})


def gated_cases() -> list[Case]:
    return [
        gated_case("one token of width 2, three inside", 80, 2, 3, 1),
        gated_case("three tokens of width 4, eight inside", 84, 4, 8, 3),
        gated_case("a batch of two", 88, 6, 16, 2, 5),
        gated_case("a batch of two by three", 92, 8, 12, 2, 3, 4),
    ]


# 07.3 -----------------------------------------------------------------------------------------------


def block_case(name: str, seed: int, tokens: int, width: int, inner: int, *batch: int) -> Case:
    weights = torch.softmax(normal(seed, *batch, tokens, tokens), -1)
    x = 2 * normal(seed + 1, *batch, tokens, width) + 1
    return Case(name, {"x": x, "weights": weights, "value": matrix(seed + 2, width, width), "inner": matrix(seed + 3, width, inner), "outer": matrix(seed + 4, inner, width)})


def block_cases() -> list[Case]:
    return [
        block_case("two tokens of width 4", 100, 2, 4, 8),
        block_case("five tokens of width 8", 105, 5, 8, 32),
        block_case("a batch of two", 110, 4, 6, 12, 2),
        block_case("a batch of two by three", 115, 3, 8, 16, 2, 3),
    ]


# 07.4 -----------------------------------------------------------------------------------------------


def flops_case(name: str, tokens: torch.Tensor, width: int, inner: int, layers: int) -> Case:
    return Case(name, {"tokens": tokens.double(), "width": number(width), "inner": number(inner), "layers": number(layers)})


def flops_cases() -> list[Case]:
    return [
        flops_case("three tokens of width 2, inner width 5, two blocks", number(3), 2, 5, 2),
        flops_case("texts of 1, 2 and 10 tokens of width 8, one block", torch.tensor([1, 2, 10], device="cpu"), 8, 32, 1),
        flops_case("two by two texts, three blocks", torch.tensor([[5, 1], [12, 30]], device="cpu"), 16, 64, 3),
        flops_case("two by two by two texts", counted(8, 20).view(2, 2, 2), 8, 24, 2),
    ]


# 07.5 -----------------------------------------------------------------------------------------------


def backward_case(name: str, seed: int, *shape: int) -> Case:
    return Case(name, {"x": 2 * normal(seed, *shape) + 1, "grad": normal(seed + 1, *shape) + 0.5})


def backward_cases() -> list[Case]:
    return [
        backward_case("one row of three numbers", 120, 3),
        backward_case("four rows of eight", 122, 4, 8),
        backward_case("a batch of two", 124, 2, 3, 6),
        backward_case("a batch of two by three", 126, 2, 3, 4, 5),
    ]
