"""Choosing the next token, checked against the logits processors of `transformers` and against arithmetic by hand."""

import math

import pytest
import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

import llmkit.sampling as S  # noqa: N812
from llmkit.sampling import Sampling

SIZES = [(1, 5), (4, 50), (3, 1536)]


def make(*shape, seed=0, scale=3.0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def made_tokens(rows, vocab_size, count=12):
    return torch.randint(vocab_size, (rows, count), generator=torch.Generator().manual_seed(7))


def same_distribution(got, expected):
    """Equal after softmax; a constant added to all logits means nothing."""
    chances = torch.softmax(expected, -1)
    assert torch.equal(torch.softmax(got, -1) > 0, chances > 0)
    assert torch.allclose(torch.softmax(got, -1), chances, atol=1e-6)


# ---- the filters are those of transformers ----------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("value", [0.3, 0.8, 1.0, 2.5])
def test_each_filter_equals_the_one_of_transformers(size, value):
    logits, tokens, fraction = make(*size), made_tokens(*size), value / 3
    k = min(1 + int(4 * value), size[1])
    same_distribution(S.temperature(logits, value), TemperatureLogitsWarper(value)(None, logits))
    same_distribution(S.top_k(logits, k), TopKLogitsWarper(k)(None, logits))
    same_distribution(S.top_p(logits, fraction), TopPLogitsWarper(fraction)(None, logits))
    same_distribution(S.min_p(logits, fraction), MinPLogitsWarper(fraction)(None, logits))
    assert torch.equal(S.repetition_penalty(logits, tokens, value), RepetitionPenaltyLogitsProcessor(value)(tokens, logits))


@pytest.mark.parametrize("seed", range(5))
def test_all_filters_together_come_in_the_order_of_transformers(seed):
    logits, tokens = make(4, 200, seed=seed, scale=2.0), made_tokens(4, 200, 100)
    settings = Sampling(temperature=1.7, top_k=40, top_p=0.8, min_p=0.05, repetition_penalty=1.4)
    theirs = LogitsProcessorList([
        RepetitionPenaltyLogitsProcessor(1.4), TemperatureLogitsWarper(1.7), TopKLogitsWarper(40), TopPLogitsWarper(0.8),
        MinPLogitsWarper(0.05),
    ])
    same_distribution(settings.adjust(logits, tokens), theirs(tokens, logits))


def test_the_order_matters_here_so_the_test_above_can_fail():
    logits = make(4, 200, scale=2.0)
    heated_late = S.temperature(S.top_p(logits, 0.8), 1.7)
    heated_early = S.top_p(S.temperature(logits, 1.7), 0.8)
    assert not torch.equal(heated_late > -math.inf, heated_early > -math.inf)


# ---- greedy and temperature 0 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 3, 64])
def test_between_equals_the_lowest_id_wins_in_a_batch_of_any_size(rows):
    logits = torch.zeros(rows, 1536)
    logits[:, [7, 300, 1500]] = 2.5
    assert S.greedy(logits).tolist() == [7] * rows
    assert Sampling(temperature=0).choose(logits).tolist() == [7] * rows


def test_temperature_0_is_greedy_whatever_the_filters_and_the_seed():
    logits = make(20, 50)
    settings = [Sampling(temperature=0), Sampling(temperature=0, top_k=5, top_p=0.5, min_p=0.3, seed=1)]
    for setting in settings:
        assert torch.equal(setting.choose(logits), logits.argmax(-1))
    assert torch.equal(S.sample(S.temperature(logits, 0)), logits.argmax(-1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("value", [1e-3, 1e-30, 1e-44, 1e-300])
def test_tiny_temperatures_neither_overflow_nor_give_nan(dtype, value):
    logits = torch.tensor([[6e4, -6e4, 5e4, -math.inf], [1.0, 1.0, -1.0, 0.0]], dtype=dtype)
    chances = Sampling(temperature=value, top_p=0.99).adjust(logits).softmax(-1)
    assert torch.allclose(chances[0], torch.tensor([1.0, 0, 0, 0], dtype=chances.dtype))
    assert torch.allclose(chances[1], torch.tensor([0.5, 0.5, 0, 0], dtype=chances.dtype))  # equals stay equals


def test_temperature_approaches_the_uniform_distribution_when_it_is_high():
    chances = S.probabilities(S.temperature(make(3, 50), 1e6))
    assert (chances - 1 / 50).abs().max() < 1e-5


# ---- tokens that are forbidden ----------------------------------------------------------------------------------


def test_a_forbidden_token_stays_forbidden_through_every_filter():
    logits = make(5, 50)
    logits[:, ::2] = -math.inf
    settings = Sampling(temperature=0.7, top_k=50, top_p=0.999, min_p=0.0, repetition_penalty=1.3)
    adjusted = settings.adjust(logits, made_tokens(5, 50))
    assert not adjusted.isnan().any()
    assert (adjusted[:, ::2] == -math.inf).all()
    assert (adjusted[:, 1::2] > -math.inf).any(-1).all()
    assert (S.sample(adjusted.repeat(40, 1)) % 2 == 1).all()


def test_a_row_in_which_nothing_can_be_drawn_is_answered_with_a_sentence():
    with pytest.raises(ValueError, match="no token can be drawn"):
        S.sample(torch.full((2, 4), -math.inf))
    with pytest.raises(ValueError, match="not a number"):
        S.sample(torch.tensor([0.0, math.nan]))


@pytest.mark.parametrize("p", [1e-9, 0.01, 0.5])
def test_top_p_and_min_p_keep_at_least_one_token(p):
    logits = make(10, 30)
    assert (S.top_p(logits, p) > -math.inf).any(-1).all()
    assert ((S.min_p(logits, 1.0) > -math.inf).sum(-1) == 1).all()


def test_top_p_keeps_the_smallest_set_that_reaches_p():
    logits = make(20, 30)
    chances = S.probabilities(logits)
    kept = S.top_p(logits, 0.7) > -math.inf
    for row, keep in zip(chances, kept, strict=True):
        assert row[keep].sum() >= 0.7
        assert row[keep].sum() - row[keep].min() < 0.7
        assert row[~keep].max() <= row[keep].min()


def test_padding_is_not_punished_as_a_repetition():
    logits = make(2, 10)
    padded = torch.tensor([[-1, -1, 3], [4, 5, 3]])
    punished = S.repetition_penalty(logits, padded, 2.0) != logits
    assert punished.nonzero().tolist() == [[0, 3], [1, 3], [1, 4], [1, 5]]


# ---- drawing ----------------------------------------------------------------------------------------------------


def test_drawn_tokens_follow_the_probabilities():
    chances = torch.tensor([0.4, 0.3, 0.2, 0.1, 0.0])
    draws = S.sample(chances.log().expand(20_000, 5), torch.Generator().manual_seed(0))
    counts = torch.bincount(draws, minlength=5)
    chi_square = ((counts[:4] - 20_000 * chances[:4]) ** 2 / (20_000 * chances[:4])).sum()
    assert chi_square < 16.27  # 3 degrees of freedom: larger once in a thousand seeds
    assert counts[4] == 0


def test_the_same_seed_draws_the_same_tokens():
    logits, settings = make(50, 100), Sampling(seed=3)
    first, second = (settings.choose(logits, generator=settings.generator()) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, settings.choose(logits, generator=Sampling(seed=4).generator()))


@pytest.mark.parametrize("shape", [(9,), (2, 9), (2, 3, 9)])
def test_logits_may_have_any_number_of_leading_axes_and_are_not_changed(shape):
    logits = make(*shape)
    before = logits.clone()
    settings = Sampling(temperature=0.5, top_k=4, top_p=0.9, min_p=0.1, repetition_penalty=2.0)
    assert settings.choose(logits, torch.zeros(*shape[:-1], 2, dtype=torch.long)).shape == shape[:-1]
    assert torch.equal(logits, before)


# ---- settings outside their range -------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "sentence"), [
    ({"temperature": -1}, "temperature must be 0 .greedy. or a finite number above 0; got -1"),
    ({"temperature": math.inf}, "finite"),
    ({"temperature": math.nan}, "temperature must be"),
    ({"top_p": 0}, "top_p must be a number above 0 and at most 1 .* got 0"),
    ({"top_p": 1.5}, "at most 1"),
    ({"top_k": 0}, "top_k must be a whole number from 1 to the size of the vocabulary; got 0"),
    ({"min_p": -0.1}, "min_p must be a number from 0"),
    ({"repetition_penalty": 0}, "repetition_penalty must be a number above 0"),
])
def test_a_setting_outside_its_range_is_answered_with_the_range(setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        Sampling(**setting)


def test_top_k_above_the_vocabulary_names_the_vocabulary():
    with pytest.raises(ValueError, match="whole number from 1 to 10, the size of the vocabulary; got 11"):
        Sampling(top_k=11).adjust(make(1, 10))
