"""Near copies: estimates against exact Jaccard, and the bands against their formula."""

import zlib
from itertools import combinations, islice
from random import Random

import pytest

from llmkit.corpora import (
    MinHash,
    NearCopies,
    candidate_probability,
    jaccard,
    python_docs,
    shingles,
    similarity,
)
from llmkit.corpora.near import PRIME


def overlapping(share: float, size: int, seed: int) -> tuple[set[str], set[str]]:
    """Two sets of `size` random words whose Jaccard similarity is `share`, nearly."""
    random = Random(seed)
    both = round(2 * size * share / (1 + share))
    words = [f"{random.getrandbits(60):x}" for _ in range(2 * size - both)]
    return set(words[:size]), set(words[size - both:])


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_estimate_lies_within_four_standard_errors_of_jaccard(share):
    hashes = MinHash(512)
    for seed in range(5):
        first, second = overlapping(share, 200, seed)
        exact = jaccard(first, second)
        error = (exact * (1 - exact) / 512) ** 0.5
        assert abs(similarity(hashes.signature(first), hashes.signature(second)) - exact) <= 4 * error


def test_a_signature_is_the_smallest_hash_taken_with_plain_integers():
    hashes, pieces = MinHash(16, seed=3), shingles("One cold afternoon Daisy the raccoon heard her neighbor. 风筝 🪁")
    slopes, shifts = hashes.slope[:, 0].tolist(), hashes.shift[:, 0].tolist()
    expected = [
        min((slope * (zlib.crc32(piece.encode()) % PRIME) + shift) % PRIME for piece in pieces)
        for slope, shift in zip(slopes, shifts, strict=True)
    ]
    assert hashes.signature(pieces).tolist() == expected


def test_pairs_become_candidates_as_often_as_the_formula_says():
    pairs, share = 200, 0.5
    found = 0
    for seed in range(pairs):
        first, second = overlapping(share, 60, seed)
        hashes = MinHash(32, seed)
        bands = zip(hashes.signature(first).split(4), hashes.signature(second).split(4), strict=True)
        found += any(one.equal(other) for one, other in bands)
    expected = candidate_probability(share, bands=8, rows=4)
    assert abs(found / pairs - expected) < 4 * (expected * (1 - expected) / pairs) ** 0.5


def test_on_real_text_every_near_copy_is_found_and_nothing_else():
    sections = list(islice(python_docs(), 80))
    pieces = [shingles(section.text) for section in sections]
    exact = {pair: jaccard(pieces[pair[0]], pieces[pair[1]]) for pair in combinations(range(len(pieces)), 2)}
    copies = NearCopies(threshold=0.7)
    found = {number: copies.find(section.text) for number, section in enumerate(sections)}
    for number, earlier in found.items():
        best = max((exact[other, number] for other in range(number)), default=0.0)
        if earlier is None:
            assert best < 0.85  # the threshold and four standard errors
        else:
            assert exact[earlier, number] > 0.55
    assert sum(earlier is not None for earlier in found.values()) >= 3


def test_a_copy_of_a_copy_points_to_the_first():
    copies = NearCopies()
    text = "Nora the fox woke early, because it was the day of the fair, and the sun was out."
    assert [copies.find(text), copies.find("Something else entirely, said the bear."), copies.find(text), copies.find(text + "!")] == [None, None, 0, 0]


def test_short_empty_and_broken_texts_have_shingles_too():
    assert shingles("") == {""} and shingles("Ab") == {"ab"} and jaccard(set(), set()) == 1.0
    assert NearCopies().find("\ud800") is None
    with pytest.raises(ValueError, match="above 0 and at most 1; got 0"):
        NearCopies(threshold=0)
