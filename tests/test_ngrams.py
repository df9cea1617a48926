"""ngrams.py: probabilities that sum to one, the textbook formula, and what counting cannot do."""

import math
from collections import Counter
from itertools import islice, pairwise

import pytest

from llmkit.ngrams import NGram
from llmkit.tales import tales

ROWS = [[0, 1, 2, 3, 1], [0, 1, 2, 1, 4], [0, 2, 3, 3]]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_sum_to_one_after_every_context_seen_or_not(order):
    model = NGram(order, vocab_size=6).fit(ROWS)
    for context in ((0,), (0, 1), (1, 2), (5,), (4, 4, 4), (3, 1, 2, 3), ()):
        assert sum(model.probability(context, token) for token in range(6)) == pytest.approx(1, abs=1e-12)


def test_a_bigram_is_the_formula_of_the_textbook():
    """P(w|h) = max(c(hw) - d, 0)/c(h) + d N(h.)/c(h) P(w), and P(w) from the number of different tokens before w."""
    model, d, vocab = NGram(2, vocab_size=5).fit(ROWS), 0.75, 5
    pairs = Counter(pair for row in ROWS for pair in pairwise(row))
    firsts, kinds = Counter(), Counter()
    for (first, second), count in pairs.items():
        firsts[first] += count
        kinds[second] += 1
    for h in (0, 1, 2, 3):
        after = {second for first, second in pairs if first == h}
        for w in range(vocab):
            alone = max(kinds[w] - d, 0) / len(pairs) + d * len(kinds) / len(pairs) / vocab
            expected = max(pairs[h, w] - d, 0) / firsts[h] + d * len(after) / firsts[h] * alone
            assert model.probability((h,), w) == pytest.approx(expected, abs=1e-12)


def test_surprisals_are_those_of_the_probabilities_and_the_first_token_is_given():
    model = NGram(3, vocab_size=5).fit(ROWS)
    row = [0, 1, 2, 3]
    contexts = [(0, 0), (0, 1), (1, 2)]
    expected = [-math.log(model.probability(context, token)) for context, token in zip(contexts, row[1:], strict=True)]
    assert model.surprisals(row) == pytest.approx(expected)


def test_the_best_token_is_the_one_of_highest_probability():
    model = NGram(3, vocab_size=5).fit(ROWS)
    for context in ((0, 1), (1, 2), (4, 4), (9, 2)):
        assert model.best(context) == max(range(5), key=lambda token: (model.probability(context, token), -token))


def test_on_tales_a_longer_context_helps_and_none_comes_near_the_floor():
    words = {}

    def read(tale):
        return [0, *(words.setdefault(word, len(words) + 1) for word in tale.text.split())]

    seen, held = ([read(tale) for tale in islice(tales(split, 4), number)] for split, number in (("train", 1500), ("test", 40)))
    losses = []
    for order in (1, 2, 3):
        model = NGram(order, len(words) + 1).fit(seen)
        losses.append(sum(sum(model.surprisals(row)) for row in held) / len(held))
    floor = -sum(tale.log_probability for tale in islice(tales("test", 4), 40)) / 40
    assert losses[0] > losses[1] > losses[2] > 1.5 * floor


@pytest.mark.parametrize(("order", "vocab", "discount", "says"), [(0, 5, 0.5, "at least 1"), (2, 5, 1.0, "between 0 and 1")])
def test_impossible_settings_are_refused_in_a_sentence(order, vocab, discount, says):
    with pytest.raises(ValueError, match=says):
        NGram(order, vocab, discount)


def test_a_model_that_has_counted_nothing_says_so():
    with pytest.raises(ValueError, match="fit"):
        NGram(2, 5).fit([]).best((1,))
