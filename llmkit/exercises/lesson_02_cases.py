"""Lesson 02: the numbers that every answer is tried on, smallest first.

Everything is float64 on the CPU, and the same every time. Shapes: N examples, D inputs, H hidden neurons, T tokens.
"""

import torch

from llmkit.exercises.card import Case


def randn(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64, device="cpu")


def table(given) -> torch.Tensor:
    return torch.tensor(given, dtype=torch.float64, device="cpu")


def labels(seed: int, *shape: int) -> torch.Tensor:
    """Zeros and ones; with two examples or more, both."""
    drawn = (randn(seed, *shape) > 0).double()
    drawn[..., 0] = 1
    if shape[-1] > 1:
        drawn[..., 1] = 0
    return drawn


# 02.1 -----------------------------------------------------------------------------------------------


def layer_cases() -> list[Case]:
    def case(name: str, seed: int, hidden: int, *shape: int) -> Case:
        return Case(name, {"x": randn(seed, *shape), "weight": randn(seed + 1, hidden, shape[-1]), "bias": randn(seed + 2, hidden)})

    by_hand = {"x": table([1.0, 2.0]), "weight": table([[0.5, -0.25], [1.0, 0.0]]), "bias": table([0.1, -1.0])}
    return [
        Case("one input, two neurons", by_hand), case("three inputs, two neurons", 10, 2, 4, 3),
        case("as many neurons as inputs", 20, 3, 5, 3), case("a batch of two by four", 30, 6, 2, 4, 3),
    ]  # fmt: skip


# 02.2 and 02.3 --------------------------------------------------------------------------------------


def neuron_cases() -> list[Case]:
    def case(name: str, seed: int, *shape: int) -> Case:
        return Case(name, {"x": randn(seed, *shape), "y": labels(seed + 1, *shape[:-1]), "w": randn(seed + 2, shape[-1]), "b": randn(seed + 3, 1)[0]})

    by_hand = {"x": table([[1.0, 2.0]]), "y": table([1.0]), "w": table([0.5, -0.25]), "b": table(0.0)}
    return [
        Case("one example, z = 0", by_hand), case("two examples", 10, 2, 2), case("nine examples of five numbers", 20, 9, 5),
        case("three batches of four examples", 30, 3, 4, 2),
    ]  # fmt: skip


def network_cases() -> list[Case]:
    def case(name: str, seed: int, hidden: int, *shape: int) -> Case:
        given = {"x": randn(seed, *shape), "y": labels(seed + 1, *shape[:-1]), "weight": randn(seed + 2, hidden, shape[-1])}
        return Case(name, {**given, "bias": randn(seed + 3, hidden), "v": randn(seed + 4, hidden), "c": randn(seed + 5, 1)[0]})

    return [
        case("two examples, one neuron", 10, 1, 2, 2), case("five examples, three neurons", 20, 3, 5, 2),
        case("eight examples, six neurons", 30, 6, 8, 4), case("two batches of five examples", 40, 3, 2, 5, 2),
    ]  # fmt: skip


# 02.4 -----------------------------------------------------------------------------------------------


def score_cases() -> list[Case]:
    def case(name: str, seed: int, threshold: float, *shape: int) -> Case:
        truth = randn(seed + 1, *shape) > 0.5
        truth[..., :2] = True
        truth[..., 2:4] = False
        return Case(name, {"scores": randn(seed, *shape) + truth, "truth": truth, "threshold": table(threshold)})

    by_hand = {"scores": table([0.9, 0.5, 0.4, 0.1, 0.6]), "truth": torch.tensor([True, True, True, False, False]), "threshold": table(0.5)}
    never = {"scores": table([0.1, 0.2, 0.3]), "truth": torch.tensor([True, False, True]), "threshold": table(0.9)}
    return [
        Case("five examples", by_hand), case("thirty examples", 10, 0.3, 30), Case("a detector that never says yes", never),
        case("three detectors", 20, 0.8, 3, 20), case("a batch of two by three", 30, -0.2, 2, 3, 12),
    ]  # fmt: skip


# 02.5 -----------------------------------------------------------------------------------------------


def text_cases() -> list[Case]:
    def case(name: str, seed: int, *shape: int) -> Case:
        tokens = torch.randint(0, 100, shape, generator=torch.Generator("cpu").manual_seed(seed), device="cpu")
        return Case(name, {"tokens": tokens})

    return [
        Case("six tokens", {"tokens": torch.tensor([7, 1, 4, 2, 9, 3], device="cpu")}), case("five tokens", 1, 5), case("twelve tokens", 2, 12),
        case("three texts", 3, 3, 9), case("a batch of two by three texts", 4, 2, 3, 8),
    ]  # fmt: skip
