"""The losses, against formulas written out, and the masking of words, counted."""

import math
from random import Random

import pytest
import torch
from torch import nn

from llmkit.objectives import (
    IGNORE,
    SentencePair,
    answer_loss,
    best_span,
    causal_loss,
    label_loss,
    masked_batch,
    next_token_loss,
    pad,
    pretraining_batch,
    pretraining_loss,
    sentence_pairs,
    span_loss,
    translation_loss,
)
from llmkit.transformer import Config, PretrainingModel, SpanModel


def surprise(logits: torch.Tensor, answer: int) -> float:
    """Minus the log-probability of the answer, with nothing but exp and log."""
    powers = [math.exp(x) for x in logits.tolist()]
    return -math.log(powers[answer] / sum(powers))


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 5, 7), (3, 4, 11)])
def test_the_causal_loss_is_the_surprise_at_every_next_token(shape):
    logits, tokens = torch.randn(shape), torch.randint(shape[2], shape[:2])
    total, count = causal_loss(logits, tokens)
    expected = [surprise(logits[b, t], tokens[b, t + 1]) for b in range(shape[0]) for t in range(shape[1] - 1)]
    assert count == len(expected)
    assert float(total) == pytest.approx(sum(expected), rel=1e-5)


def test_padding_is_not_predicted_and_what_stands_there_does_not_matter():
    logits, tokens = torch.randn(2, 6, 9), torch.randint(9, (2, 6))
    keep = torch.tensor([[True] * 6, [True] * 3 + [False] * 3])
    total, count = causal_loss(logits, tokens, keep)
    alone = causal_loss(logits[:1], tokens[:1]).total + causal_loss(logits[1:, :3], tokens[1:, :3]).total
    assert count == 5 + 2
    assert float(total) == pytest.approx(float(alone), rel=1e-5)
    tokens[1, 3:] = 8
    assert torch.equal(causal_loss(logits, tokens, keep).total, total)


