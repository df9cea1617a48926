"""Lesson 03: the inputs that every answer is tried on, smallest first. Whole numbers are int64, vectors float64."""

import torch

from llmkit.exercises.card import Case


def normal(seed: int, *shape: int) -> torch.Tensor:
    """Numbers from the normal distribution, in float64, the same every time."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64, device="cpu")


def whole(seed: int, below: int, *shape: int) -> torch.Tensor:
    """Whole numbers from 0 to below - 1, the same every time."""
    return torch.randint(below, shape, generator=torch.Generator("cpu").manual_seed(seed), device="cpu")


def table(*rows) -> torch.Tensor:
    """Whole numbers stay whole; anything with a point is float64."""
    found = torch.tensor(rows, device="cpu")
    return found.double() if found.is_floating_point() else found


def utf8(*texts: str) -> torch.Tensor:
    """The bytes of texts that have equally many, one text per row."""
    return table(*(list(text.encode("utf-8")) for text in texts))


# 03.1 -----------------------------------------------------------------------------------------------


def character_cases() -> list[Case]:
    return [
        Case("the bytes of “é风k”", {"data": utf8("é风k")[0]}),
        Case("the bytes of “🪁 kite”", {"data": utf8("🪁 kite")[0]}),
        Case("four texts of 12 bytes", {"data": utf8("风筝在哪", "where is it?", "🪁🦊🐻", "éé🦊风c")}),
        Case("two by two texts of 9 bytes", {"data": utf8("kite 🪁", "风筝是", "éé abcd", "жж-жab").view(2, 2, 9)}),
    ]


# 03.2 -----------------------------------------------------------------------------------------------


def words_case(name: str, seed: int, *batch: int, kinds: int = 4, length: int = 6) -> Case:
    """Words of random lengths from 2 on, filled up with -1, and how often each was seen."""
    words = whole(seed, kinds, *batch, length)
    lengths = 2 + whole(seed + 1, length - 1, *batch)
    words = words.masked_fill(torch.arange(length, device="cpu") >= lengths[..., None], -1)
    return Case(name, {"words": words, "counts": 1 + whole(seed + 2, 9, *batch)})


def pair_cases() -> list[Case]:
    words = table([5, 3, 7, -1], [3, 5, 3, 5], [7, 7, -1, -1])
    return [
        Case("three words", {"words": words, "counts": table(1, 2, 9)}),
        Case("a tie", {"words": table([6, 2, 8], [2, 6, 8]), "counts": table(3, 3)}),
        words_case("eight words of up to six tokens", 300, 8),
        words_case("thirty words of up to nine tokens", 310, 30, kinds=6, length=9),
        words_case("three texts of five words each", 320, 3, 5),
        words_case("two by four words", 330, 2, 4, kinds=3),
    ]


# 03.3 -----------------------------------------------------------------------------------------------


def merge_case(name: str, seed: int, *shape: int, kinds: int = 3, pair: tuple[int, int] = (0, 1)) -> Case:
    return Case(name, {"tokens": whole(seed, kinds, *shape), "pair": table(*pair), "new": torch.tensor(kinds, device="cpu")})


def merge_cases() -> list[Case]:
    new = torch.tensor(9, device="cpu")
    return [
        Case("one word", {"tokens": table(4, 2, 5, 4, 2, 5, 2, 4), "pair": table(4, 2), "new": new}),
        Case("a run of the same token", {"tokens": table(1, 1, 1, 2, 1, 1, 1, 1), "pair": table(1, 1), "new": new}),
        merge_case("four words", 340, 4, 9),
        merge_case("four words, a token beside itself", 345, 4, 12, kinds=2, pair=(1, 1)),
        merge_case("two texts of three words", 350, 2, 3, 10),
        merge_case("two texts of three words, the other way round", 355, 2, 3, 8, pair=(2, 1)),
    ]


# 03.4 -----------------------------------------------------------------------------------------------


def neighbor_case(name: str, seed: int, size: int, width: int, *batch: int) -> Case:
    """Rows of very different lengths, and queries off the middle: where the wrong measures go astray."""
    rows = normal(seed, size, width) * torch.exp(normal(seed + 1, size, 1)) + 0.3
    return Case(name, {"queries": normal(seed + 2, *batch, width) + 0.3, "rows": rows})


def neighbor_cases() -> list[Case]:
    rows = table([10.0, 10.0], [1.0, 0.1], [0.0, 2.0], [-3.0, 0.0], [0.6, 0.5])
    return [
        Case("three queries, five rows of width 2", {"queries": table([2.0, 0.0], [0.5, 0.1], [-0.2, 4.0]), "rows": rows}),
        neighbor_case("12 queries, 30 rows of width 4", 360, 30, 4, 12),
        neighbor_case("16 queries, 50 rows of width 8", 370, 50, 8, 16),
        neighbor_case("a batch of two with eight queries each", 380, 40, 6, 2, 8),
    ]


# 03.5 -----------------------------------------------------------------------------------------------


def table_gradient_by_autograd(ids, grad_output, table):
    """What PyTorch gives, by walking the lookup back."""
    leaf = table.clone().requires_grad_()
    return torch.autograd.grad(torch.nn.functional.embedding(ids, leaf), leaf, grad_output)[0]


def gradient_case(name: str, seed: int, size: int, width: int, *shape: int) -> Case:
    ids, grad = whole(seed, size, *shape), normal(seed + 1, *shape, width)
    return Case(name, {"ids": ids, "grad_output": grad, "table": normal(seed + 2, size, width)})


def gradient_cases() -> list[Case]:
    first = {"ids": table(2, 0, 2), "grad_output": table([1.0, 0.0], [5.0, 5.0], [3.0, 1.0]), "table": table([0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [0.7, 0.8])}
    return [
        Case("three tokens, one of them twice", first),
        gradient_case("seven tokens of five kinds", 390, 5, 3, 7),
        gradient_case("a text of two tokens, ten kinds", 400, 10, 4, 2),
        gradient_case("a batch of two texts", 410, 6, 4, 2, 5),
        gradient_case("a batch of three texts", 420, 4, 2, 3, 6),
    ]
