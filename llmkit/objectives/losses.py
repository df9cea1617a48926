"""Losses: what comes next, in one text or in the translation of another. Built in lessons 11 and 19.

Shape letters: B batch, T tokens, S source tokens, V vocabulary. Losses are in nats.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from llmkit.shapes import Bool, Float, Int, Tensor

IGNORE = -100  # the label of a place that is not predicted, in torch and in transformers


class Sum(NamedTuple):
    """A loss before it is divided: the sum over everything that was predicted, and how much that was.

    >>> Sum(torch.tensor(6.0), torch.tensor(3)).mean
    tensor(2.)
    """

    total: Tensor  # nats, a scalar with a gradient
    count: Tensor | int  # predictions

    @property
    def mean(self) -> Tensor:
        """Nats per prediction."""
        return self.total / self.count


def label_loss(logits: Float[Tensor, "*batch V"], labels: Int[Tensor, "*batch"]) -> Sum:
    """Cross-entropy wherever there is a label: minus the log-probability of the right answer.

    >>> label_loss(torch.zeros(2, 4), torch.tensor([1, IGNORE])).mean  # of 4 answers none is likelier: ln 4
    tensor(1.3863)
    """
    logits, labels = logits.flatten(0, -2).float(), labels.flatten()
    total = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum")
    return Sum(total, (labels != IGNORE).sum())


def pad(rows: Sequence[Sequence[int]], pad_id: int = 0) -> tuple[Int[Tensor, "B T"], Bool[Tensor, "B T"]]:
    """Rows of unequal length as one table, and which of its places hold a real token.

    >>> tokens, keep = pad([[5, 6, 7], [8]])
    >>> tokens.tolist(), keep.tolist()
    ([[5, 6, 7], [8, 0, 0]], [[True, True, True], [True, False, False]])
    """
    width = max(len(row) for row in rows)
    tokens = torch.tensor([[*row, *[pad_id] * (width - len(row))] for row in rows], dtype=torch.long)  # (B, T)
    lengths = torch.tensor([len(row) for row in rows])  # (B,)
    return tokens, torch.arange(width) < lengths[:, None]


# ---- what comes next ----------------------------------------------------------------------------------------------


def causal_loss(
    logits: Float[Tensor, "B T V"], tokens: Int[Tensor, "B T"], keep: Bool[Tensor, "B T"] | None = None
) -> Sum:
    """Every token predicts the next one. The last has none; padding (`keep` False) is not predicted.

    >>> causal_loss(torch.zeros(1, 3, 4), torch.tensor([[0, 1, 2]])).count
    tensor(2)

    Built in lesson 11, equation 11.1.
    """
    labels = tokens[:, 1:]  # (B, T-1)
    if keep is not None:
        labels = labels.masked_fill(~keep[:, 1:], IGNORE)
    return label_loss(logits[:, :-1], labels)


def next_token_loss(model: nn.Module, batch: dict[str, Tensor]) -> Sum:
    """`causal_loss` of a decoder on {"tokens", "keep"}: what `train` is given to make a GPT.

    The last column is only predicted, never read, so the model is spared it. Padding stands on the right,
    where no real token looks, so the model need not know of it.
    """
    tokens, keep = batch["tokens"], batch.get("keep")
    labels = tokens[:, 1:] if keep is None else tokens[:, 1:].masked_fill(~keep[:, 1:], IGNORE)
    return label_loss(model(tokens[:, :-1]), labels)


def translation_loss(model: nn.Module, batch: dict[str, Tensor]) -> Sum:
    """The loss of an encoder-decoder on {"source", "source_keep", "target", "target_keep"}, for any text from a text.

    Teacher forcing: the decoder reads the right target so far, not its own guess. A target begins with the start token.

    Built in lesson 19. Sutskever et al. 2014, arXiv:1409.3215.
    """
    target, keep = batch["target"], batch["target_keep"]
    logits = model(batch["source"], target[:, :-1], batch["source_keep"], keep[:, :-1])  # (B, T-1, V)
    return label_loss(logits, target[:, 1:].masked_fill(~keep[:, 1:], IGNORE))
