"""The story language: rich enough, within its bounds, and told apart without doubt."""

import math
import re
import statistics
from collections import Counter
from itertools import islice

import pytest
from language import bounds, rivals, tellable

from llmkit.tales import entropy, expected_tokens, parse, tales, tokens, words
from llmkit.tales.entropy import plot_sums
from llmkit.tales.grammar import Say
from llmkit.tales.plots import PLOTS
from llmkit.tales.slots import SLOTS

MANY = 3000


@pytest.fixture(scope="module")
def many():
    return list(islice(tales("all", seed=11), MANY))


def test_the_language_is_as_rich_as_promised():
    assert len(PLOTS) >= 8
    assert len(words.NAMES) >= 40 and len(words.KINDS) >= 30
    assert len(words.PLACES) >= 25 and len(words.THINGS) >= 60
    assert 600 <= len({word.lower() for word in every_token()}) <= 1200


def every_token() -> set[str]:
    """Every token that any tale can hold."""
    lines = [line for plot in PLOTS for part in plot.all_parts() if isinstance(part, Say) for line in part.lines]
    said = {token for line in lines for piece, is_slot in line.pieces if not is_slot for token in tokens(piece)}
    keys = {piece for line in lines for piece, is_slot in line.pieces if is_slot}
    forms = [forms[key] for slot in SLOTS for forms in slot.english.values() for key in keys & forms.keys()]
    return said | {token for form in forms for token in tokens(form)}


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_no_tale_of_a_plot_can_be_shorter_than_60_tokens_or_longer_than_160(plot):
    low, high = bounds(plot.parts)
    assert 60 <= low < high <= 160


def test_two_lines_between_which_a_choice_decides_never_begin_alike():
    pairs = list(rivals())
    assert len(pairs) > 500
    assert [pair for pair in pairs if not tellable(*pair[1:])] == []


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.name)
def test_words_of_a_list_have_equally_many_tokens_and_none_begins_another(slot):
    for key in slot.keys:
        forms = [tuple(tokens(forms[key])) for forms in slot.english.values()]
        assert len({len(form) for form in forms}) == 1
        if key == slot.name:
            assert len(set(forms)) == len(forms)


def test_the_exact_entropy_agrees_with_the_mean_over_many_tales(many):
    surprise = [-tale.log_probability for tale in many]
    error = statistics.stdev(surprise) / math.sqrt(MANY)
    assert error < 0.1
    assert abs(statistics.mean(surprise) - entropy()) < 4 * error


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_the_exact_entropy_of_each_plot_agrees_with_its_tales(plot, many):
    surprise = [-tale.log_probability - math.log(len(PLOTS)) for tale in many if tale.topic == plot.topic]
    error = statistics.stdev(surprise) / math.sqrt(len(surprise))
    assert abs(statistics.mean(surprise) - plot_sums(plot).nats) < 4.5 * error  # ten plots are looked at


def test_the_expected_length_agrees_with_the_mean_over_many_tales(many):
    lengths = [len(tokens(tale.text)) for tale in many]
    assert abs(statistics.mean(lengths) - expected_tokens()) < 4 * statistics.stdev(lengths) / math.sqrt(MANY)


def test_what_training_can_show_has_less_entropy_than_the_whole_language():
    assert entropy(seen=True) == pytest.approx(entropy(), abs=0.2)
    assert entropy(seen=True) < entropy()


def test_every_tale_is_whole(many):
    for tale in many:
        assert 60 <= len(tokens(tale.text)) <= 160
        assert " ".join(tale.sentences) == tale.text
        assert not re.search(r"[{}\[\]~|_<>]|  ", tale.text + tale.translation + tale.summary)
        assert all(sentence[0].isupper() or sentence[0] == '"' for sentence in tale.sentences)
        assert all(re.search(r'[.?]"?$', sentence) for sentence in (*tale.sentences, tale.summary))
        assert tale.sentiment in ("positive", "negative")
        assert tale.topic in {plot.topic for plot in PLOTS}


def test_a_and_an_stand_where_they_should(many):
    for tale in many:
        assert not re.search(r"\ba [aeiou]|\ban (?!hour)[^aeiou]", tale.text)


def test_quotation_marks_open_and_close_within_two_sentences(many):
    for tale in many:
        assert tale.text.count('"') % 2 == 0
        assert tale.translation.count("“") == tale.translation.count("”")


def test_every_pronoun_has_exactly_one_character_to_stand_for(many):
    she, he = ({person.name for person in people} for people in (words.WOMEN, words.MEN))
    for tale in many:
        said = set(tokens(tale.text))
        assert len(said & she) == 1 and len(said & he) == 1


def test_plots_and_endings_are_mixed(many):
    assert min(Counter(tale.topic for tale in many).values()) > MANY / len(PLOTS) * 0.75
    assert 0.35 < statistics.mean(tale.sentiment == "negative" for tale in many) < 0.5


def test_a_tale_drawn_before_is_not_drawn_again(many):
    assert len({tale.text for tale in many}) == MANY


def test_a_stream_does_not_grow_in_memory():
    import tracemalloc

    stream = tales("train", seed=5)
    for _ in islice(stream, 500):
        pass
    tracemalloc.start()
    for _ in islice(stream, 2000):
        pass
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 200_000  # bytes; 2,000 tales together would take many megabytes


def test_the_figures_and_samples_in_the_readme_are_those_of_the_language():
    from pathlib import Path

    readme = (Path(words.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert f"{entropy():.4f} nats per tale" in readme and f"{expected_tokens():.2f} tokens on average" in readme
    for tale in islice(tales("train", seed=2026), 10):
        assert tale.text in readme and tale.translation in readme
        assert parse(tale.text) == tale
