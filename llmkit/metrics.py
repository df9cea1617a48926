"""Numbers that say how a model, or a part of it, behaves."""

import math
from collections.abc import Sequence

from llmkit.shapes import Bool, Float, Int, Tensor


def entropy(weights: Float[Tensor, "*batch S"], dim: int = -1) -> Float[Tensor, "..."]:
    """How spread out probabilities are, in nats: 0 when one takes all, ln S when all S are equal.

    `0 log 0` counts as 0, its limit. `weights` are nonnegative and sum to 1 along `dim`.

    >>> import torch
    >>> entropy(torch.tensor([0.5, 0.5, 0.0]))
    tensor(0.6931)

    Used in lesson 05, equation 5.9. Shannon 1948.
    """
    return -weights.xlogy(weights).sum(dim)


def cross_entropy(
    truth: Float[Tensor, "*batch V"], model: Float[Tensor, "*batch V"], dim: int = -1
) -> Float[Tensor, "..."]:
    """The mean surprise of a model, in nats, when tokens come with the probabilities `truth`: at least their entropy.

    `0 log 0` counts as 0; where the model rules out what can come, it is infinite.

    >>> import torch
    >>> cross_entropy(torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.25, 0.5]))
    tensor(1.3863)

    Built in lesson 01, equation 1.12. Shannon 1948.
    """
    return -truth.xlogy(model).sum(dim)


def divergence(
    truth: Float[Tensor, "*batch V"], model: Float[Tensor, "*batch V"], dim: int = -1
) -> Float[Tensor, "..."]:
    """What a wrong model costs beyond the entropy, in nats (Kullback and Leibler 1951): 0 only when it is `truth` itself.

    >>> import torch
    >>> divergence(torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.25, 0.25, 0.5]))
    tensor(0.6931)

    Built in lesson 01, equation 1.12.
    """
    return cross_entropy(truth, model, dim) - entropy(truth, dim)


def perplexity(surprisals: Sequence[float]) -> float:
    """e to the mean surprise in nats: as undecided as between this many equally likely tokens.

    >>> round(perplexity([math.log(8), math.log(2)]), 9)  # the geometric mean of 8 and 2
    4.0

    Built in lesson 01, equation 1.6.
    """
    if not surprisals:
        raise ValueError("A perplexity needs the surprise of at least one token; got none.")
    return math.exp(sum(surprisals) / len(surprisals))


def bits_per_byte(nats: float, num_bytes: int) -> float:
    """What a text costs a model for each byte, whatever the model's tokens are. `nats` is the sum over the whole text.

    >>> round(bits_per_byte(math.log(256), num_bytes=1), 9)  # a model that knows nothing
    8.0

    Built in lesson 01, equation 1.7.
    """
    if num_bytes < 1:
        raise ValueError(f"The text must have at least one byte; got {num_bytes}.")
    return nats / math.log(2) / num_bytes


def growth_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The p in cost = constant * size^p: the slope of the straight line through the logarithms, by least squares.

    >>> round(growth_exponent([1, 2, 4], [3, 12, 48]), 9)
    2.0

    Built in lesson 06, equation 6.8.
    """
    if len(sizes) != len(costs) or len(set(sizes)) < 2 or min(*sizes, *costs) <= 0:
        raise ValueError(f"A slope needs at least two different sizes, with a cost above 0 each; got {sizes} and {costs}.")
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    along = sum((a - middle_x) ** 2 for a in x)
    return sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True)) / along


def confusion(guesses: Int[Tensor, " N"], truth: Int[Tensor, " N"], classes: int) -> Int[Tensor, "K K"]:
    """How often each class was taken for each: a row for the truth, a column for the guess.

    >>> import torch
    >>> confusion(torch.tensor([0, 1, 1, 0]), torch.tensor([0, 1, 0, 0]), classes=2)
    tensor([[2, 1],
            [0, 1]])

    Built in lesson 02, section 4.
    """
    return (classes * truth + guesses).bincount(minlength=classes**2).view(classes, classes)


def accuracy(guesses: Int[Tensor, " N"], truth: Int[Tensor, " N"]) -> float:
    """The share of right answers.

    >>> import torch
    >>> accuracy(torch.tensor([0, 1, 1, 0]), torch.tensor([0, 1, 0, 0]))
    0.75

    Built in lesson 02, equation 2.9.
    """
    if len(guesses) == 0:
        raise ValueError("Accuracy needs at least one answer; got none.")
    return (guesses == truth).double().mean().item()


def precision_recall(said: Bool[Tensor, " N"], truth: Bool[Tensor, " N"]) -> tuple[float, float]:
    """How often a yes is right, and how many of those that should be found are. With nothing to divide by, 0.

    >>> import torch
    >>> precision_recall(torch.tensor([True, True, False, False]), torch.tensor([True, False, True, True]))
    (0.5, 0.3333333333333333)

    Built in lesson 02, equation 2.10.
    """
    hits = (said & truth).sum().item()
    return hits / max(1, said.sum().item()), hits / max(1, truth.sum().item())


def f1(precision: float, recall: float) -> float:
    """The harmonic mean of the two: near the smaller one. 0 where both are 0.

    >>> f1(1.0, 0.5)
    0.6666666666666666

    Built in lesson 02, equation 2.11.
    """
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
