"""Lesson 04: the numbers that every answer is tried on, smallest first.

Everything is float64 on the CPU, and the same every time. Shapes: T steps, S letters read, E width of a letter, C of a state.
"""

import torch

from llmkit.exercises.card import Case
from llmkit.exercises.lesson_08_cases import counted, normal
from llmkit.exercises.lesson_09_cases import number

# 04.1 -----------------------------------------------------------------------------------------------


def string_case(name: str, seed: int, width: int, *shape: int) -> Case:
    embed = shape[-1]
    inputs = {"letters": normal(seed, *shape), "read": normal(seed + 1, width, embed) / 2, "keep": normal(seed + 2, width, width) / 2}
    return Case(name, inputs)


def string_cases() -> list[Case]:
    return [
        string_case("two letters of width 1, state of width 2", 10, 2, 2, 1),
        string_case("three letters of width 2, state of width 3", 20, 3, 3, 2),
        string_case("one letter", 30, 4, 1, 3),
        string_case("a batch of two strings", 40, 3, 2, 5, 2),
        string_case("a batch of two by three strings", 50, 4, 2, 3, 4, 3),
    ]


# 04.2 -----------------------------------------------------------------------------------------------


def gate_case(name: str, seed: int, *shape: int) -> Case:
    reset, update = normal(seed, *shape).sigmoid(), normal(seed + 1, *shape).sigmoid()
    return Case(name, {"reset": reset, "update": update, "read": normal(seed + 2, *shape), "kept": normal(seed + 3, *shape), "state": normal(seed + 4, *shape).tanh()})


def gate_cases() -> list[Case]:
    return [
        gate_case("a state of width 2", 60, 2),
        gate_case("a state of width 5", 70, 5),
        gate_case("four states at once", 80, 4, 3),
        gate_case("a batch of two by three", 90, 2, 3, 4),
    ]


# 04.3 -----------------------------------------------------------------------------------------------


def nudge_case(name: str, seed: int, *shape: int) -> Case:
    width = shape[-1]
    return Case(name, {"states": normal(seed, *shape).tanh(), "keep": normal(seed + 1, width, width) / width**0.5})


def nudge_cases() -> list[Case]:
    return [
        nudge_case("two steps of width 2", 100, 2, 2),
        nudge_case("four steps of width 3", 110, 4, 3),
        nudge_case("twenty steps of width 5", 120, 20, 5),
        nudge_case("a batch of two", 130, 2, 5, 3),
        nudge_case("a batch of two by two", 140, 2, 2, 4, 3),
    ]


# 04.4 -----------------------------------------------------------------------------------------------


def look_case(name: str, seed: int, *shape: int) -> Case:
    *batch, _, width = shape
    return Case(name, {"query": normal(seed, *batch, width), "states": normal(seed + 1, *shape), "match": normal(seed + 2, width, width)})


def look_cases() -> list[Case]:
    return [
        look_case("two states of width 2", 150, 2, 2),
        look_case("four states of width 3", 160, 4, 3),
        look_case("seven states of width 4", 170, 7, 4),
        look_case("a batch of three", 180, 3, 5, 4),
        look_case("a batch of two by three", 190, 2, 3, 4, 3),
    ]


# 04.5 -----------------------------------------------------------------------------------------------


def layer_case(name: str, tokens: torch.Tensor, kernel: int, growth: int) -> Case:
    return Case(name, {"tokens": tokens.double(), "kernel": number(kernel), "growth": number(growth)})


def layer_cases() -> list[Case]:
    return [
        layer_case("1 to 12 tokens, kernel 3, no gaps", counted(12, 1), 3, 1),
        layer_case("1 to 40 tokens, kernel 2, gaps that double", counted(40, 1), 2, 2),
        layer_case("1 to 100 tokens, kernel 3, gaps that triple", counted(100, 1), 3, 3),
        layer_case("a table of lengths, kernel 5, gaps that double", 1 + 7 * counted(24).view(4, 6), 5, 2),
        layer_case("two tables of lengths, kernel 4, gaps that double", 1 + 3 * counted(24).view(2, 3, 4), 4, 2),
    ]
