"""Scaled dot-product attention, every step of it, and its gradients. Built in lesson 05.

Shape letters: T query tokens, S key tokens, D width of queries and keys, E width of values, H heads, C model width.
Masks: True means "may look".
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from llmkit.shapes import Bool, Float, Tensor

ScoreFunction = Callable[[Tensor, Tensor], Tensor]


# ---- score functions: how well does a key answer a query? ---------------------------------------------------------


def dot_score(query: Float[Tensor, "*batch T D"], key: Float[Tensor, "*batch S D"]) -> Float[Tensor, "*batch T S"]:
    """The plain dot product of every query with every key.

    >>> dot_score(torch.ones(2, 4), torch.ones(3, 4))
    tensor([[4., 4., 4.],
            [4., 4., 4.]])

    Equation 5.4. Luong et al. 2015, arXiv:1508.04025.
    """
    _same_width(query, key)
    return query @ key.mT  # (*, T, S)


def scaled_dot_score(
    query: Float[Tensor, "*batch T D"], key: Float[Tensor, "*batch S D"]
) -> Float[Tensor, "*batch T S"]:
    """The dot product divided by the square root of the width, so that its variance does not grow with D.

    >>> scaled_dot_score(torch.ones(1, 4), torch.ones(1, 4))
    tensor([[2.]])

    Equation 5.5. Vaswani et al. 2017, arXiv:1706.03762, equation 1.
    """
    return dot_score(query, key) / math.sqrt(query.shape[-1])


def bilinear_score(
    query: Float[Tensor, "*batch T Dq"], key: Float[Tensor, "*batch S Dk"], weight: Float[Tensor, "Dq Dk"]
) -> Float[Tensor, "*batch T S"]:
    """`query @ weight @ key`: a learned matrix says which parts of a query and a key belong together.

    Widths may differ. With the identity for `weight` this is the dot product.

    >>> bilinear_score(torch.ones(1, 2), torch.ones(1, 3), torch.ones(2, 3))
    tensor([[6.]])

    Equation 5.6. Luong et al. 2015 call it "general".
    """
    if weight.shape != (query.shape[-1], key.shape[-1]):
        raise ValueError(
            f"weight must have shape (query width, key width) = ({query.shape[-1]}, {key.shape[-1]}); "
            f"got {tuple(weight.shape)}. Is it transposed?"
        )
    return query @ weight @ key.mT  # (*, T, S)


def additive_score(
    query: Float[Tensor, "*batch T Dq"],
    key: Float[Tensor, "*batch S Dk"],
    w_query: Float[Tensor, "Dq A"],
    w_key: Float[Tensor, "Dk A"],
    w_score: Float[Tensor, " A"],
) -> Float[Tensor, "*batch T S"]:
    """`w . tanh(query W_q + key W_k)`: a small network with one hidden layer of A units compares the two.

    >>> additive_score(torch.zeros(1, 2), torch.zeros(1, 2), torch.eye(2), torch.eye(2), torch.ones(2))
    tensor([[0.]])

    Equation 5.7. Bahdanau et al. 2014, arXiv:1409.0473.
    """
    pairs = (query @ w_query).unsqueeze(-2) + (key @ w_key).unsqueeze(-3)  # (*, T, S, A)
    return torch.tanh(pairs) @ w_score  # (*, T, S)


# ---- softmax ------------------------------------------------------------------------------------------------------


def softmax(scores: Float[Tensor, "*batch S"], dim: int = -1) -> Float[Tensor, "*batch S"]:
    """Turn scores into weights that are positive and sum to 1 along `dim`.

    The largest score is subtracted first: the result is the same, and `exp` cannot overflow.
    Where every score is minus infinity (nothing may be looked at) the weights are all 0, not NaN.

    >>> softmax(torch.tensor([10_000.0, 10_000.0, -math.inf]))
    tensor([0.5000, 0.5000, 0.0000])

    Equation 5.2.
    """
    top = scores.amax(dim, keepdim=True)
    top = top.masked_fill(top == -math.inf, 0.0)  # so that -inf minus -inf is never taken
    powers = torch.exp(scores - top)
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0, 1.0)


# ---- attention ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AttentionTrace:
    """One attention and every step on the way, so that each can be looked at and drawn."""

    scores: Tensor  # (*, T, S) how well each key answers each query
    masked: Tensor  # (*, T, S) the same, minus infinity where a query may not look
    weights: Tensor  # (*, T, S) each row sums to 1, or is all 0 where nothing may be looked at
    output: Tensor  # (*, T, E) each row a weighted mean of the values


def attend(
    query: Float[Tensor, "*batch T D"],
    key: Float[Tensor, "*batch S Dk"],
    value: Float[Tensor, "*batch S E"],
    mask: Bool[Tensor, "..."] | None = None,
    score: ScoreFunction = scaled_dot_score,
) -> AttentionTrace:
    """Attention in its steps: score, mask, softmax, weighted sum.

    `mask` must broadcast to (*, T, S). A row of it with no True gets zero weights, not NaN.
    `score` is any function from queries and keys to scores; the Transformer's is the default.

    >>> attend(torch.zeros(1, 2), torch.zeros(2, 2), torch.tensor([[1.0], [3.0]])).output
    tensor([[2.]])

    Equations 5.1 to 5.3. Vaswani et al. 2017, arXiv:1706.03762, equation 1.
    """
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(
            f"every key needs one value; got {key.shape[-2]} keys and {value.shape[-2]} values. "
            f"Do both come from the same tokens?"
        )
    scores = score(query, key)  # (*, T, S)
    masked = scores if mask is None else scores.masked_fill(~mask, -math.inf)
    weights = softmax(masked)
    return AttentionTrace(scores, masked, weights, output=weights @ value)


def causal_mask(tokens: int) -> Bool[Tensor, "T T"]:
    """Each token may look at itself and at what came before it.

    >>> causal_mask(3).int()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    return torch.ones(tokens, tokens, dtype=torch.bool).tril()


