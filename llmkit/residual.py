"""The residual stream: norms, feed-forward, and a stack of blocks whose every part has a switch. Built in lesson 07.

`llmkit/transformer` holds the model that is trained and used. Here the same block is written in plain functions, in one
sitting, so that each part can be taken out and the stream and its gradient measured.

Shape letters: T tokens, C model width, F inner width of the feed-forward part, H heads, L blocks.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch

from llmkit.attention import attend, causal_mask, merge_heads, split_heads
from llmkit.shapes import Float, Tensor

PARTS = ("norm1", "attention", "add1", "norm2", "feed_forward", "add2")  # of a block; each can be switched off
EPS = 1e-5  # keeps a norm from dividing by zero


# ---- the parts ----------------------------------------------------------------------------------------------------


def layer_norm(
    x: Float[Tensor, "*batch C"], gain: Tensor | None = None, bias: Tensor | None = None, eps: float = EPS
) -> Float[Tensor, "*batch C"]:
    """Each row minus its mean, divided by its standard deviation; then, where given, times `gain` plus `bias`.

    >>> layer_norm(torch.tensor([1.0, 3.0]), eps=0.0)
    tensor([-1.,  1.])

    Equation 7.4. Ba et al. 2016, arXiv:1607.06450.
    """
    centered = x - x.mean(-1, keepdim=True)
    normal = centered / (centered.square().mean(-1, keepdim=True) + eps).sqrt()
    normal = normal if gain is None else gain * normal
    return normal if bias is None else normal + bias


def rms_norm(x: Float[Tensor, "*batch C"], gain: Tensor | None = None, eps: float = EPS) -> Float[Tensor, "*batch C"]:
    """Each row divided by the root of its mean square; nothing is subtracted.

    >>> rms_norm(torch.tensor([1.0, 7.0]), eps=0.0)
    tensor([0.2000, 1.4000])

    Equation 7.5. Zhang and Sennrich 2019, arXiv:1910.07467.
    """
    normal = x / (x.square().mean(-1, keepdim=True) + eps).sqrt()
    return normal if gain is None else gain * normal


def layer_norm_backward(
    x: Float[Tensor, "*batch C"], grad: Float[Tensor, "*batch C"], eps: float = EPS
) -> Float[Tensor, "*batch C"]:
    """The gradient of `x`, from that of its LayerNorm without gain: what shifts or stretches the row is taken out.

    Equation 7.6.
    """
    centered = x - x.mean(-1, keepdim=True)
    deviation = (centered.square().mean(-1, keepdim=True) + eps).sqrt()
    normal = centered / deviation
    return (grad - grad.mean(-1, keepdim=True) - normal * (grad * normal).mean(-1, keepdim=True)) / deviation


def feed_forward(x: Float[Tensor, "*batch C"], inner: Float[Tensor, "C F"], outer: Float[Tensor, "F C"]) -> Float[Tensor, "*batch C"]:
    """Out to F numbers, through GELU (its tanh form), and back: each token by itself.

    Equation 7.9. Vaswani et al. 2017, section 3.3, with the GELU of Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """
    return torch.nn.functional.gelu(x @ inner, approximate="tanh") @ outer


# ---- a stack of blocks --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BlockWeights:
    """The six matrices of a block, used as `x @ weight`; no biases, and no gains."""

    query: Float[Tensor, "C C"]
    key: Float[Tensor, "C C"]
    value: Float[Tensor, "C C"]
    output: Float[Tensor, "C C"]
    inner: Float[Tensor, "C F"]
    outer: Float[Tensor, "F C"]


@dataclass(frozen=True)
class Passage:
    """What a stack did to its input."""

    states: list[Tensor]  # L + 1 of (T, C): the stream that comes in, then after each block
    wrote: list[dict[str, Tensor]]  # for each block what each of its parts gave on
    output: Tensor  # (T, C) the last state, after the last norm where there is one


def draw_blocks(depth: int, width: int, inner: int, generator: torch.Generator, shrink: float = 1.0) -> list[BlockWeights]:
    """`depth` blocks of fresh weights, float64: each number has variance 1 / (numbers read), as in lesson 05.

    `shrink` multiplies the two matrices that write to the stream; GPT-2 takes 1 / sqrt(2 L).
    """

    def draw(rows: int, columns: int, scale: float = 1.0) -> Tensor:
        return scale * torch.randn(rows, columns, generator=generator, dtype=torch.float64) / math.sqrt(rows)

    return [
        BlockWeights(*(draw(width, width) for _ in range(3)), draw(width, width, shrink), draw(width, inner), draw(inner, width, shrink))
        for _ in range(depth)
    ]


def run_blocks(
    x: Float[Tensor, "T C"],
    blocks: Sequence[BlockWeights],
    heads: int,
    place: str = "pre",
    norm: str = "layer",
    parts: Collection[str] = PARTS,
    is_causal: bool = True,
) -> Passage:
    """The stream through all blocks, with the parts named in `parts`; what is left out does nothing.

    Without its addition, what a sublayer computes takes the place of the stream. `place="pre"` has a norm before each
    sublayer and one more at the end, "post" one after each addition. `norm` is "layer" or "rms".

    >>> generator = torch.Generator().manual_seed(0)
    >>> x = torch.randn(3, 8, generator=generator, dtype=torch.float64)
    >>> passage = run_blocks(x, draw_blocks(2, 8, 32, generator), heads=2)
    >>> len(passage.states), passage.states[-1].shape
    (3, torch.Size([3, 8]))

    Equations 7.7 and 7.8.
    """
    for name, given, known in (("place", {place}, {"pre", "post"}), ("norm", {norm}, {"layer", "rms"}), ("parts", set(parts), set(PARTS))):
        if given - known:
            raise ValueError(f"{name} knows {', '.join(sorted(known))}; got {', '.join(sorted(given - known))}.")
    normal = layer_norm if norm == "layer" else rms_norm
    mask = causal_mask(x.shape[0]) if is_causal else None

    def look(hidden: Tensor, weights: BlockWeights) -> Tensor:
        query, key, value = (split_heads(hidden @ w, heads) for w in (weights.query, weights.key, weights.value))  # (H, T, D)
        return merge_heads(attend(query, key, value, mask).output) @ weights.output

    def sublayer(stream: Tensor, weights: BlockWeights, number: int, wrote: dict[str, Tensor]) -> Tensor:
        norm_name, name, add = PARTS[3 * number - 3 : 3 * number]
        seen = wrote[norm_name] = normal(stream) if place == "pre" and norm_name in parts else stream
        if name not in parts:
            written = 0 * stream  # and not zeros: the gradient still finds its way, and is 0
        else:
            written = look(seen, weights) if name == "attention" else feed_forward(seen, weights.inner, weights.outer)
        wrote[name] = written
        wrote[add] = stream = stream + written if add in parts else written
        if place == "post":
            wrote[norm_name] = stream = normal(stream) if norm_name in parts else stream
        return stream

    states, wrote = [x.detach().requires_grad_()], []
    for weights in blocks:
        wrote.append({})
        middle = sublayer(states[-1], weights, 1, wrote[-1])
        states.append(sublayer(middle, weights, 2, wrote[-1]))
    has_last = place == "pre" and not {"norm1", "norm2"}.isdisjoint(parts)
    return Passage(states, wrote, normal(states[-1]) if has_last else states[-1])


def sizes(rows: Sequence[Float[Tensor, "T C"]]) -> list[float]:
    """The mean length of a token's row, for each tensor."""
    return [each.detach().norm(dim=-1).mean().item() for each in rows]


def gradients(passage: Passage, readout: Float[Tensor, "T C"]) -> list[Tensor]:
    """The gradient that reaches the stream at each depth, (T, C) each, when `sum(output * readout)` is the loss."""
    return list(torch.autograd.grad((passage.output * readout).sum(), passage.states))
