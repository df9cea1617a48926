"""BERT's two tasks: guess the hidden words, and tell whether two sentences belong together. Built in lesson 10.

Shape letters: B batch, T tokens, N hidden tokens, V vocabulary.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from random import Random
from typing import NamedTuple

import torch
from torch import nn

from llmkit.objectives.losses import IGNORE, Sum, label_loss, pad
from llmkit.shapes import Bool, Float, Int, Tensor


def masked_batch(
    tokens: Int[Tensor, "B T"],
    keep: Bool[Tensor, "B T"],
    mask_id: int,
    vocab_size: int,
    special: Sequence[int] = (),
    generator: torch.Generator | None = None,
    share: float = 0.15,
    weight: Float[Tensor, "B T"] | None = None,
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Hide some of the tokens: the inputs with holes, and the labels, which are `IGNORE` where nothing was hidden.

    Of every row, 15% of what is no `special` id, at least one, is to be predicted. Of these 80% become `mask_id`,
    10% a token drawn at random, 10% stay: the model never knows whether to trust what it sees, so it must
    understand every place. A token of twice the `weight` (above 0) is drawn twice as readily; without, all are alike.

    >>> tokens = torch.arange(5, 25)[None]
    >>> inputs, labels = masked_batch(tokens, tokens > 0, 4, 25, special=range(5), generator=torch.manual_seed(0))
    >>> (labels != IGNORE).sum(), (inputs == 4).sum()
    (tensor(3), tensor(2))

    Built in lesson 10, equation 10.2. Devlin et al. 2018, arXiv:1810.04805, section 3.1.
    """
    special = torch.tensor(sorted({mask_id, *special}), device=tokens.device)
    maybe = keep & ~torch.isin(tokens, special)  # (B, T) what can be hidden
    wanted = (maybe.sum(1, keepdim=True) * share).round().clamp(min=1)  # (B, 1)
    draw = torch.rand(tokens.shape, generator=generator).to(tokens.device)  # (B, T)
    if weight is not None:
        draw = 1 - (1 - draw) ** (1 / weight)  # as if it were the smallest of so many draws
    draw = draw.masked_fill(~maybe, 2.0)
    chosen = (draw.argsort(1).argsort(1) < wanted) & maybe  # the `wanted` smallest of each row

    kind = torch.rand(tokens.shape, generator=generator).to(tokens.device)  # (B, T)
    ordinary = torch.ones(vocab_size, dtype=torch.bool, device=tokens.device).index_fill(0, special, False).nonzero()[:, 0]
    other = ordinary[torch.randint(len(ordinary), tokens.shape, generator=generator).to(tokens.device)]  # (B, T)
    inputs = torch.where(chosen & (kind < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (kind >= 0.9), other, inputs)
    return inputs, tokens.masked_fill(~chosen, IGNORE)


class SentencePair(NamedTuple):
    """A row for next-sentence prediction: `[cls] first [sep] second [sep]`."""

    tokens: list[int]
    segments: list[int]  # 0 up to the first [sep], 1 after it
    label: int  # 0: the second follows the first; 1: it comes from somewhere else (the numbering of transformers)


def sentence_pairs(
    documents: Iterable[Sequence[Sequence[int]]], cls_id: int, sep_id: int, random: Random, context: int = 128
) -> Iterator[SentencePair]:
    """Pairs of neighbors, half of them with the second half replaced by one from the document before.

    A document is a list of sentences, a sentence a list of ids. Both parts are runs of sentences, cut at a
    random place; the longer is shortened at its far end until the row fits into `context`. Streams: two documents are held.

    Built in lesson 10. Devlin et al. 2018, section 3.1.
    """
    before = None
    for document in documents:
        sentences = [list(sentence) for sentence in document if len(sentence)]
        if len(sentences) < 2:
            continue
        if before is not None:
            cut = random.randrange(1, len(sentences))
            label = random.randrange(2)
            source, start = (sentences, cut) if label == 0 else (before, random.randrange(1, len(before)))
            first, second = list(chain(*sentences[:cut])), list(chain(*source[start:]))
            while len(first) + len(second) > context - 3:
                first, second = (first[1:], second) if len(first) > len(second) else (first, second[:-1])
            tokens = [cls_id, *first, sep_id, *second, sep_id]
            yield SentencePair(tokens, [0] * (len(first) + 2) + [1] * (len(second) + 1), label)
        before = sentences


def pretraining_batch(
    pairs: Sequence[SentencePair], mask_id: int, vocab_size: int, special: Sequence[int] = (), pad_id: int = 0, seed: int = 0
) -> dict[str, Tensor]:
    """Sentence pairs as a batch for `pretraining_loss`: padded, with holes that depend on `seed` alone."""
    tokens, keep = pad([pair.tokens for pair in pairs], pad_id)
    segments, _ = pad([pair.segments for pair in pairs])
    generator = torch.Generator().manual_seed(seed)
    inputs, labels = masked_batch(tokens, keep, mask_id, vocab_size, [*special, pad_id], generator)
    verdict = torch.tensor([pair.label for pair in pairs])
    return {"tokens": inputs, "keep": keep, "segments": segments, "labels": labels, "verdict": verdict}


def pretraining_loss(model: nn.Module, batch: dict[str, Tensor]) -> Sum:
    """The loss of a `PretrainingModel`: nats per hidden word plus nats per pair of sentences.

    It counts rows, so that the two tasks weigh alike however many words a row hides.
    """
    labels = batch["labels"]
    places = labels != IGNORE  # (B, T)
    guesses, verdict = model(batch["tokens"], batch["keep"], batch["segments"], places)  # (N, V), (B, 2)
    words, sentences = label_loss(guesses, labels[places]), label_loss(verdict, batch["verdict"])
    return Sum((words.mean + sentences.mean) * sentences.count, sentences.count)
