"""Recorded choices tell the same tale again, or one that differs in a single thing."""

from itertools import islice

import pytest

from llmkit.tales import parse, retell, tales, tokens

TALES = list(islice(tales("all", seed=41), 200))


def test_recorded_choices_tell_the_same_tale():
    for tale in TALES:
        assert retell(tale.choices) == tale


def test_a_change_of_color_changes_every_place_that_follows_from_it_and_nothing_else():
    for tale in TALES:
        color = dict(tale.choices)["color"]
        other = "red" if color != "red" else "blue"  # the same article
        twin = retell(tale.choices, color=other)
        assert parse(twin.text) == twin
        pairs = [(a, b) for a, b in zip(tokens(tale.text), tokens(twin.text), strict=True) if a != b]
        assert {b for _, b in pairs} <= {other, "a"} and {a for a, _ in pairs} <= {color, "an"}
        assert twin.log_probability == pytest.approx(tale.log_probability)


def test_a_change_of_name_changes_the_pronouns_with_it_when_both_names_change():
    tale = next(tale for tale in TALES if dict(tale.choices)["A"] in ("Nora", "Mila", "Ada", "Ruby", "Ivy", "Lucy"))
    twin = retell(tale.choices, A="Otto", B="Nora")
    assert parse(twin.text) == twin


@pytest.mark.parametrize("change, message", [
    ({"colour": "red"}, "no slot 'colour'"),
    ({"color": "mauve"}, "'mauve' is not in the list"),
    ({"plot": "war"}, "no slot 'plot'"),
])
def test_a_change_that_cannot_be_told_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        retell(TALES[0].choices, **change)


def test_two_characters_of_one_kind_are_refused():
    choices = TALES[0].choices
    with pytest.raises(ValueError, match="is not a choice for 'B_kind'"):
        retell(choices, B_kind=dict(choices)["A_kind"])
