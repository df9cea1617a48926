"""The perfect model: exact next-token probabilities, which no other model can beat."""

import math
import statistics
from itertools import islice

import pytest

from llmkit.tales import entropy, expected_tokens, next_token, surprisals, tales, tokens, words

TALES = list(islice(tales("all", seed=31), 120))


def test_what_the_tokens_cost_adds_up_to_the_probability_of_the_tale():
    for tale in TALES:
        costs = surprisals(tale.text)
        assert len(costs) == len(tokens(tale.text))
        assert min(costs) > -1e-12
        assert sum(costs) == pytest.approx(-tale.log_probability, abs=1e-9)


def test_a_recalled_token_costs_nothing():
    for tale in TALES:
        costs = surprisals(tale.text)
        assert all(costs[recall.token] == pytest.approx(0, abs=1e-9) for recall in tale.recalls)


def test_the_cost_of_a_token_is_its_probability_after_the_tokens_before_it():
    tale = TALES[0]
    costs, said = surprisals(tale.text), tokens(tale.text)
    words_at = [0, 3, 10, 40, len(said) - 1]
    starts = {index: tale.text.find(said[index], position) for index, position in zip(words_at, offsets(tale.text, words_at), strict=True)}
    for index, start in starts.items():
        assert next_token(tale.text[:start])[said[index]] == pytest.approx(math.exp(-costs[index]))


def offsets(text: str, indices: list[int]) -> list[int]:
    """Where the tokens with these numbers start."""
    found, position = [], 0
    for token in tokens(text):
        position = text.index(token, position)
        found.append(position)
        position += len(token)
    return [found[index] for index in indices]


@pytest.mark.parametrize("share", [0, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_what_can_follow_sums_to_one(share):
    for tale in TALES[:20]:
        said = tokens(tale.text)
        [start] = offsets(tale.text, [int(share * len(said))])
        assert sum(next_token(tale.text[:start]).values()) == pytest.approx(1)


def test_a_whole_tale_is_followed_by_its_end_alone():
    assert next_token(TALES[0].text) == {"": 1.0}


def test_the_kind_after_a_name_is_any_of_the_list():
    following = next_token("One warm morning, Nora the")
    assert set(following) == {kind.name for kind in words.KINDS}
    assert all(share == pytest.approx(1 / len(words.KINDS)) for share in following.values())


def test_the_mean_cost_of_a_token_is_the_entropy_of_the_language():
    total = [sum(surprisals(tale.text)) for tale in TALES]
    assert abs(statistics.mean(total) - entropy()) < 4 * statistics.stdev(total) / math.sqrt(len(total))
    assert 0.25 < entropy() / expected_tokens() < 0.4


@pytest.mark.parametrize("text", ["Once upon a time", "One warm morning, Nora the spoon"])
def test_a_beginning_of_no_tale_is_refused(text):
    for function in (surprisals, next_token):
        with pytest.raises(ValueError, match="No tale begins like this"):
            function(text)
