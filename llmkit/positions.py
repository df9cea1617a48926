"""Where a token stands, told to a model that would otherwise see a bag of tokens. Built in lessons 08 and 09.

Absolute: `sinusoidal` waves, or a learned table with one row a position (nn.Embedding; nothing to compute).
Relative: `rope` turns queries and keys, `alibi_bias` and `relative_buckets` add a number to every score.

Shape letters: T query tokens, S key tokens, C model width, D head width, H heads. Positions count from 0.
"""

import math

import torch

from llmkit.shapes import Float, Int, Tensor

PAIRINGS = ("halves", "neighbors")


# ---- absolute -----------------------------------------------------------------------------------------------------


def sinusoidal(tokens: int, width: int, base: float = 10_000.0) -> Float[Tensor, "T C"]:
    """One row a position: sines in the even columns, cosines in the odd ones, each pair slower than the one before.

    Pair k turns by base ** (-2k / width) radians a position, so the row k places on is a fixed rotation of this one.

    >>> sinusoidal(2, 4)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]])

    Built in lesson 08. Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
    """
    angles = torch.arange(tokens)[:, None] * frequencies(width, base)  # (T, C/2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2).float()  # (T, C)


def frequencies(width: int, base: float = 10_000.0) -> Float[Tensor, " half"]:
    """Radians a position for each pair of columns, the fastest first, in float64.

    >>> frequencies(4)
    tensor([1.0000, 0.0100], dtype=torch.float64)
    """
    if width < 2 or width % 2:
        raise ValueError(f"A width of {width} cannot be cut into pairs of columns; choose an even one.")
    if base <= 0:
        raise ValueError(f"The base of the frequencies must be positive; got {base}. Papers use 10,000.")
    return base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)  # (C/2,)


# ---- rotation -----------------------------------------------------------------------------------------------------


def rope_tables(
    positions: Int[Tensor, "*batch T"] | Float[Tensor, "*batch T"],
    head_dim: int,
    base: float = 10_000.0,
    scale: float = 1.0,
    pairing: str = "halves",
) -> tuple[Float[Tensor, "*batch T D"], Float[Tensor, "*batch T D"]]:
    """The cosines and signed sines by which `rope` turns a query or a key at each position, in float64.

    `scale` is position interpolation: 4 squeezes a text four times as long into the range seen in training.

    >>> cos, sin = rope_tables(torch.arange(3), head_dim=2)
    >>> sin
    tensor([[-0.0000,  0.0000],
            [-0.8415,  0.8415],
            [-0.9093,  0.9093]], dtype=torch.float64)

    Built in lesson 09. Su et al. 2021, arXiv:2104.09864, equation 34; `scale`: Chen et al. 2023, arXiv:2306.15595.
    """
    if scale <= 0:
        raise ValueError(f"Positions are divided by scale, so it must be positive; got {scale}. 1 changes nothing.")
    angles = positions[..., None].double() / scale * frequencies(head_dim, base).to(positions.device)  # (*, T, D/2)
    cos, sin = angles.cos(), angles.sin()
    if _checked(pairing) == "halves":
        return torch.cat([cos, cos], -1), torch.cat([-sin, sin], -1)  # (*, T, D)
    return cos.repeat_interleave(2, -1), torch.stack([-sin, sin], -1).flatten(-2)  # (*, T, D)


