"""The solutions of lesson 08 against independent formulas, and mistakes written another way."""

import math

import pytest
import torch

from llmkit import attention, positions
from llmkit.exercises import check
from llmkit.exercises import lesson_08_mistakes as wrong
from llmkit.exercises.card import message
from llmkit.exercises.lesson_08 import add_positions, distance_profile, equivariance_gap, four_terms, walk


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(3, 4), (2, 9, 16), (2, 3, 5, 6)])
def test_what_is_added_is_the_books_own_table(shape):
    embeddings = randn(*shape)
    added = add_positions(embeddings) - embeddings
    torch.testing.assert_close(added, positions.sinusoidal(*shape[-2:]).double().expand(shape), rtol=0, atol=1e-6)


def test_the_gap_is_zero_for_plain_attention_and_not_for_causal_attention():
    x, order = randn(2, 6, 8), torch.tensor([3, 0, 5, 4, 1, 2])
    for mask, is_blind in ((None, True), (attention.causal_mask(6), False)):
        one, other = (attention.attend(given, given, given, mask).output for given in (x, x[:, order]))
        assert ((equivariance_gap(one, other, order) < 1e-12) == is_blind).all()


@pytest.mark.parametrize("places", [1, 7, -3])
def test_walking_reaches_the_rows_of_the_table(places):
    table = positions.sinusoidal(40, 12).double()
    walked = walk(table[10:20], positions.frequencies(12), torch.tensor(float(places)))
    torch.testing.assert_close(walked, table[10 + places : 20 + places], rtol=0, atol=1e-6)


def test_the_profile_of_the_papers_table_is_the_sum_of_cosines():
    profile = distance_profile(positions.sinusoidal(20, 8).double())
    expected = torch.stack([(k * positions.frequencies(8)).cos().sum() for k in range(20)])
    torch.testing.assert_close(profile, expected, rtol=0, atol=1e-5)


def test_the_four_terms_add_up_to_the_scores():
    words, places, w_query, w_key = randn(2, 5, 8), randn(5, 8, seed=1), randn(8, 4, seed=2), randn(8, 4, seed=3)
    x = words + places
    scores = attention.scaled_dot_score(x @ w_query, x @ w_key)
    torch.testing.assert_close(sum(four_terms(words, places, w_query, w_key)), scores, rtol=0, atol=1e-12)


# The same mistakes, in other words ------------------------------------------------------------------


def typed_from_a_tutorial(embeddings):
    tokens, width = embeddings.shape[-2:]
    table = torch.zeros(tokens, width, dtype=torch.float64)
    for place in range(tokens):
        for i in range(0, width, 2):
            table[place, i] = math.sin(place / 10000 ** (2 * i / width))
            table[place, i + 1] = math.cos(place / 10000 ** (2 * (i + 1) / width))
    return embeddings + table


def divided_by_the_divisor(embeddings):
    width = embeddings.shape[-1]
    divisor = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width)).double()
    place = torch.arange(embeddings.shape[-2])[:, None]
    table = torch.zeros(embeddings.shape[-2:], dtype=torch.float64)
    table[:, 0::2], table[:, 1::2] = torch.sin(place / divisor), torch.cos(place / divisor)
    return embeddings + table


def gap_by_undoing(outputs, shuffled_outputs, order):
    return (shuffled_outputs[..., order, :] - outputs).abs().amax((-2, -1))


def walked_by_matrix(rows, frequencies, places):
    cos, sin = (places * frequencies).cos(), (places * frequencies).sin()
    turn = torch.block_diag(*torch.stack([cos, sin, -sin, cos], -1).view(-1, 2, 2))
    return rows @ turn  # the transpose is forgotten


@pytest.mark.parametrize(
    "number, function, mistake",
    [
        ("08.1", typed_from_a_tutorial, wrong.a_frequency_per_column),
        ("08.2", gap_by_undoing, wrong.inverse_order),
        ("08.3", walked_by_matrix, wrong.backwards),
    ],
)
def test_a_mistake_is_named_however_it_is_written(number, function, mistake):
    assert check(number, function).paragraphs[0] == message(mistake)


def test_the_multiplied_formula_is_not_taken_for_right():
    assert check("08.1", divided_by_the_divisor).outcome == "incorrect"
