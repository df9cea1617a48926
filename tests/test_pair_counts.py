"""The merge loop: counts that are kept up to date equal counts taken afresh."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from llmkit.pair_counts import PairCounts, count_words, learn, merge_pair


@pytest.mark.parametrize("seed", range(5))
def test_counts_after_many_merges_equal_counts_taken_afresh(seed):
    random = Random(seed)
    words = [random.choices(range(4), k=random.randint(1, 12)) for _ in range(40)]
    counts = [random.randint(1, 9) for _ in words]
    spelled = ["".join("abcd"[token] for token in word) for word in words]
    pairs = PairCounts([list(word) for word in words], counts)
    names = list("abcd")
    for left, right, name, count in learn(pairs, names, 30, 1):
        names.append(name)
        assert name == names[left] + names[right] and count > 0
        fresh, singles = Counter(), Counter()
        for word, times in zip(pairs.words, counts, strict=True):
            for pair in pairwise(word):
                fresh[pair] += times
            for token in word:
                singles[token] += times
        assert +pairs.pairs == fresh  # + drops the pairs that are gone
        assert +pairs.singles == singles
        assert ["".join(names[token] for token in word) for word in pairs.words] == spelled
    assert len(names) == 34


def test_overlapping_pairs_merge_from_the_left():
    assert merge_pair([1] * 5, (1, 1), 9) == [9, 9, 1]
    assert merge_pair([], (1, 1), 9) == []


def test_words_are_counted_over_a_stream_of_texts():
    assert count_words(iter(["a b", "a"]), str.split) == {"a": 2, "b": 1}
    with pytest.raises(ValueError, match="Was an iterator used up before"):
        count_words(iter([]), str.split)