def rope(
    heads: Float[Tensor, "*#batch D"], cos: Float[Tensor, "*#batch D"], sin: Float[Tensor, "*#batch D"], pairing: str = "halves"
) -> Float[Tensor, "*batch D"]:
    """Rotary position embedding: turn every pair of numbers by its angle, given the tables of `rope_tables`.

    Queries and keys that are both turned have scores that depend on their distance only. With "halves" (Llama)
    number i is paired with i + D/2; with "neighbors" (the paper) 2i with 2i + 1. One is a reordering of the other.

    >>> cos, sin = rope_tables(torch.tensor([1]), head_dim=2)
    >>> rope(torch.tensor([[1.0, 0.0]], dtype=torch.float64), cos, sin)
    tensor([[0.5403, 0.8415]], dtype=torch.float64)

    Built in lesson 09. Su et al. 2021, arXiv:2104.09864.
    """
    if heads.shape[-1] != cos.shape[-1]:
        raise ValueError(
            f"The tables turn heads of width {cos.shape[-1]}, but the heads have width {heads.shape[-1]}. "
            f"Call rope_tables with head_dim={heads.shape[-1]}."
        )
    if _checked(pairing) == "halves":
        swapped = heads.roll(heads.shape[-1] // 2, -1)
    else:
        swapped = heads.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
    return heads * cos + swapped * sin


def _checked(pairing: str) -> str:
    if pairing not in PAIRINGS:
        raise ValueError(f"pairing is one of {', '.join(PAIRINGS)}; got {pairing!r}.")
    return pairing


# ---- a number added to every score --------------------------------------------------------------------------------


def alibi_slopes(num_heads: int) -> Float[Tensor, " H"]:
    """How fast each head loses interest with distance: a geometric series that starts at 2 ** (-8 / H).

    When H is no power of two, the series of the next lower power comes first, then every second of the next higher.

    >>> alibi_slopes(4)
    tensor([0.2500, 0.0625, 0.0156, 0.0039])

    Built in lesson 09. Press et al. 2021, arXiv:2108.12409, section 3 and the authors' code.
    """
    if num_heads < 1:
        raise ValueError(f"There must be at least one head; got {num_heads}.")
    lower = 2 ** int(math.log2(num_heads))
    slopes = [2 ** (-8 * (k + 1) / lower) for k in range(lower)]
    between = [2 ** (-8 * (k + 1) / (2 * lower)) for k in range(0, 2 * (num_heads - lower), 2)]
    return torch.tensor(slopes + between)


def alibi_bias(num_heads: int, tokens: int, sources: int) -> Float[Tensor, "H T S"]:
    """Attention with linear biases: minus slope times distance, to be added to the scores.

    The last query stands at the last key, as when new tokens follow cached ones.

    >>> alibi_bias(1, 2, 2)
    tensor([[[-0.0000, -0.0039],
             [-0.0039, -0.0000]]])

    Built in lesson 09. Press et al. 2021, arXiv:2108.12409.
    """
    distance = relative_positions(tokens, sources).abs()  # (T, S)
    return -alibi_slopes(num_heads)[:, None, None] * distance  # (H, T, S)


def relative_positions(tokens: int, sources: int) -> Int[Tensor, "T S"]:
    """Position of the key minus position of the query; the last query stands at the last key.

    >>> relative_positions(2, 3)
    tensor([[-1,  0,  1],
            [-2, -1,  0]])
    """
    queries = torch.arange(sources - tokens, sources)
    return torch.arange(sources)[None, :] - queries[:, None]


def relative_buckets(
    relative: Int[Tensor, "*shape"], is_causal: bool, num_buckets: int = 32, max_distance: int = 128
) -> Int[Tensor, "*shape"]:
    """The bucket of each relative position (key minus query): near ones alone, far ones together.

    The first half of the buckets hold one distance each, the rest grow geometrically up to `max_distance`; all beyond
    share the last. Where keys may come later, they have half of the buckets to themselves. A causal model sees
    none and puts them into bucket 0. T5 learns one number for each bucket and head and adds it to the scores.

    >>> relative_buckets(torch.tensor([0, -1, -2, -40, -400]), is_causal=True)
    tensor([ 0,  1,  2, 23, 31])

    Built in lesson 09. Raffel et al. 2019, arXiv:1910.10683, section 2.1.
    """
    sides = num_buckets if is_causal else num_buckets // 2
    exact = sides // 2
    if exact < 1 or max_distance <= exact:
        raise ValueError(
            f"{num_buckets} buckets up to distance {max_distance} leave no room: take at least "
            f"{2 if is_causal else 4} buckets and a max_distance above {exact}."
        )
    distance = -relative.clamp(max=0) if is_causal else relative.abs()
    growth = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact)  # 1 at max_distance
    far = (exact + (growth * (sides - exact)).long()).clamp(max=sides - 1)
    bucket = torch.where(distance < exact, distance, far)
    return bucket if is_causal else bucket + sides * (relative > 0)
