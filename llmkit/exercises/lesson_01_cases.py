"""Lesson 01: the numbers that every answer is tried on, smallest first.

Everything is float64 on the CPU, and the same every time. Shapes: T tokens of a text, V tokens of a vocabulary.
"""

import torch

from llmkit.exercises.card import Case


def chances(seed: int, *shape: int) -> torch.Tensor:
    """Numbers between 0.02 and 0.98, in float64, the same every time."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return 0.02 + 0.96 * torch.rand(*shape, generator=generator, dtype=torch.float64, device="cpu")


def rows(seed: int, *shape: int) -> torch.Tensor:
    """Rows of chances that sum to 1."""
    drawn = chances(seed, *shape)
    return drawn / drawn.sum(-1, keepdim=True)


def table(*given, dtype=torch.float64) -> torch.Tensor:
    return torch.tensor(given, dtype=dtype, device="cpu")


# 01.1 and 01.2 --------------------------------------------------------------------------------------


def chance_cases() -> list[Case]:
    return [
        Case("three tokens", {"chances": table(0.5, 0.25, 0.125)}),
        Case("seven tokens", {"chances": chances(1, 7)}),
        Case("four texts of five tokens", {"chances": chances(2, 4, 5)}),
        Case("two batches of three texts of six tokens", {"chances": chances(3, 2, 3, 6)}),
        Case("one text of 2,000 tokens", {"chances": 0.3 * chances(4, 2000)}),
    ]


# 01.3 -----------------------------------------------------------------------------------------------


def lengths(seed: int, *shape: int) -> torch.Tensor:
    """Whole numbers from 1 to 9."""
    return torch.randint(1, 10, shape, generator=torch.Generator("cpu").manual_seed(seed), device="cpu")


def byte_cases() -> list[Case]:
    return [
        Case("three tokens", {"nats": table(1.0, 2.0, 4.0), "num_bytes": table(1, 5, 2, dtype=torch.int64)}),
        Case("eight tokens", {"nats": 6 * chances(1, 8), "num_bytes": lengths(1, 8)}),
        Case("three texts of five tokens", {"nats": 6 * chances(2, 3, 5), "num_bytes": lengths(2, 3, 5)}),
        Case("a batch of two by three texts", {"nats": 6 * chances(3, 2, 3, 6), "num_bytes": lengths(3, 2, 3, 6)}),
    ]


# 01.4 -----------------------------------------------------------------------------------------------


def drawn_counts(seed: int, *shape: int) -> torch.Tensor:
    """Counts from 0 to 6, most of them 0; every row has at least one above 0."""
    generator = torch.Generator("cpu").manual_seed(seed)
    drawn = (torch.randint(-5, 7, shape, generator=generator, device="cpu")).clamp(min=0).double()
    drawn[..., 0] += 2
    return drawn


def count_cases() -> list[Case]:
    def discount(value: float) -> torch.Tensor:
        return torch.tensor(value, dtype=torch.float64, device="cpu")

    with_empty_row = drawn_counts(3, 3, 6)
    with_empty_row[1] = 0
    batch = drawn_counts(4, 2, 3, 5)
    batch[1, 2] = 0
    return [
        Case("one context, four tokens", {"counts": table(3, 1, 0, 0), "shorter": table(0.4, 0.3, 0.2, 0.1), "discount": discount(0.75)}),
        Case("three contexts", {"counts": drawn_counts(1, 3, 7), "shorter": rows(1, 7), "discount": discount(0.75)}),
        Case("another discount", {"counts": drawn_counts(2, 4, 9), "shorter": rows(2, 9), "discount": discount(0.3)}),
        Case("three contexts, of which the second was never seen", {"counts": with_empty_row, "shorter": rows(3, 6), "discount": discount(0.75)}),
        Case("a batch of two, with a context never seen", {"counts": batch, "shorter": rows(4, 5), "discount": discount(0.5)}),
    ]  # fmt: skip


# 01.5 -----------------------------------------------------------------------------------------------


def pair_cases() -> list[Case]:
    some_zero = rows(5, 4, 6) * table(1, 0, 1, 0, 1, 1)
    one_hot = torch.eye(5, dtype=torch.float64, device="cpu").reshape(1, 5, 5)
    return [
        Case("two tokens", {"truth": table(0.75, 0.25), "model": table(0.5, 0.5)}),
        Case("seven tokens", {"truth": rows(1, 7), "model": rows(2, 7)}),
        Case("three rows", {"truth": rows(3, 3, 5), "model": rows(4, 3, 5)}),
        Case("some tokens cannot come", {"truth": some_zero / some_zero.sum(-1, keepdim=True), "model": rows(6, 4, 6)}),
        Case("only one token can come, in a batch", {"truth": one_hot, "model": rows(7, 1, 5, 5)}),
    ]
