"""Lesson 08: the numbers that every answer is tried on, smallest first.

Everything is float64 on the CPU, and the same every time. Shapes: T tokens or positions, C model width, D head width.
"""

import torch

from llmkit.exercises.card import Case
from llmkit.positions import frequencies


def normal(seed: int, *shape: int) -> torch.Tensor:
    """Numbers from the normal distribution, in float64, the same every time."""
    draw = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(*shape, generator=draw, dtype=torch.float64, device="cpu")


def order_of(seed: int, tokens: int) -> torch.Tensor:
    """A shuffled order that is not its own inverse, so that the two can be told apart."""
    order = normal(seed, tokens).argsort()
    return order if not torch.equal(order, order.argsort()) else order.roll(1)


def rows_at(places: torch.Tensor, width: int) -> torch.Tensor:
    """The rows of the paper's table at these positions, (..., C), in float64."""
    angles = places.double()[..., None] * frequencies(width)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def counted(tokens: int, first: int = 0) -> torch.Tensor:
    return torch.arange(first, first + tokens, device="cpu")


# 08.1 -----------------------------------------------------------------------------------------------


def add_cases() -> list[Case]:
    return [
        Case("three tokens of zeros, width 4", {"embeddings": torch.zeros(3, 4, dtype=torch.float64, device="cpu")}),
        Case("four tokens, width 8", {"embeddings": normal(1, 4, 8)}),
        Case("seven tokens, width 6", {"embeddings": normal(2, 7, 6)}),
        Case("a batch of two", {"embeddings": normal(3, 2, 5, 8)}),
        Case("a batch of two by three", {"embeddings": normal(4, 2, 3, 6, 16)}),
    ]


# 08.2 -----------------------------------------------------------------------------------------------


def gap_case(name: str, seed: int, tokens: int, width: int, noise: float, *batch: int) -> Case:
    outputs, order = normal(seed, *batch, tokens, width), order_of(seed, tokens)
    shuffled = outputs[..., order, :] + noise * normal(seed + 1, *batch, tokens, width)
    return Case(name, {"outputs": outputs, "shuffled_outputs": shuffled, "order": order})


def gap_cases() -> list[Case]:
    return [
        gap_case("three tokens, width 2, nothing but the order changed", 5, 3, 2, 0.0),
        gap_case("four tokens, width 4, some changed", 7, 4, 4, 0.3),
        gap_case("five tokens, width 3, much changed", 9, 5, 3, 1.0),
        gap_case("a batch of two", 11, 6, 4, 0.2, 2),
        gap_case("a batch of two by three, nothing but the order changed", 13, 5, 4, 0.0, 2, 3),
    ]


# 08.3 -----------------------------------------------------------------------------------------------


def turn_case(name: str, rows: torch.Tensor, places: int) -> Case:
    given = torch.tensor(float(places), dtype=torch.float64, device="cpu")
    return Case(name, {"rows": rows, "frequencies": frequencies(rows.shape[-1]), "places": given})


def turn_cases() -> list[Case]:
    return [
        turn_case("positions 0 to 2, width 4, two places on", rows_at(counted(3), 4), 2),
        turn_case("positions 5 to 9, width 8, three places on", rows_at(counted(5, 5), 8), 3),
        turn_case("positions 10 to 13, width 6, four places back", rows_at(counted(4, 10), 6), -4),
        turn_case("a batch of two, seven places on", rows_at(torch.stack([counted(4), counted(4, 30)]), 16), 7),
        turn_case("any numbers, in a batch of two by three", normal(15, 2, 3, 4, 8), 1),
    ]


# 08.4 -----------------------------------------------------------------------------------------------


def profile_cases() -> list[Case]:
    return [
        Case("the paper's table, four positions, width 4", {"rows": rows_at(counted(4), 4)}),
        Case("the paper's table, twelve positions, width 16", {"rows": rows_at(counted(12), 16)}),
        Case("random rows, five positions, width 3", {"rows": normal(17, 5, 3)}),
        Case("a batch of two tables", {"rows": normal(18, 2, 6, 4)}),
        Case("a batch of two by three tables", {"rows": normal(19, 2, 3, 5, 8)}),
    ]


# 08.5 -----------------------------------------------------------------------------------------------


def terms_case(name: str, seed: int, tokens: int, width: int, head: int, *batch: int) -> Case:
    return Case(name, {
        "words": normal(seed, *batch, tokens, width), "places": rows_at(counted(tokens), width),
        "w_query": normal(seed + 1, width, head), "w_key": normal(seed + 2, width, head),
    })  # fmt: skip


def terms_cases() -> list[Case]:
    return [
        terms_case("three tokens, width 4, head width 2", 20, 3, 4, 2),
        terms_case("five tokens, width 8, head width 4", 23, 5, 8, 4),
        terms_case("a batch of two", 26, 4, 6, 3, 2),
        terms_case("a batch of two by three", 29, 5, 8, 2, 2, 3),
    ]