def padding_mask(is_token: Tensor) -> Bool[Tensor, "B 1 1 S"]:
    """Nobody may look at padding. `is_token` (B, S) is 1 or True at real tokens, as tokenizers return it.

    >>> padding_mask(torch.tensor([[1, 1, 0]]))
    tensor([[[[ True,  True, False]]]])
    """
    return is_token.bool()[:, None, None, :]


def split_heads(hidden: Float[Tensor, "*batch T C"], num_heads: int) -> Float[Tensor, "*batch H T D"]:
    """Cut the model width C into H heads of D = C / H numbers each.

    >>> split_heads(torch.zeros(2, 5, 12), num_heads=3).shape
    torch.Size([2, 3, 5, 4])
    """
    width = hidden.shape[-1]
    if width % num_heads:
        raise ValueError(f"a width of {width} cannot be cut into {num_heads} equal heads.")
    return hidden.unflatten(-1, (num_heads, width // num_heads)).transpose(-3, -2)


def merge_heads(heads: Float[Tensor, "*batch H T D"]) -> Float[Tensor, "*batch T C"]:
    """Lay the heads side by side again: the inverse of `split_heads`.

    >>> merge_heads(torch.zeros(2, 3, 5, 4)).shape
    torch.Size([2, 5, 12])
    """
    return heads.transpose(-3, -2).flatten(-2)


# ---- gradients ----------------------------------------------------------------------------------------------------


def softmax_jacobian(weights: Float[Tensor, "*batch S"]) -> Float[Tensor, "*batch S S"]:
    """How each weight moves when each score moves: `diag(w) - w w^T`, given the weights w.

    Symmetric; every row sums to 0, because the weights always sum to 1.

    >>> softmax_jacobian(torch.tensor([0.5, 0.5]))
    tensor([[ 0.2500, -0.2500],
            [-0.2500,  0.2500]])

    Equation 5.10.
    """
    return torch.diag_embed(weights) - weights.unsqueeze(-1) * weights.unsqueeze(-2)


def softmax_backward(
    weights: Float[Tensor, "*batch S"], grad_weights: Float[Tensor, "*batch S"]
) -> Float[Tensor, "*batch S"]:
    """The gradient with respect to the scores, without ever building the Jacobian.

    >>> softmax_backward(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))
    tensor([ 0.2500, -0.2500])

    Equation 5.11.
    """
    average = (weights * grad_weights).sum(-1, keepdim=True)  # (*, 1)
    return weights * (grad_weights - average)


def attention_gradients(
    query: Float[Tensor, "*batch T D"],
    key: Float[Tensor, "*batch S D"],
    value: Float[Tensor, "*batch S E"],
    grad_output: Float[Tensor, "*batch T E"],
    mask: Bool[Tensor, "..."] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a loss with respect to query, key and value, given its gradient at the output.

    Written out by hand, in the order in which they are derived; autograd gives the same.

    Equations 5.12 to 5.14.
    """
    weights = attend(query, key, value, mask).weights  # (*, T, S)
    grad_value = weights.mT @ grad_output  # (*, S, E)
    grad_weights = grad_output @ value.mT  # (*, T, S)
    grad_scores = softmax_backward(weights, grad_weights)  # (*, T, S)
    scale = 1 / math.sqrt(query.shape[-1])
    grad_query = scale * grad_scores @ key  # (*, T, D)
    grad_key = scale * grad_scores.mT @ query  # (*, S, D)
    return grad_query, grad_key, grad_value


def _same_width(query: Tensor, key: Tensor) -> None:
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"query and key must share their last dimension to be compared; "
            f"got {query.shape[-1]} and {key.shape[-1]}. Were they projected with different widths?"
        )
