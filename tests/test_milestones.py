"""The timeline's facts: in order, each with a source that stands in the book's references, estimates marked."""

import re
from pathlib import Path

import pytest

from llmkit.milestones import KINDS, MILESTONES, find

ROOT = Path(__file__).parents[1]
KEYS = set(re.findall(r"^@\w+\{([^,]+),", (ROOT / "book" / "references.bib").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("one", MILESTONES, ids=lambda one: one.name)
def test_every_milestone_has_a_source_in_the_references(one):
    assert one.source in KEYS and one.url.startswith("https://")
    assert not one.given_by or (one.given_by in KEYS and one.published is not None)
    assert re.fullmatch(r"(19|20)\d\d(-(0[1-9]|1[0-2]))?", one.when) and one.kind in KINDS
    assert one.what.endswith(".") and "!" not in one.what


def test_they_stand_in_order_and_each_once():
    assert [one.year for one in MILESTONES] == sorted(one.year for one in MILESTONES)
    assert len({one.name for one in MILESTONES}) == len(MILESTONES)


def test_what_is_published_is_never_estimated_and_an_estimate_is_six_times_parameters_times_tokens():
    assert not find("GPT-3").is_estimate and find("PaLM").is_estimate
    assert find("PaLM").compute == pytest.approx(6 * 540e9 * 780e9)
    assert find("DeepSeek-V3").compute == pytest.approx(6 * 37e9 * 14.8e12)  # the part at work
    assert find("GPT-4").compute is None and find("GPT-4").parameters is None and not find("GPT-4").is_estimate


@pytest.mark.parametrize("name", ["GPT-3", "Gopher", "Chinchilla", "Llama 3.1 (405B)"])
def test_where_both_are_known_the_estimate_is_within_a_fifth_of_what_was_published(name):
    one = find(name)
    assert 6 * one.parameters * one.tokens == pytest.approx(one.published, rel=0.2)


def test_dates_that_are_often_mixed_up():
    order = [find(name).year for name in ("Transformer (big)", "GPT", "BERT (large)", "GPT-2", "Turing-NLG", "GPT-3")]
    assert order == sorted(order)
    assert find("Jordan network").year < 1990 and find("Hopfield network").year < 1990 and find("Perceptron").year < 1980


def test_a_name_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(ValueError, match=r"There is no milestone 'HAL'\. They are Perceptron"):
        find("HAL")
