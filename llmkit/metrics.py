"""Numbers that say how a model, or a part of it, behaves."""

from llmkit.shapes import Float, Tensor


def entropy(weights: Float[Tensor, "*batch S"], dim: int = -1) -> Float[Tensor, "..."]:
    """How spread out probabilities are, in nats: 0 when one takes all, ln S when all S are equal.

    `0 log 0` counts as 0, its limit. `weights` are nonnegative and sum to 1 along `dim`.

    >>> import torch
    >>> entropy(torch.tensor([0.5, 0.5, 0.0]))
    tensor(0.6931)

    Used in lesson 05, equation 5.9. Shannon 1948.
    """
    return -weights.xlogy(weights).sum(dim)
