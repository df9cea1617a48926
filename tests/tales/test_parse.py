"""From a text back to the choices behind it."""

import math
from itertools import islice

import pytest

from llmkit.tales import log_probability, parse, tales
from llmkit.tales.parse import Fit, Frontier, derivations, readings
from llmkit.tales.plots import PLOTS

TALES = list(islice(tales("all", seed=3), 600))


def test_every_tale_parses_back_to_itself_with_the_same_probability():
    for tale in TALES:
        again = parse(tale.text)
        assert again == tale
        assert abs(again.log_probability - tale.log_probability) < 1e-9


def test_no_text_has_a_second_derivation():
    for tale in TALES[:300]:
        assert len(list(readings(tale.text))) == 1


def test_the_probability_of_a_tale_is_the_product_over_its_choices():
    tale = TALES[0]
    assert log_probability(tale.text) == pytest.approx(tale.log_probability, abs=1e-9)
    assert tale.log_probability < -25
    assert dict(tale.choices)["plot"] in {plot.name for plot in PLOTS}


def test_every_choice_shows_in_the_text():
    """Two tales with different choices have different texts."""
    by_choices = {tale.choices: tale.text for tale in TALES}
    assert len(by_choices) == len(set(by_choices.values())) == len(TALES)


@pytest.mark.parametrize("tale", TALES[:20])
def test_a_word_that_does_not_fit_is_named(tale):
    words = tale.text.split(" ")
    for place in (len(words) // 3, len(words) // 2, len(words) - 3):
        changed = " ".join([*words[:place], "xylophone", *words[place + 1 :]])
        with pytest.raises(ValueError, match=f"'xylophone' at character {len(' '.join(words[:place])) + 1} does not fit"):
            parse(changed)
        assert log_probability(changed) == -math.inf


@pytest.mark.parametrize("tale", TALES[:20])
def test_a_tale_that_contradicts_itself_is_refused(tale):
    """Another color at the end than at the beginning: each word fits its sentence, but not the story."""
    color = dict(tale.choices)["color"]
    head, found, tail = tale.text.rpartition(f" {color} ")
    if found and f" {color} " in head:
        other = "red" if color != "red" else "blue"
        with pytest.raises(ValueError, match=f"'{other}' at character {len(head) + 1} does not fit"):
            parse(f"{head} {other} {tail}")


@pytest.mark.parametrize("text", ["", "Once upon a time.", "   ", "\n", "诺拉", "Nora", "Nora the fox"])
def test_a_text_that_is_no_tale_is_refused(text):
    with pytest.raises(ValueError, match="This is no"):
        parse(text)
    assert log_probability(text) == -math.inf


def test_half_a_tale_is_refused_with_where_it_stops():
    half = TALES[0].text[: len(TALES[0].text) // 2].rsplit(" ", 1)[0]
    with pytest.raises(ValueError, match=f"stops at character {len(half)}"):
        parse(half)


def test_a_tale_with_more_after_its_end_is_refused():
    with pytest.raises(ValueError, match="'And' at character"):
        parse(TALES[0].text + " And they lived happily.")


def test_the_second_character_cannot_be_of_the_same_kind_as_the_first():
    tale = next(tale for tale in TALES if tale.topic == "a race")
    choices = dict(tale.choices)
    with pytest.raises(ValueError, match="does not fit"):
        parse(tale.text.replace(f"the {choices['B_kind']}", f"the {choices['A_kind']}"))


def test_a_recalled_word_is_the_only_one_that_fits_there():
    """At a marked place the story so far leaves one word, whatever was chosen before."""
    for tale in TALES[:200]:
        for recall in tale.recalls:
            frontier = Frontier()
            for plot in PLOTS:
                list(derivations(tale.text[: recall.start] + "?", plot.parts, Fit(0, {}, {}, {}), frontier))
            first = tale.text[recall.start : recall.end].split()[0]
            assert frontier.position == recall.start
            assert frontier.expected == {first}, tale.text
