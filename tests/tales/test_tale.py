"""What is known about a tale: questions, facts, summary, translation, and the places that need memory."""

import re
from itertools import islice

import pytest

from llmkit.tales import SPLITS, held_out_things, parse, split_of, tales, tokens, words
from llmkit.tales.plots import PLOTS

TALES = list(islice(tales("all", seed=23), 1500))


def test_every_tale_has_five_questions_with_an_answer_and_one_without():
    for tale in TALES:
        assert sum(question.answer is not None for question in tale.questions) >= 5
        assert any(question.answer is None for question in tale.questions)


def test_an_answer_is_a_whole_word_span_of_the_text():
    for tale in TALES:
        for question in tale.questions:
            if question.answer is None:
                assert question.start is None and question.end is None
            else:
                assert tale.text[question.start : question.end] == question.answer
                assert not tale.text[question.start - 1 : question.start].isalpha()
                assert not tale.text[question.end : question.end + 1].isalpha()
            assert question.question.endswith("?")


def test_no_question_is_asked_twice_of_a_tale():
    for tale in TALES:
        assert len({question.question for question in tale.questions}) == len(tale.questions)


def test_answers_and_facts_agree_with_the_choices():
    for tale in TALES:
        choices = dict(tale.choices)
        answers = {question.question: question.answer for question in tale.questions}
        assert answers[f"What color was the {choices['thing']}?"] == choices["color"]
        assert answers[f"What kind of animal was {choices['B']}?"] == choices["B_kind"]
        assert (choices["thing"], "has the color", choices["color"]) in tale.facts
        assert len(tale.facts) >= 4


def test_the_summary_is_one_sentence_about_the_characters():
    for tale in TALES:
        choices = dict(tale.choices)
        assert len(re.findall(r"[.?]", tale.summary)) == 1
        assert (choices["A"] in tale.summary and choices["B"] in tale.summary) or "somebody" in tale.summary or "storm" in tale.summary
        assert len(tokens(tale.summary)) < len(tokens(tale.text)) / 3


def test_the_translation_is_chinese_sentence_by_sentence():
    names, colors = ({word.name: word.chinese[""] for word in options} for options in (words.NAMES, words.COLORS))
    for tale in TALES:
        assert len(tale.chinese) == len(tale.sentences)
        for english, translated in zip(tale.sentences, tale.chinese, strict=True):
            assert re.fullmatch(r"[\u4e00-\u9fff，。？“”：、]+", translated)
            assert translated[-1] in "。？”"
            for token in set(tokens(english)) & colors.keys():
                assert colors[token] in translated
        for name in set(tokens(tale.text)) & names.keys():
            assert names[name] in tale.translation


def test_recalled_places_lie_at_least_thirty_tokens_from_where_their_words_were_last_said():
    found = 0
    for tale in TALES:
        for recall in tale.recalls:
            found += 1
            said = tale.text[recall.start : recall.end]
            assert tale.text[recall.source :].startswith(said)
            assert f" {said}" not in tale.text[recall.source + 1 : recall.start - 1]
            assert recall.token == len(tokens(tale.text[: recall.start]))
            assert recall.source_token == len(tokens(tale.text[: recall.source]))
            assert recall.token - recall.source_token >= 30
    assert found > len(TALES)


def test_every_plot_has_places_that_need_memory():
    assert {tale.topic for tale in TALES if tale.recalls} == {plot.topic for plot in PLOTS}
    assert {"color", "place", "day"} <= {recall.about for tale in TALES for recall in tale.recalls}


def test_a_tale_cannot_be_changed():
    with pytest.raises(AttributeError):
        TALES[0].text = "another"


def test_the_same_seed_tells_the_same_tales():
    assert list(islice(tales("test", seed=4), 5)) == list(islice(tales("test", seed=4), 5))
    assert next(tales("test", seed=4)) != next(tales("test", seed=5))


def test_a_split_of_another_name_is_refused():
    with pytest.raises(ValueError, match="train, validation, test, compositional"):
        next(tales("dev"))


def test_no_tale_is_in_two_splits_and_the_same_seed_gives_disjoint_ones():
    seen = {split: {tale.text for tale in islice(tales(split, seed=9), 150)} for split in SPLITS}
    assert len(set.union(*seen.values())) == 600
    for split, texts in seen.items():
        for text in texts:
            choices = dict(parse(text).choices)
            assert split_of(text, choices["plot"], choices["thing"]) == split


def test_held_out_pairs_are_never_met_in_training_but_both_halves_are():
    train = [dict(tale.choices) for tale in islice(tales("train", seed=2), 4000)]
    held = [dict(tale.choices) for tale in islice(tales("compositional", seed=2), 200)]
    pairs = {(choices["plot"], choices["thing"]) for choices in train}
    assert not pairs & {(choices["plot"], choices["thing"]) for choices in held}
    assert all(choices["thing"] in held_out_things(choices["plot"]) for choices in held)
    assert {choices["thing"] for choices in held} <= {choices["thing"] for choices in train}
    assert {choices["plot"] for choices in held} == {plot.name for plot in PLOTS}


def test_about_eight_in_ten_tales_are_for_training():
    splits = []
    for tale in TALES:
        choices = dict(tale.choices)
        splits.append(split_of(tale.text, choices["plot"], choices["thing"]))
    share = {split: splits.count(split) / len(splits) for split in SPLITS}
    assert abs(share["compositional"] - 6 / len(words.THINGS)) < 0.03
    assert abs(share["train"] - 0.8 * (1 - share["compositional"])) < 0.04