class Echo(nn.Module):
    """A decoder whose logits are a table of the last token, and an encoder-decoder that ignores its source."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 9)

    def forward(self, tokens, target=None, keep=None, target_keep=None):
        return self.table(tokens if target is None else target)


def test_the_loss_of_a_decoder_is_the_causal_loss_of_its_logits():
    model, tokens = Echo(), torch.randint(9, (3, 7))
    keep = torch.arange(7) < torch.tensor([[7], [4], [2]])
    mine = next_token_loss(model, {"tokens": tokens, "keep": keep})
    theirs = causal_loss(model(tokens), tokens, keep)
    assert torch.allclose(mine.total, theirs.total) and mine.count == theirs.count == 6 + 3 + 1
    assert next_token_loss(model, {"tokens": tokens}).count == 18


def test_the_loss_of_a_translation_is_taken_on_the_target_alone():
    model, source, target = Echo(), torch.randint(9, (2, 4)), torch.randint(9, (2, 5))
    keep = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    batch = {"source": source, "source_keep": source > -1, "target": target, "target_keep": keep}
    mine = translation_loss(model, batch)
    assert mine.count == 4 + 2
    assert torch.allclose(mine.total, causal_loss(model.table(target), target, keep).total)


def test_pieces_of_a_batch_add_up_to_the_loss_of_the_whole():
    logits, labels = torch.randn(6, 5), torch.tensor([1, IGNORE, 3, 0, 4, IGNORE])
    whole, first, rest = label_loss(logits, labels), label_loss(logits[:1], labels[:1]), label_loss(logits[1:], labels[1:])
    assert torch.allclose(whole.mean, (first.total + rest.total) / (first.count + rest.count))
    assert not torch.allclose(whole.mean, (first.mean + rest.mean) / 2)  # what a mean of means would have said


# ---- masking ------------------------------------------------------------------------------------------------------


def masked(rows=400, width=40, **options):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(5, 1000, (rows, width), generator=generator)
    tokens[:, 0], tokens[:, 30] = 2, 3  # [CLS] and [SEP]
    keep = torch.arange(width).expand(rows, width) < 31
    return tokens, keep, *masked_batch(tokens, keep, 4, 1000, special=range(5), generator=generator, **options)


def test_of_the_chosen_80_percent_are_masked_10_replaced_and_10_stay():
    tokens, _, inputs, labels = masked(rows=4000)
    chosen = labels != IGNORE
    count = int(chosen.sum())
    assert (inputs[chosen] == 4).sum() / count == pytest.approx(0.8, abs=0.02)  # five standard deviations
    assert (inputs[chosen] == tokens[chosen]).sum() / count == pytest.approx(0.1, abs=0.012)
    assert torch.equal(inputs[~chosen], tokens[~chosen])


def test_15_percent_of_the_ordinary_tokens_of_every_row_are_chosen():
    _, _, _, labels = masked()
    assert set((labels != IGNORE).sum(1).tolist()) == {4}  # 29 ordinary tokens: 4.35


def test_a_token_of_five_times_the_weight_is_drawn_five_times_as_readily():
    weight = torch.ones(4000, 40)
    weight[:, 1:6] = 5.0
    _, _, _, labels = masked(rows=4000, share=0.035, weight=weight)  # one token of a row: nothing else is left out
    chosen = (labels != IGNORE).sum(0)
    assert int(chosen.sum()) == 4000 and int(chosen[31:].sum()) == 0
    assert int(chosen[1:6].sum()) / 4000 == pytest.approx(25 / (25 + 24), abs=0.04)  # five standard deviations


def test_equal_weights_change_nothing():
    assert all(torch.equal(a, b) for a, b in zip(masked(), masked(weight=torch.ones(400, 40)), strict=True))


def test_no_special_token_and_no_padding_is_chosen_or_put_in():
    tokens, keep, inputs, labels = masked(share=0.9)
    chosen = labels != IGNORE
    assert not chosen[~keep].any() and not chosen[tokens < 5].any()
    assert torch.equal(labels[chosen], tokens[chosen])
    replaced = chosen & (inputs != tokens) & (inputs != 4)
    assert replaced.any() and bool((inputs[replaced] >= 5).all())


def test_a_short_row_still_has_one_word_to_guess_and_an_empty_one_none():
    tokens = torch.tensor([[2, 7, 3], [2, 3, 0]])
    _, labels = masked_batch(tokens, tokens > 0, 4, 10, special=range(5))
    assert (labels != IGNORE).sum(1).tolist() == [1, 0]


def test_the_same_generator_masks_the_same_places():
    assert all(torch.equal(a, b) for a, b in zip(masked(), masked(), strict=True))


# ---- sentences and spans ------------------------------------------------------------------------------------------


def documents(count=400):
    """Sentence s of document d is [100 d + s] twice, so that every token tells where it came from."""
    for d in range(1, count + 1):
        yield [[100 * d + s] * 2 for s in range(6)]


def test_half_of_the_pairs_are_neighbors_and_the_others_come_from_another_document():
    pairs = list(sentence_pairs(documents(), 1, 2, Random(0)))
    assert 0.4 < sum(pair.label for pair in pairs) / len(pairs) < 0.6
    for tokens, segments, label in pairs:
        cut = tokens.index(2)
        first, second = tokens[1:cut], tokens[cut + 1 : -1]
        assert tokens[0] == 1 and tokens[-1] == 2 and segments == [0] * (cut + 1) + [1] * (len(second) + 1)
        assert (second[0] == first[-1] + 1) == (label == 0)
        assert (second[0] // 100 == first[0] // 100) == (label == 0)


def test_long_pairs_are_shortened_at_their_far_ends():
    for tokens, _, label in sentence_pairs(documents(), 1, 2, Random(0), context=9):
        cut = tokens.index(2)
        assert len(tokens) <= 9 and cut > 1 and len(tokens) - cut > 2
        assert label == 1 or tokens[cut + 1] == tokens[cut - 1] + 1  # still neighbors where they meet


def bert(head):
    torch.manual_seed(0)
    return head(Config(vocab_size=2000, width=8, num_layers=1, num_heads=2, kind="encoder", num_segments=2))


def test_the_two_tasks_of_bert_count_alike_however_many_words_are_hidden():
    pairs = [SentencePair([1, *range(5, 5 + n), 2, 9, 2], [0] * (n + 2) + [1] * 2, n % 2) for n in (3, 40, 7)]
    batch = pretraining_batch(pairs, mask_id=4, vocab_size=2000, special=(1, 2), seed=5)
    again = pretraining_batch(pairs, mask_id=4, vocab_size=2000, special=(1, 2), seed=5)
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    model = bert(PretrainingModel)
    guesses, verdict = model(batch["tokens"], batch["keep"], batch["segments"])
    hidden = [(b, t) for b in range(3) for t in range(44) if batch["labels"][b, t] != IGNORE]
    words = [surprise(guesses[b, t], batch["labels"][b, t]) for b, t in hidden]
    sentences = [surprise(verdict[b], pairs[b].label) for b in range(3)]
    loss = pretraining_loss(model, batch)
    assert loss.count == 3 and len(words) == 1 + 6 + 1  # 15% of 4, 41 and 8 words
    assert float(loss.mean.detach()) == pytest.approx(sum(words) / 8 + sum(sentences) / 3, rel=1e-4)


def test_the_span_loss_is_the_mean_surprise_at_start_and_end():
    starts, ends = torch.randn(2, 5), torch.randn(2, 5)
    loss = span_loss(starts, ends, torch.tensor([1, 0]), torch.tensor([3, 0]))
    expected = surprise(starts[0], 1) + surprise(ends[0], 3) + surprise(starts[1], 0) + surprise(ends[1], 0)
    assert float(loss.mean.detach()) == pytest.approx(expected / 4, rel=1e-5)


def test_nobody_is_punished_for_what_stands_in_the_padding():
    model, (tokens, keep) = bert(SpanModel), pad([[1, 7, 8, 2, 9, 10, 2], [1, 7, 2, 9, 2]])
    batch = {"tokens": tokens, "keep": keep, "segments": torch.zeros_like(tokens)}
    answers = {"start": torch.tensor([4, 0]), "end": torch.tensor([5, 0])}
    both = answer_loss(model, batch | answers)
    alone = [answer_loss(model, {name: t[b : b + 1, : 7 - 2 * b] for name, t in batch.items()}
                         | {name: t[b : b + 1] for name, t in answers.items()}) for b in (0, 1)]  # fmt: skip
    assert both.total.item() == pytest.approx((alone[0].total + alone[1].total).item(), rel=1e-4)


@pytest.mark.parametrize("longest", [1, 3, 8])
def test_the_best_span_is_the_best_of_all_that_are_allowed(longest):
    starts, ends, allowed = torch.randn(4, 8), torch.randn(4, 8), torch.rand(4, 8) < 0.7
    allowed[:, 5] = True
    found = best_span(starts, ends, allowed, longest)
    for b in range(4):
        spans = [
            (float(starts[b, i] + ends[b, j]), i, j) for i in range(8) for j in range(i, min(8, i + longest))
            if allowed[b, i] and allowed[b, j]
        ]
        score, i, j = max(spans)
        assert (found[0][b], found[1][b]) == (i, j)
        assert float(found[2][b]) == pytest.approx(score - float(starts[b, 0] + ends[b, 0]), abs=1e-5)
