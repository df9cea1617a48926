"""The solutions of lesson 03 against the book's own functions, and mistakes written another way."""

from collections import Counter
from itertools import pairwise

import pytest
import torch

from llmkit.exercises import check
from llmkit.exercises import lesson_03_mistakes as wrong
from llmkit.exercises.card import message
from llmkit.exercises.lesson_03 import best_pair, count_characters, merge, nearest, table_gradient
from llmkit.pair_counts import PairCounts, merge_pair
from llmkit.tokenization import BPE, byte_letters, to_letters


@pytest.mark.parametrize("text", ["", "kite", "风筝在哪里？", "🪁 é\u0301 👩‍👩‍👧", "naïve Ünïcode", "أين"])
def test_characters_are_those_of_python(text):
    data = torch.tensor(list(text.encode()), dtype=torch.int64)
    assert int(count_characters(data)) == len(text)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_pair_and_the_merge_are_those_of_the_book(seed):
    generator = torch.Generator().manual_seed(seed)
    words, counts = torch.randint(5, (20, 7), generator=generator), torch.randint(1, 9, (20,), generator=generator)
    pair, _ = PairCounts(words.tolist(), counts.tolist()).best()
    assert tuple(best_pair(words, counts).tolist()) == pair
    merged = merge(words, torch.tensor(pair), torch.tensor(99))
    for row, word in zip(merged.tolist(), words.tolist(), strict=True):
        assert [token for token in row if token >= 0] == merge_pair(word, pair, 99)


def test_both_in_a_loop_learn_the_merges_of_the_book():
    text = "low low low lower lowest newer newest"
    names = sorted(byte_letters())
    words = [[names.index(letter) for letter in to_letters(word)] for word in ["low", *[" low"] * 2, " lower", " lowest", " newer", " newest"]]
    tokens = torch.tensor([word + [-1] * (8 - len(word)) for word in words])
    for step in BPE.steps(text):
        left, right = best_pair(tokens, torch.ones(len(words))).tolist()
        assert (names[left], names[right]) == (step.left, step.right)
        names.append(step.left + step.right)
        tokens = merge(tokens, torch.tensor([left, right]), torch.tensor(len(names) - 1))


def test_nearest_is_the_row_with_the_largest_cosine():
    generator = torch.Generator().manual_seed(0)
    queries, rows = torch.randn(3, 4, 6, generator=generator), torch.randn(20, 6, generator=generator)
    cosines = torch.nn.functional.cosine_similarity(queries[..., None, :], rows, dim=-1)
    assert torch.equal(nearest(queries, rows), cosines.argmax(-1))


def test_the_gradient_of_the_table_is_that_of_autograd():
    generator = torch.Generator().manual_seed(1)
    ids, grad = torch.randint(6, (2, 3, 4), generator=generator), torch.randn(2, 3, 4, 5, generator=generator)
    table = torch.randn(6, 5, generator=generator, requires_grad=True)
    expected = torch.autograd.grad(table[ids], table, grad)[0]
    torch.testing.assert_close(table_gradient(ids, grad, table.detach()), expected)


# The same mistakes, in other words ------------------------------------------------------------------


def indexed_plus_equals(ids, grad_output, table):
    grad = torch.zeros_like(table)
    grad[ids.flatten()] += grad_output.flatten(0, -2)
    return grad


def replaced_by_slices(tokens, pair, new):
    rows = tokens.reshape(-1, tokens.shape[-1]).tolist()
    for row in rows:
        for at in range(len(row) - 1):
            if row[at : at + 2] == pair.tolist():
                row[at : at + 2] = [int(new), -1]
    return torch.tensor(rows).reshape(tokens.shape)


def counter_without_counts(words, counts):
    pairs = Counter(pair for row in words.reshape(-1, words.shape[-1]).tolist() for pair in pairwise(row) if min(pair) >= 0)
    return torch.tensor(min(pairs, key=lambda pair: (-pairs[pair], pair)))


@pytest.mark.parametrize("number, function, mistake", [
    ("03.1", lambda data: data.ge(128).sum(-1), wrong.every_high_byte),
    ("03.1", lambda data: torch.as_tensor(data[..., 0] * 0 + len(data[0] if data.ndim == 2 else data.flatten(0, -2)[0] if data.ndim > 1 else data)), wrong.bytes_counted),
    ("03.2", counter_without_counts, wrong.counts_ignored),
    ("03.3", replaced_by_slices, wrong.gaps_left),
    ("03.4", lambda queries, rows: torch.cdist(queries, rows.expand(*queries.shape[:-2], *rows.shape)).argmin(-1), wrong.by_distance),
    ("03.5", indexed_plus_equals, wrong.last_one_wins),
])  # fmt: skip
def test_a_mistake_is_named_however_it_is_written(number, function, mistake):
    assert check(number, function).paragraphs[0] == message(mistake)
