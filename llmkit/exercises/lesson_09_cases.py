"""Lesson 09: the numbers that every answer is tried on, smallest first.

Everything is float64 on the CPU, and the same every time. Shapes: T tokens, D head width, C model width, H heads.
"""

import torch

from llmkit.exercises.card import Case
from llmkit.exercises.lesson_08_cases import counted, normal
from llmkit.positions import frequencies


def number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, device="cpu")


# 09.1 -----------------------------------------------------------------------------------------------


def alibi_case(name: str, scores: torch.Tensor, slope: float) -> Case:
    return Case(name, {"scores": scores, "slope": number(slope)})


def alibi_cases() -> list[Case]:
    return [
        alibi_case("three tokens, all scores 0, slope 1/2", torch.zeros(3, 3, dtype=torch.float64, device="cpu"), 1 / 2),
        alibi_case("five tokens, slope 1/4", normal(1, 5, 5), 1 / 4),
        alibi_case("nine tokens, slope 1/256", normal(2, 9, 9), 1 / 256),
        alibi_case("a batch of two", normal(3, 2, 6, 6), 1 / 16),
        alibi_case("a batch of two by three", normal(4, 2, 3, 5, 5), 1 / 2),
    ]


# 09.2 -----------------------------------------------------------------------------------------------


def rotate_case(name: str, vectors: torch.Tensor, first: int) -> Case:
    places = counted(vectors.shape[-2], first).double()
    return Case(name, {"vectors": vectors, "positions": places, "frequencies": frequencies(vectors.shape[-1])})


def rotate_cases() -> list[Case]:
    return [
        rotate_case("two vectors of width 2, positions 1 and 2", normal(5, 2, 2), 1),
        rotate_case("three vectors of width 4, positions 0 to 2", normal(6, 3, 4), 0),
        rotate_case("five vectors of width 8, positions 7 to 11", normal(7, 5, 8), 7),
        rotate_case("a batch of two", normal(8, 2, 4, 6), 30),
        rotate_case("a batch of two by three", normal(9, 2, 3, 4, 8), 2),
    ]


# 09.3 -----------------------------------------------------------------------------------------------


def angle_case(name: str, speeds: torch.Tensor, trained: int, length: int) -> Case:
    return Case(name, {"frequencies": speeds, "trained": number(trained), "length": number(length)})


def angle_cases() -> list[Case]:
    return [
        angle_case("four pairs, trained at 32, asked at 64", frequencies(8), 32, 64),
        angle_case("eight pairs, trained at 32, asked at 256", frequencies(16), 32, 256),
        angle_case("a text shorter than in training", frequencies(8), 64, 48),
        angle_case("three heads, each with a base of its own", torch.stack([frequencies(8, b) for b in (10.0, 1e3, 1e5)]), 16, 100),
        angle_case("two by two sets of frequencies", normal(10, 2, 2, 4).abs() / 5, 32, 100),
    ]


# 09.4 -----------------------------------------------------------------------------------------------


def convert_case(name: str, seed: int, heads: int, head_dim: int, width: int, *batch: int) -> Case:
    return Case(name, {"weight": normal(seed, *batch, heads * head_dim, width), "heads": number(heads)})


def convert_cases() -> list[Case]:
    return [
        convert_case("one head of width 6", 11, 1, 6, 6),
        convert_case("two heads of width 4", 12, 2, 4, 8),
        convert_case("three heads of width 8", 13, 3, 8, 24),
        convert_case("two layers", 14, 2, 6, 12, 2),
        convert_case("two by three layers", 15, 2, 8, 16, 2, 3),
    ]


# 09.5 -----------------------------------------------------------------------------------------------


def bucket_case(name: str, distance: torch.Tensor, num_buckets: int, max_distance: int) -> Case:
    return Case(name, {"distance": distance.double(), "num_buckets": number(num_buckets), "max_distance": number(max_distance)})


def bucket_cases() -> list[Case]:
    table = (counted(30)[:, None] - counted(30)).clamp(min=0)
    return [
        bucket_case("distances 0 to 19, eight buckets up to 15", counted(20), 8, 15),
        bucket_case("distances 0 to 199, T5's 32 buckets up to 128", counted(200), 32, 128),
        bucket_case("a table of 30 queries and keys", table, 16, 25),
        bucket_case("a batch of two tables", torch.stack([table, 7 * table]), 12, 100),
        bucket_case("a batch of two by two tables", torch.stack([table, 2 * table, 5 * table, 9 * table]).unflatten(0, (2, 2)), 32, 100),
    ]
