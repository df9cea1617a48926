"""A start for encoders: before any training, a hidden word is looked for where its neighbors have stood before.

That a word may be found again in the text is what a small BERT left to itself did not find out. Here it is put in by
hand, as a circuit known from trained models, the induction head (Olsson et al. 2022, arXiv:2209.11895). The columns of the
stream begin with a meaning: which word this is; where it stands, as waves; and two empty slots. Two heads of each
layer look one place back and one ahead; those of the first layer write the words found there into the slots. In the
other layers, two more heads look for a place with the same neighbor as here, away from here, and add the word that
stands there. Only the start is set: every weight is trained, and the columns soon take other meanings. tales-bert
does not keep this: trained to its end, it guesses 3% of the names that were said before (of 578 hidden ones), as by chance.
"""

import torch
from torch.nn.init import orthogonal_

from llmkit.positions import frequencies, sinusoidal
from llmkit.shapes import Float, Tensor
from llmkit.transformer import PretrainingModel
from llmkit.transformer.layers import Attention

WORD, WAVE = 0.28, 0.57  # how far words and waves reach in their columns, before the first norm
BASE = 5.6  # of the waves: they repeat after 6 to 30 places
NEAR, SAME, AWAY, COPY = 2.2, 1.6, 1.5, 0.5  # how strongly heads look next door, for the same neighbor, away from here; and add a word


@torch.no_grad()
def start_with_induction(model: PretrainingModel) -> PretrainingModel:
    """Set the start described above in a model with four heads and learned positions, and return it."""
    config, encoder = model.config, model.encoder
    if config.num_heads != 4 or config.positions != "learned":
        raise ValueError(f"This start is for four heads and learned positions; got {config.num_heads} heads, positions={config.positions!r}.")
    d = config.head_dim  # the stream is four times as wide
    words, waves, before, after = slice(0, 2 * d), slice(2 * d, 3 * d), slice(3 * d, 7 * d // 2), slice(7 * d // 2, 4 * d)
    encoder.embedding.weight.zero_()[:, words] = WORD * torch.randn(config.vocab_size, 2 * d)
    encoder.encoder.positions.weight.zero_()[:, waves] = WAVE * sinusoidal(config.context, d, BASE)
    for layer, block in enumerate(encoder.blocks):
        attention, parts = block.attention, orthogonal_(torch.empty(2 * d, 2 * d)).chunk(2)
        for head, offset, slot in ((0, -1, before), (1, 1, after)):
            look_next_door(attention, head, offset, waves)
            if layer == 0:
                write(attention, head, 2 * orthogonal_(torch.empty(d // 2, 2 * d)), torch.eye(d // 2), words, slot)
                look_for_the_same(attention, head + 2, words, 0.1 * torch.randn(d, 2 * d))
            else:
                look_for_the_same(attention, head + 2, slot, SAME * torch.eye(d // 2))
                look_away_from_here(attention, head + 2, waves)
            write(attention, head + 2, parts[head], COPY * parts[head].T, words, words)
    model.transform.weight.copy_(torch.eye(config.width))  # what was added to the stream is what is guessed
    return model


def look_next_door(attention: Attention, head: int, offset: int, waves: slice) -> None:
    """The query, turned by `offset` places, fits the key of the token so many places on."""
    rows = rows_of(attention, head, attention.head_dim)
    attention.query.weight[rows, waves] += NEAR * turn(attention.head_dim, offset)
    attention.key.weight[rows, waves] += NEAR * torch.eye(attention.head_dim)


def look_for_the_same(attention: Attention, head: int, columns: slice, compared: Float[Tensor, "N C"]) -> None:
    """Query and key are alike in these columns, so that a place fits others where the same stands in them."""
    rows = rows_of(attention, head, len(compared))
    attention.query.weight[rows, columns] += compared
    attention.key.weight[rows, columns] += compared


def look_away_from_here(attention: Attention, head: int, waves: slice) -> None:
    """Or else the place that asks would fit best. The second half of the head compares every second wave, turned round."""
    d = attention.head_dim
    some = AWAY * torch.eye(d)[[i for i in range(d) if i % 4 < 2]]  # (D/2, D)
    rows = slice(head * d + d // 2, (head + 1) * d)
    attention.query.weight[rows, waves] -= some
    attention.key.weight[rows, waves] += some


def write(attention: Attention, head: int, value: Float[Tensor, "N C"], output: Float[Tensor, "W N"], source: slice, target: slice) -> None:
    """What stands in the columns `source` where the head looks is added, through value and output, to the columns `target`."""
    rows = rows_of(attention, head, len(value))
    attention.value.weight[rows, source] += value
    attention.output.weight[target, rows] += output


def rows_of(attention: Attention, head: int, number: int) -> slice:
    """The first `number` rows of a head in the matrices of query, key and value: as many columns in that of the output."""
    return slice(head * attention.head_dim, head * attention.head_dim + number)


def turn(width: int, places: int) -> Float[Tensor, "D D"]:
    """The rotation that makes of the waves of any place those of the place so many further on.

    >>> waves = sinusoidal(9, 4, BASE)
    >>> torch.allclose(waves[2] @ turn(4, 3).T, waves[5], atol=1e-6)
    True
    """
    angles = places * frequencies(width, BASE)
    cos, sin = angles.cos().float(), angles.sin().float()
    return torch.block_diag(*torch.stack([cos, sin, -sin, cos], -1).view(-1, 2, 2))
