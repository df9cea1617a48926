"""Several attentions side by side, heads that share keys and values, and what both cost. Built in lesson 06.

Shape letters: T query tokens, S key tokens, C model width, H heads, G key-value heads, D width of a head.
"""

from dataclasses import dataclass

from llmkit.attention import AttentionTrace, attend, merge_heads, split_heads
from llmkit.shapes import Bool, Float, Tensor


@dataclass(frozen=True)
class Projections:
    """The four matrices of a layer of attention, each used as `x @ matrix`."""

    query: Tensor  # (C, H D)
    key: Tensor  # (C, G D)
    value: Tensor  # (C, G D)
    output: Tensor  # (H D, C)


def multi_head(
    hidden: Float[Tensor, "*batch T C"],
    projections: Projections,
    num_heads: int,
    mask: Bool[Tensor, "..."] | None = None,
    source: Float[Tensor, "*batch S C"] | None = None,
    num_kv_heads: int | None = None,
) -> tuple[Float[Tensor, "*batch T C"], AttentionTrace]:
    """Project, cut into heads, attend in each, lay the heads side by side, mix them: the output, and every step of it.

    Keys and values come from `source`, where there is one (cross-attention), else from `hidden`. With fewer
    `num_kv_heads` than `num_heads`, groups of heads share keys and values. `mask` must broadcast to (*, H, T, S).

    >>> import torch
    >>> eye = torch.eye(4)
    >>> output, steps = multi_head(torch.zeros(3, 4), Projections(eye, eye, eye, eye), num_heads=2)
    >>> output.shape, steps.weights.shape
    (torch.Size([3, 4]), torch.Size([2, 3, 3]))

    Equations 6.4 and 6.5. Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.
    """
    source = hidden if source is None else source
    query = split_heads(hidden @ projections.query, num_heads)  # (*, H, T, D)
    key = split_heads(source @ projections.key, num_kv_heads or num_heads)  # (*, G, S, D)
    value = split_heads(source @ projections.value, num_kv_heads or num_heads)
    steps = attend(query, share_heads(key, num_heads), share_heads(value, num_heads), mask)
    return merge_heads(steps.output) @ projections.output, steps


def share_heads(heads: Float[Tensor, "*batch G S D"], num_heads: int) -> Float[Tensor, "*batch H S D"]:
    """Each key-value head stands for H / G query heads that follow each other: head h uses number h // (H / G).

    >>> import torch
    >>> share_heads(torch.tensor([[[1.0]], [[2.0]]]), 4).flatten()
    tensor([1., 1., 2., 2.])

    Ainslie et al. 2023, arXiv:2305.13245; with a single one, Shazeer 2019, arXiv:1911.02150.
    """
    if num_heads % heads.shape[-3]:
        raise ValueError(f"{num_heads} query heads cannot share {heads.shape[-3]} key-value heads evenly.")
    return heads.repeat_interleave(num_heads // heads.shape[-3], dim=-3)


def kv_cache_bytes(
    layers: int, kv_heads: int, head_dim: int, tokens: int, bytes_per_number: int = 2, batch_size: int = 1
) -> int:
    """What the keys and values of all tokens read so far take, in every layer.

    >>> kv_cache_bytes(layers=80, kv_heads=8, head_dim=128, tokens=4096) / 2**30
    1.25

    Equation 6.11.
    """
    return 2 * layers * batch_size * kv_heads * tokens * head_dim * bytes_per_number


def attention_flops(tokens: int, width: int) -> tuple[int, int]:
    """Multiplications and additions of one layer on one text: (the four projections, scores and mixing).

    The number of heads does not matter, and softmax, a few operations for each score, is left out.

    >>> attention_flops(tokens=1024, width=512)
    (2147483648, 2147483648)

    Equation 6.7.
    """
    return 8 * tokens * width**2, 4 * tokens**2 * width
