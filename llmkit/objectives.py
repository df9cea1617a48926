"""What a model is asked to do, as a number that training makes smaller. Built in lessons 10, 11, 18 and 19.

Every loss comes as a `Sum`, total and count apart, so that the pieces of a batch add up to the loss of the whole.
Losses are in nats. Shape letters: B batch, T tokens, S source tokens, V vocabulary.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from random import Random
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


# ---- what was here ------------------------------------------------------------------------------------------------


def masked_batch(
    tokens: Int[Tensor, "B T"],
    keep: Bool[Tensor, "B T"],
    mask_id: int,
    vocab_size: int,
    special: Sequence[int] = (),
    generator: torch.Generator | None = None,
    share: float = 0.15,
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Hide some of the tokens: the inputs with holes, and the labels, which are `IGNORE` where nothing was hidden.

    Of every row, 15% of what is no `special` id, at least one, is to be predicted. Of these 80% become `mask_id`,
    10% a token drawn at random, 10% stay: the model never knows whether to trust what it sees, so it must
    understand every place.

    >>> tokens = torch.arange(5, 25)[None]
    >>> inputs, labels = masked_batch(tokens, tokens > 0, 4, 25, special=range(5), generator=torch.manual_seed(0))
    >>> (labels != IGNORE).sum(), (inputs == 4).sum()
    (tensor(3), tensor(2))

    Built in lesson 10, equation 10.2. Devlin et al. 2018, arXiv:1810.04805, section 3.1.
    """
    special = torch.tensor(sorted({mask_id, *special}), device=tokens.device)
    maybe = keep & ~torch.isin(tokens, special)  # (B, T) what can be hidden
    wanted = (maybe.sum(1, keepdim=True) * share).round().clamp(min=1)  # (B, 1)
    draw = torch.rand(tokens.shape, generator=generator).to(tokens.device).masked_fill(~maybe, 2.0)  # (B, T)
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


def pretraining_loss(words: Sum, sentences: Sum) -> Sum:
    """BERT's two tasks as one loss: the mean over hidden words plus the mean over sentence pairs.

    It counts rows, so that a piece of a batch weighs as much as its rows.
    """
    return Sum((words.mean + sentences.mean) * sentences.count, sentences.count)


# ---- where the answer is ------------------------------------------------------------------------------------------


def span_loss(
    start_logits: Float[Tensor, "B T"], end_logits: Float[Tensor, "B T"], start: Int[Tensor, " B"], end: Int[Tensor, " B"]
) -> Sum:
    """The answer is a run of tokens: two questions, where it starts and where it ends (both inclusive).

    A question without an answer points at token 0, where nothing can be said (SQuAD 2.0).

    Built in lesson 18. Devlin et al. 2018, section 4.2.
    """
    total = (label_loss(start_logits, start).total + label_loss(end_logits, end).total) / 2
    return Sum(total, len(start))


def best_span(
    start_logits: Float[Tensor, "B T"],
    end_logits: Float[Tensor, "B T"],
    allowed: Bool[Tensor, "B T"],
    longest: int = 30,
) -> tuple[Int[Tensor, " B"], Int[Tensor, " B"], Float[Tensor, " B"]]:
    """The likeliest span inside `allowed` that does not end before it starts: start, end, and its lead over "no answer".

    The lead is in logits: the score of the span minus that of token 0; abstain where it is below a threshold.

    >>> start, end = torch.tensor([[0.0, 3.0, 1.0]]), torch.tensor([[0.0, 1.0, 3.0]])
    >>> best_span(start, end, torch.tensor([[False, True, True]]))
    (tensor([1]), tensor([2]), tensor([6.]))
    """
    tokens = start_logits.shape[1]
    scores = start_logits[:, :, None] + end_logits[:, None, :]  # (B, T, T) start by end
    shape = torch.ones(tokens, tokens, dtype=torch.bool, device=scores.device).triu().tril(longest - 1)
    scores = scores.masked_fill(~(shape & allowed[:, :, None] & allowed[:, None, :]), -torch.inf)
    best, place = scores.flatten(1).max(1)  # (B,)
    return place // tokens, place % tokens, best - start_logits[:, 0] - end_logits[:, 0]
