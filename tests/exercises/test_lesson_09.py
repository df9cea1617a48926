"""The solutions of lesson 09 against independent formulas, and mistakes written another way."""

import cmath
import math

import pytest
import torch

from llmkit import positions
from llmkit.exercises import check
from llmkit.exercises import lesson_09_mistakes as wrong
from llmkit.exercises.card import message
from llmkit.exercises.lesson_09 import add_alibi, buckets, neighbors_to_halves, new_angles, rotate


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("heads", [1, 4, 6])
def test_the_lines_are_the_books_own(heads):
    scores = randn(2, 7, 7)
    for slope, bias in zip(positions.alibi_slopes(heads).double(), positions.alibi_bias(heads, 7, 7).double(), strict=True):
        torch.testing.assert_close(add_alibi(scores, slope), scores + bias, rtol=0, atol=1e-6)


def test_each_pair_is_a_complex_number_that_is_turned():
    vectors, speeds = randn(3, 6), positions.frequencies(6)
    turned = rotate(vectors, torch.tensor([4.0, 9.0, 17.0]), speeds)
    for row, place in enumerate((4, 9, 17)):
        for j in range(3):
            expected = complex(*vectors[row, 2 * j : 2 * j + 2]) * cmath.exp(1j * place * speeds[j].item())
            assert complex(*turned[row, 2 * j : 2 * j + 2]) == pytest.approx(expected, abs=1e-12)


def test_only_pairs_that_did_not_come_round_have_new_angles():
    new = new_angles(positions.frequencies(8), torch.tensor(32.0), torch.tensor(128.0))
    assert new.tolist() == pytest.approx([0, 9.6, 0.96, 0.096])


def test_with_reordered_weights_one_pairing_gives_the_scores_of_the_other():
    stream, query, key = randn(5, 16), randn(16, 16, seed=1), randn(16, 16, seed=2)

    def scores(pairing, query, key):
        tables = positions.rope_tables(torch.arange(5), 8, pairing=pairing)
        q, k = ((stream @ w.T).view(5, 2, 8).transpose(0, 1) for w in (query, key))
        return positions.rope(q, *tables, pairing) @ positions.rope(k, *tables, pairing).mT

    moved = (neighbors_to_halves(w, torch.tensor(2.0)) for w in (query, key))
    torch.testing.assert_close(scores("halves", *moved), scores("neighbors", query, key), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("count", "most"), [(32, 128), (8, 20), (16, 100)])
def test_the_buckets_are_the_books_own(count, most):
    distance = torch.arange(300)
    ours = buckets(distance.double(), torch.tensor(float(count)), torch.tensor(float(most)))
    theirs = positions.relative_buckets(-distance, is_causal=True, num_buckets=count, max_distance=most)
    assert (ours - theirs).abs().max() <= 1 and (ours == theirs).double().mean() > 0.99  # a border may fall by rounding


# The same mistakes, in other words ------------------------------------------------------------------


def alibi_with_a_plus(scores, slope):
    bias = torch.zeros_like(scores)
    for i in range(scores.shape[-1]):
        for j in range(scores.shape[-1]):
            bias[..., i, j] = slope * abs(i - j)
    return scores + bias


def rotated_by_complex_conjugates(vectors, positions, frequencies):
    numbers = torch.view_as_complex(vectors.unflatten(-1, (-1, 2)).contiguous())
    turned = numbers * torch.polar(torch.ones(()).double(), -positions[:, None] * frequencies)
    return torch.view_as_real(turned).flatten(-2)


def rotate_half(vectors, positions, frequencies):
    angles = torch.cat([positions[:, None] * frequencies] * 2, -1)
    half = vectors.shape[-1] // 2
    return vectors * angles.cos() + torch.cat([-vectors[..., half:], vectors[..., :half]], -1) * angles.sin()


def ever_new_angles(frequencies, trained, length):
    return torch.relu((length - 1) * frequencies - (trained - 1) * frequencies)


def even_rows_of_all(weight, heads):
    rows = list(range(0, weight.shape[-2], 2)) + list(range(1, weight.shape[-2], 2))
    return weight[..., rows, :]


def endless(distance, num_buckets, max_distance):
    half = int(num_buckets) // 2
    steps = [
        d if d < half else half + math.floor(math.log(d / half) / math.log(max_distance / half) * half + 1e-12)
        for d in distance.flatten().tolist()
    ]
    return torch.tensor(steps, dtype=torch.float64).view_as(distance)


@pytest.mark.parametrize(
    "number, function, mistake",
    [
        ("09.1", alibi_with_a_plus, wrong.rewarded),
        ("09.2", rotated_by_complex_conjugates, wrong.backwards),
        ("09.2", rotate_half, wrong.halves),
        ("09.3", ever_new_angles, wrong.never_all_round),
        ("09.4", even_rows_of_all, wrong.across_heads),
        ("09.5", endless, wrong.no_last_bucket),
    ],
)
def test_a_mistake_is_named_however_it_is_written(number, function, mistake):
    assert check(number, function).paragraphs[0] == message(mistake)
