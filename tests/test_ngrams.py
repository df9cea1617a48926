"""ngrams.py: probabilities that sum to one, the textbook formula, and what counting cannot do."""

import math
from collections import Counter
from itertools import islice, pairwise, product

import pytest

from llmkit.ngrams import AddAlpha, NGram, zipf_exponent
from llmkit.tales import tales

ROWS = [[0, 1, 2, 3, 1], [0, 1, 2, 1, 4], [0, 2, 3, 3]]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_sum_to_one_after_every_context_seen_or_not(order):
    model = NGram(order, vocab_size=6).fit(ROWS)
    for context in ((0,), (0, 1), (1, 2), (5,), (4, 4, 4), (3, 1, 2, 3), ()):
        assert sum(model.probability(context, token) for token in range(6)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("make", [lambda n: NGram(n, 6), lambda n: AddAlpha(n, 6, 0.3)])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_all_probabilities_at_once_are_those_of_one_at_a_time_to_the_last_bit(make, order):
    model = make(order).fit(ROWS)
    for context in ((0, 0, 0, 0), (0, 0, 0, 1), (3, 1, 2, 3), (0, 1, 2, 1), (5, 5, 5, 5), (4, 0, 1, 2)):
        assert model.probabilities(context) == [model.probability(context, token) for token in range(6)]


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


def test_a_trigram_is_the_formula_with_the_bigram_of_different_words_below_it():
    """P3 from counts of three; P2 and P1 inside it from the number of different tokens before; 1 / V below all."""
    model, d, vocab = NGram(3, vocab_size=5).fit(ROWS), 0.75, 5
    threes = Counter(run for row in ROWS for run in zip([row[0], *row], row, row[1:], strict=False))
    twos = Counter(run[1:] for run in threes)  # each with how many different tokens stood before it
    ones = Counter(second for _, second in twos)

    def step(counts, shorter):
        """Equation 1.10 for one context: `counts` of what followed it."""
        total = sum(counts.values())
        return [(max(counts.get(w, 0) - d, 0) + d * len(counts) * shorter[w]) / total if total else shorter[w] for w in range(vocab)]

    alone = step(ones, [1 / vocab] * vocab)
    for h in product(range(5), repeat=2):
        after_one = step({w: count for (first, w), count in twos.items() if first == h[1]}, alone)
        expected = step({run[2]: count for run, count in threes.items() if run[:2] == h}, after_one)
        assert [model.probability(h, w) for w in range(vocab)] == pytest.approx(expected, abs=1e-12)


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

    seen, held = ([read(tale) for tale in islice(tales(split, 4), number)] for split, number in (("train", 500), ("test", 40)))
    losses = []
    for order in (1, 2, 3):
        model = NGram(order, len(words) + 1).fit(seen)
        losses.append(sum(sum(model.surprisals(row)) for row in held) / len(held))
    floor = -sum(tale.log_probability for tale in islice(tales("test", 4), 40)) / 40
    assert losses[0] > losses[1] > losses[2] > 3 * floor


@pytest.mark.parametrize(("order", "vocab", "discount", "says"), [(0, 5, 0.5, "at least 1"), (2, 5, 1.0, "between 0 and 1")])
def test_impossible_settings_are_refused_in_a_sentence(order, vocab, discount, says):
    with pytest.raises(ValueError, match=says):
        NGram(order, vocab, discount)


def test_a_model_that_has_counted_nothing_says_so():
    with pytest.raises(ValueError, match="fit"):
        NGram(2, 5).fit([]).best((1,))


# ---- what lesson 01 displays ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda n: NGram(n, 5), lambda n: AddAlpha(n, 5, 0.3)])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_chances_of_all_texts_of_a_length_sum_to_one_by_the_chain_rule(make, order):
    """A product of conditionals is a distribution over texts, and its logarithm is minus the sum of the surprise."""
    model = make(order).fit(ROWS)
    total = 0.0
    for rest in product(range(5), repeat=3):
        row = (0, *rest)
        padded = (0,) * (order - 1) + row
        chance = math.prod(model.probability(padded[: order + t], padded[order + t]) for t in range(3))
        assert chance == pytest.approx(math.exp(-sum(model.surprisals(row))), rel=1e-12)
        total += chance
    assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_what_stands_further_back_than_the_order_changes_nothing(order):
    for model in (NGram(order, 6).fit(ROWS), AddAlpha(order, 6).fit(ROWS)):
        for token in range(6):
            near = (1, 2, 3, 1)[4 - (order - 1) :]
            assert model.probability((5, 4, *near), token) == model.probability((0, 2, 2, *near), token)


def test_the_ratio_of_counts_makes_what_was_counted_likeliest():
    """P(w|h) = C(hw)/C(h): no other numbers that sum to 1 give the counted pairs a higher probability."""
    pairs = Counter(pair for row in ROWS for pair in pairwise(row))
    for h in {first for first, _ in pairs}:
        counts = {w: count for (first, w), count in pairs.items() if first == h}
        total = sum(counts.values())
        best = sum(count * math.log(count / total) for count in counts.values())
        for w in counts:
            moved = {x: (count + (0.2 if x == w else 0)) / (total + 0.2) for x, count in counts.items()}
            assert sum(counts[x] * math.log(moved[x]) for x in counts) <= best + 1e-12
            assert AddAlpha(2, 5, 1e-12).fit(ROWS).probability((h,), w) == pytest.approx(counts[w] / total, abs=1e-10)


@pytest.mark.parametrize("alpha", [0.01, 1.0, 7.0])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_adding_alpha_is_the_ratio_after_as_many_imagined_words(alpha, order):
    model, vocab = AddAlpha(order, 5, alpha).fit(ROWS), 5
    seen = Counter(tuple(row[0] if t < 0 else row[t] for t in range(place - order + 1, place + 1))
                   for row in ROWS for place in range(1, len(row)))  # fmt: skip
    for context in product(range(5), repeat=order - 1):
        total = sum(count for run, count in seen.items() if run[:-1] == context)
        chances = [model.probability(context, w) for w in range(vocab)]
        assert chances == pytest.approx([(seen[*context, w] + alpha) / (total + alpha * vocab) for w in range(vocab)], abs=1e-12)
        assert sum(chances) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.7])
def test_the_exponent_of_a_power_law_is_found_again(exponent):
    counts = [1e9 / rank**exponent for rank in range(1, 3000)]
    assert zipf_exponent(counts) == pytest.approx(exponent, abs=1e-10)
    assert zipf_exponent(reversed(counts), (3, 50)) == pytest.approx(exponent, abs=1e-10)


def test_what_cannot_be_smoothed_or_fitted_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="above 0"):
        AddAlpha(2, 5, alpha=0)
    with pytest.raises(ValueError, match="context of 2 ids"):
        AddAlpha(3, 5).fit(ROWS).probability((1,), 2)
    with pytest.raises(ValueError, match="two counts above 0"):
        zipf_exponent([5, 3, 1])
