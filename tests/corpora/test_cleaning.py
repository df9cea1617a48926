"""Filters: each rule drops what it names, in any script, and every text is counted once."""

from itertools import count

import pytest

from llmkit.corpora import Cleaner, Document, Report, Rules, letter_share, repetition

STORY = "Nora the fox woke early, because it was the day of the fair. Her blue kite was not on the shelf."
SCRIPTS = [
    "狐狸诺拉一早就醒了，因为今天是赶集的日子。她的蓝色风筝不在架子上。“谁拿了我的风筝？”她问。熊奥托没有回答，他把它弄坏了。",
    "استيقظت الثعلبة نورا مبكرًا لأنه كان يوم السوق، ولم تكن طائرتها الورقية الزرقاء على الرف.",
    "नोरा लोमड़ी जल्दी उठी क्योंकि आज मेले का दिन था। उसकी नीली पतंग शेल्फ पर नहीं थी।",
    "Лиса Нора проснулась рано, потому что был день ярмарки. Ее синего змея не было на полке.",
]


def clean(*texts: str, **rules) -> tuple[list[str], Report]:
    cleaner = Cleaner(Rules(**rules))
    return [document.text for document in cleaner(Document(text, "") for text in texts)], cleaner.report


@pytest.mark.parametrize("text", [STORY, *SCRIPTS])
def test_prose_of_any_script_stays(text):
    assert clean(text)[0] == [text]


@pytest.mark.parametrize(("text", "rule"), [
    ("Hm.", "too short"), ("", "too short"), (" " * 60 + "\n", "too short"),
    (STORY * 2_000, "too long"),
    ("3.14 2.71 " * 10 + "1.41", "too few letters"), ("=-" * 50, "too few letters"),
    ("buy now " * 30, "repeats itself"), ("哈" * 80, "repeats itself"),
])
def test_each_rule_drops_what_it_names(text, rule):
    kept, report = clean(text)
    assert kept == [] and dict(report.dropped) == {rule: 1}


def test_copies_are_dropped_and_the_first_stays():
    near = STORY.replace("shelf", "table")
    kept, report = clean(STORY, STORY.upper().replace(" ", "\n"), near, SCRIPTS[0])
    assert kept == [STORY, SCRIPTS[0]]
    assert dict(report.dropped) == {"exact copy": 1, "near copy": 1}
    assert clean(STORY, near, near_copies=None)[0] == [STORY, near]
    assert clean(STORY, STORY, exact_copies=False, near_copies=None)[0] == [STORY, STORY]


def test_every_text_is_counted_once_and_shown():
    _, report = clean(STORY, "Hm.", "<b>Ha</b>", STORY)
    assert report.read == 4 == report.kept + sum(report.dropped.values())
    assert report.rows() == [("read", 4, ""), ("too short", 2, "Hm."), ("exact copy", 1, f"{STORY[:59]}…"), ("kept", 1, "")]
    assert "too short" in str(report) and "<td>2</td>" in report._repr_html_()
    _, report = clean("<b>Ha</b>")
    assert "&lt;b&gt;" in report._repr_html_() and "<b>" not in report._repr_html_()


def test_documents_pass_one_at_a_time_from_a_stream_without_end():
    cleaner = Cleaner()
    stream = cleaner(Document(f"{STORY} Then came guest {chr(97 + n % 26) * 40}.", str(n)) for n in count())
    assert next(stream).source == "0" and cleaner.report.read == 1


def test_shares_are_counted_by_hand():
    assert letter_share("ab 12") == 0.5
    assert letter_share(" \n") == 0.0
    assert repetition("abcdefghij" * 2) == 1 - 10 / 11  # 11 runs of 10 characters, and the last is the first again
    assert repetition("abc") == 0.0
    thousand = "".join(chr(0x4E00 + n) for n in range(1_000))
    assert repetition(thousand + thousand) == 1 - 1_000 / 1_991
    apart = "".join(chr(0x4E00 + n) for n in range(4_000))
    assert repetition(apart + apart) == 0.0  # a repeat far away counts for nothing


@pytest.mark.parametrize(("rules", "says"), [
    ({"min_letters": 60}, "min_letters is a share between 0 and 1; got 60"),
    ({"near_copies": -0.1}, "near_copies is a share"),
    ({"min_characters": 10, "max_characters": 5}, "got 10 and 5"),
])
def test_wrong_rules_are_named(rules, says):
    with pytest.raises(ValueError, match=says):
        Rules(**rules)
