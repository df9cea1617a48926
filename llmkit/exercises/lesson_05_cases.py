"""Lesson 05: the numbers that every answer is tried on, smallest first, and what autograd says about them.

Everything is float64 on the CPU, and the same every time. Shapes: T queries, S keys, D numbers in a query or
key, E numbers in a value.
"""

import math

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
    """What PyTorch gives: log(w) are scores whose softmax is w."""
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


def attention_by_autograd(query, key, value, grad_output):
    """What PyTorch gives, by walking the forward computation back."""
    tensors = [tensor.clone().requires_grad_() for tensor in (query, key, value)]
    output = torch.softmax(tensors[0] @ tensors[1].mT / math.sqrt(query.shape[-1]), dim=-1) @ tensors[2]
    return torch.autograd.grad(output, tensors, grad_output)


def gradient_case(name: str, seed: int, T: int, S: int, *batch: int) -> Case:  # noqa: N803
    shapes = {"query": (T, 8), "key": (S, 8), "value": (S, 3), "grad_output": (T, 3)}
    return Case(
        name, {key: normal(seed + i, *batch, *shape) for i, (key, shape) in enumerate(shapes.items())}
    )


def gradient_cases() -> list[Case]:
    first = {
        "query": table([2, 0, 0, 0], [0, 4, 0, 0]),
        "key": table([1, 0, 0, 0], [0, 1, 0, 1]),
        "value": table([1, 0], [0, 2]),
        "grad_output": table([1, 0], [3, 1]),
    }
    return [
        Case("two queries, two keys, d = 4", first),
        gradient_case("four queries, four keys", 100, 4, 4),
        gradient_case("three queries, five keys", 110, 3, 5),
        gradient_case("a batch of two", 120, 4, 4, 2),
        gradient_case("a batch of two with three heads", 130, 3, 6, 2, 3),
    ]
