"""Lesson 05: the numbers that every answer is tried on, smallest first, and what autograd says about them.

Everything is float64 on the CPU, and the same every time. Shapes: T queries, S keys, D numbers in a query or
key, E numbers in a value; in 05.5 a key has D2 numbers.
"""

import torch

from llmkit.exercises.card import Case


def normal(seed: int, *shape: int) -> torch.Tensor:
    """Numbers from the normal distribution, in float64, the same every time."""
    return torch.randn(
        *shape, generator=torch.Generator("cpu").manual_seed(seed), dtype=torch.float64, device="cpu"
    )


def table(*rows, dtype=torch.float64) -> torch.Tensor:
    return torch.tensor(rows, dtype=dtype, device="cpu")


# 05.1 -----------------------------------------------------------------------------------------------


def weights_cases() -> list[Case]:
    query, key = table([2, 0, 0, 0], [0, 2, 0, 0]), table([1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0])
    return [
        Case("two queries, three keys, d = 4", {"query": query, "key": key}),
        Case("four queries, four keys, d = 9", {"query": normal(1, 4, 9), "key": normal(2, 4, 9)}),
        Case("three queries, five keys, d = 64", {"query": normal(3, 3, 64), "key": normal(4, 5, 64)}),
        Case("a batch of two", {"query": normal(5, 2, 3, 8), "key": normal(6, 2, 4, 8)}),
        Case(
            "a batch of two with three heads",
            {"query": normal(7, 2, 3, 4, 16), "key": normal(8, 2, 3, 4, 16)},
        ),
    ]


# 05.2 -----------------------------------------------------------------------------------------------


def softmax_cases() -> list[Case]:
    inf = torch.inf
    return [
        Case("small scores", {"scores": table([0, 1, 2], [0, 0, 0], [3, 1, -1])}),
        Case("scores near 10,000", {"scores": table([10_000, 10_001, 10_002], [10_000, 9_999, 0])}),
        Case("one row near 10,000, one near 0", {"scores": table([10_000, 10_001, 10_002], [0, 1, 2])}),
        Case("some scores are -inf", {"scores": table([0, 1, -inf], [-inf, -2, -inf])}),
        Case("a batch of two with three heads", {"scores": 3 * normal(9, 2, 3, 4, 5)}),
        Case("a batch, its rows far apart", {"scores": normal(10, 2, 3, 4) + 10_000 * normal(11, 2, 3, 1)}),
    ]


# 05.3 -----------------------------------------------------------------------------------------------


def mask_case(name: str, seed: int, mask: torch.Tensor, *batch: int) -> Case:
    T, S = mask.shape[-2:]  # noqa: N806
    query, key, value = (
        normal(seed, *batch, T, 8),
        normal(seed + 1, *batch, S, 8),
        normal(seed + 2, *batch, S, 3),
    )
    return Case(name, {"query": query, "key": key, "value": value, "mask": mask})


def mask_cases() -> list[Case]:
    query, key, value = (
        table([2, 0, 0, 0], [0, 2, 0, 0]),
        table([1, 0, 0, 0], [0, 1, 0, 0]),
        table([1, 0], [0, 1]),
    )
    first = table([True, False], [True, True], dtype=torch.bool)
    causal = (normal(12, 4, 4) < torch.inf).tril()
    scattered = normal(13, 3, 5) > 0
    scattered[:, 0] = True
    blind = scattered & table([True], [False], [True], dtype=torch.bool)
    return [
        Case(
            "the first query may see only the first key",
            {"query": query, "key": key, "value": value, "mask": first},
        ),
        mask_case("a causal mask", 20, causal),
        mask_case("three queries, five keys", 30, scattered),
        mask_case("the second of three queries may look nowhere", 40, blind),
        mask_case("a causal mask, a batch of two with three heads", 50, causal, 2, 3),
        mask_case("another mask for each sentence", 60, torch.stack([scattered, blind])[:, None], 2, 3),
    ]


# 05.4 -----------------------------------------------------------------------------------------------


def softmax_by_autograd(weights, grad_weights):
    """What PyTorch gives: the logarithms of weights are scores whose softmax they are."""
    scores = weights.log().requires_grad_()
    return torch.autograd.grad(torch.softmax(scores, dim=-1), scores, grad_weights)[0]


def backward_cases() -> list[Case]:
    weights, grad = table([0.5, 0.25, 0.25], [0.1, 0.2, 0.7]), table([1, 0, 0], [0, 3, 1])

    def case(name: str, seed: int, *shape: int) -> Case:
        weights = torch.softmax(normal(seed, *shape), dim=-1)
        return Case(name, {"weights": weights, "grad_weights": normal(seed + 1, *shape)})

    return [
        Case("two rows of three weights", {"weights": weights, "grad_weights": grad}),
        case("four rows of four weights", 70, 4, 4),
        case("a batch of two", 80, 2, 3, 6),
        case("a batch of two with three heads", 90, 2, 3, 4, 4),
    ]


# 05.5 -----------------------------------------------------------------------------------------------


def bilinear_by_autograd(query, key, value, weight, grad_output):
    """What PyTorch gives, by walking the forward computation back."""
    tensors = [tensor.clone().requires_grad_() for tensor in (query, key, value, weight)]
    output = torch.softmax(tensors[0] @ tensors[3] @ tensors[1].mT, dim=-1) @ tensors[2]
    return torch.autograd.grad(output, tensors, grad_output)


def bilinear_case(name: str, seed: int, T: int, S: int, D: int, D2: int, *batch: int) -> Case:  # noqa: N803
    inputs = {
        "query": normal(seed, *batch, T, D),
        "key": normal(seed + 1, *batch, S, D2),
        "value": normal(seed + 2, *batch, S, 3),
        "weight": normal(seed + 3, D, D2) / 4,
        "grad_output": normal(seed + 4, *batch, T, 3),
    }
    return Case(name, inputs)


def bilinear_cases() -> list[Case]:
    first = {
        "query": table([1, 0], [0, 1]),
        "key": table([1, 0], [1, 1]),
        "value": table([1, 0], [0, 2]),
        "weight": table([0, 2], [1, -1]),
        "grad_output": table([1, 0], [2, -1]),
    }
    return [
        Case("two queries, two keys, all of width 2", first),
        bilinear_case("four queries, four keys, all of width 4", 100, 4, 4, 4, 4),
        bilinear_case("three queries of width 4, five keys of width 6", 110, 3, 5, 4, 6),
        bilinear_case("a batch of two", 120, 4, 4, 4, 4, 2),
        bilinear_case("a batch of two with three heads", 130, 3, 6, 4, 4, 2, 3),
    ]
