"""The start of `induction` for decoders with RoPE: an untrained model that already goes on as the text went on before.

A token looks for the places that came after tokens like itself, and expects what stands there. The columns of the
stream begin with a meaning: a constant; which word this is; what may come next, which alone the output reads; and a
slot for the word before. RoPE turns half of each head fast and half slowly. A constant query and key in the fast
half make the score depend on the distance alone, here with its peak one place back; the heads of the first
key-value group look there, and in the first layer write the word they find into the slot. In the other layers the
remaining heads compare, in the half that hardly turns, this word with the slots, and add what they find to what may
come next. Only the start is set: every weight is trained.

Words begin with width 1, not 0.02, and the recipe takes a third of Muon's usual rate. With small words and the usual
rate the stream after the first block was 260 times as long as the word in it (measured after 1,200 steps of
tales-gpt-mini); every norm then wiped out which name had been said, and no head could learn to repeat it.
"""

import math

import torch
from torch.nn.init import orthogonal_

from llmkit.positions import frequencies
from llmkit.shapes import Float, Tensor
from llmkit.transformer import Transformer
from llmkit.transformer.layers import Attention

FAST, SLOW = 5, 0.02  # the pairs of columns that tell distances; radians a place, at most, of those that compare words
CONSTANT = 4.0  # beside words of width 1
BEFORE, SAME, OUTPUT = 40.0, 3.0, 0.05  # scores of the place before and of the same word; width of the output's rows


@torch.no_grad()
def start_with_induction(model: Transformer) -> Transformer:
    """Set the start described above in a decoder with RoPE and an output of its own, and return it."""
    config = model.config
    if config.positions != "rope" or config.kind != "decoder" or config.tied or config.kv_heads < 2:
        raise ValueError(
            "This start is for decoders with RoPE, at least two key-value heads, and an output of their own; "
            f"got a {config.kind} with positions={config.positions!r}, {config.kv_heads} key-value heads and tied={config.tied}."
        )
    turns = frequencies(config.head_dim)  # (D/2,)
    pairs = (turns < SLOW).nonzero()[:, 0]
    slow = torch.cat([pairs, pairs + len(turns)])  # (S,) columns of a head that hardly turn
    size = (config.width - 1 - len(slow)) // 2
    words, coming, slot = (slice(first, first + count) for first, count in ((1, size), (1 + size, size), (1 + 2 * size, len(slow))))
    table = model.embedding.weight.zero_()
    table[:, words].normal_(std=math.sqrt(config.width / size))
    table[:, 0] = CONSTANT
    table /= table.square().mean(-1).sqrt().mean()  # what a norm before the first layer leaves as it is
    short = orthogonal_(torch.empty(len(slow), size))  # (S, N) a word as a slot holds it
    model.head.weight.normal_(std=0.02)[:, coming] += OUTPUT * table[:, words]
    for layer, block in enumerate(model.decoder.blocks):
        for group in range(config.kv_heads):
            heads = [head for head in range(config.num_heads) if head * config.kv_heads // config.num_heads == group]
            if group == 0:
                look_one_back(block.attention, heads, table[0, 0], turns)
                if layer == 0:
                    write(block.attention, group, heads[:1], short, 2 * torch.eye(len(slow)), words, slot)
            elif layer > 0:
                found = orthogonal_(torch.empty(config.head_dim, size))
                look_for_the_same(block.attention, group, heads, slow, SAME * short, words, SAME * torch.eye(len(slow)), slot)
                write(block.attention, group, heads, found, found.T / len(heads), words, coming)
    return model


def look_one_back(attention: Attention, heads: list[int], constant: Tensor, turns: Float[Tensor, " half"]) -> None:
    """Scores with their peak one place back: the query of the constant is its key, turned by one place."""
    fast, half = turns[:FAST], len(turns)
    attention.key.weight[:FAST, 0] += 1
    for first in (head * attention.head_dim for head in heads):
        strength = BEFORE * math.sqrt(attention.head_dim) / FAST / constant**2
        attention.query.weight[first : first + FAST, 0] += strength * fast.cos().float()
        attention.query.weight[first + half : first + half + FAST, 0] -= strength * fast.sin().float()


def look_for_the_same(
    attention: Attention, group: int, heads: list[int], rows: Tensor,
    query: Float[Tensor, "S N"], asked: slice, key: Float[Tensor, "S S"], offered: slice,
) -> None:  # fmt: skip
    """What the query reads in the columns `asked` is compared with what the key reads in `offered`, in these rows of a head."""
    attention.key.weight[group * attention.head_dim + rows, offered] += key
    for head in heads:
        attention.query.weight[head * attention.head_dim + rows, asked] += query


def write(
    attention: Attention, group: int, heads: list[int], value: Float[Tensor, "M N"], output: Float[Tensor, "W M"], source: slice, target: slice
) -> None:
    """What stands in the columns `source` where these heads look is added, through value and output, to the columns `target`."""
    attention.value.weight[group * attention.head_dim : group * attention.head_dim + len(value), source] += value
    for first in (head * attention.head_dim for head in heads):
        attention.output.weight[target, first : first + len(value)] += output
