"""What a model is asked to do, as a number that training makes smaller. Built in lessons 10 and 11.

Every loss comes as a `Sum`: total and count apart, so that the pieces of a batch add up to the loss of the whole.
Losses are in nats; `IGNORE` in a table of labels marks places that are not predicted.
"""

from typing import NamedTuple

import torch
from torch import nn

from llmkit.shapes import Bool, Float, Int, Tensor

IGNORE = -100  # the label that cross_entropy passes over, in torch and in transformers


class Sum(NamedTuple):
    """A loss before it is divided: the sum over everything that was predicted, and how much that was.

    >>> Sum(torch.tensor(6.0), torch.tensor(3)).mean
    tensor(2.)
    """

    total: Tensor  # nats, a scalar with a gradient
    count: Tensor  # how many predictions

    @property
    def mean(self) -> Tensor:
        return self.total / self.count


def label_loss(logits: Float[Tensor, "*batch V"], labels: Int[Tensor, "*batch"]) -> Sum:
    """Cross-entropy at every place that has a label: minus the log-probability of the right answer.

    >>> label_loss(torch.zeros(2, 4), torch.tensor([1, IGNORE])).mean  # nothing known about 4 answers: ln 4
    tensor(1.3863)
    """
    total = torch.nn.functional.cross_entropy(logits.flatten(0, -2).float(), labels.flatten(), ignore_index=IGNORE, reduction="sum")
    return Sum(total, (labels != IGNORE).sum())


def causal_loss(
    logits: Float[Tensor, "B T V"], tokens: Int[Tensor, "B T"], keep: Bool[Tensor, "B T"] | None = None
) -> Sum:
    """Every token predicts the next one; the last has none, and padding (`keep` False) is not predicted.

    Built in lesson 11, equation 11.1.
    """
    labels = tokens[:, 1:]  # (B, T-1)
    if keep is not None:
        labels = labels.masked_fill(~keep[:, 1:], IGNORE)
    return label_loss(logits[:, :-1], labels)


def next_token_loss(model: nn.Module, batch: dict[str, Tensor]) -> Sum:
    """The loss of a decoder on a batch {"tokens", "keep"}: what `train` is given to make a GPT.

    The last column is never read, only predicted, so the model is spared it.
    """
    tokens, keep = batch["tokens"], batch.get("keep")
    logits = model(tokens[:, :-1])  # (B, T-1, V); padding stands on the right, where nobody looks at it
    labels = tokens[:, 1:] if keep is None else tokens[:, 1:].masked_fill(~keep[:, 1:], IGNORE)
    return label_loss(logits, labels)
