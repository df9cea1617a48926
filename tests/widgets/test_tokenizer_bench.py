"""The tokenizer bench in Python: what it learns, what it shows where nothing runs, and what it refuses."""

import json
from xml.etree import ElementTree

import pytest
from traitlets import TraitError

from llmkit.tokenization import BPE
from llmkit.widgets import TokenizerBench, bundle
from llmkit.widgets.tokenizer_bench import CHINESE, ENGLISH, EXAMPLES


def test_english_merges_leave_a_chinese_word_in_its_six_bytes_and_chinese_merges_make_it_one_token():
    english = TokenizerBench(sentence="kite 风筝", step=4000)
    assert english.tokens[-7:] == ["Ġ", *(english.tokenizer.tokens[i] for i in english.tokenizer.encode("风筝"))]
    assert len(english.tokenizer.encode("风筝")) == 6 and len(english.tokenizer.encode(" kite")) == 1
    both = TokenizerBench(text=f"{ENGLISH}\n{CHINESE}", step=4000)
    assert len(both.tokenizer.encode("风筝")) == len(both.tokenizer.encode(" kite")) == 1


def test_a_step_is_so_many_merges_and_beyond_the_last_is_the_last():
    bench = TokenizerBench(text="low low lower lowest", sentence="slower")
    assert bench.tokens == list("slower")
    bench.step = 2
    assert bench.tokens == ["s", "low", "e", "r"]
    assert bench.merges[1].count == 4
    bench.step = 4000
    assert bench.tokenizer.merges == [(merge.left, merge.right) for merge in bench.merges] == BPE.train([bench.text], 1_000).merges


@pytest.mark.parametrize("name", [name for name, *_ in EXAMPLES])
def test_every_example_fits_and_teaches_something_that_its_sentence_uses(name):
    text, sentence = {one: rest for one, *rest in EXAMPLES}[name]
    bench = TokenizerBench(text=text, sentence=sentence, step=4000)
    assert len(bench.merges) > 30
    assert len(bench.tokens) < len(sentence.encode())
    assert bench.tokenizer.decode(bench.token_ids) == sentence


@pytest.mark.parametrize(("bad", "says"), [
    ({"text": ""}, "text must not be empty"), ({"text": " \n"}, "text must not be empty"),
    ({"text": "风" * 1334}, "at most 4,000 bytes in UTF-8; got 4,002"), ({"sentence": ""}, "sentence must not be empty"),
    ({"sentence": "a" * 301}, "at most 300 bytes in UTF-8; got 301"), ({"step": -1}, "step"), ({"guess": 3}, "guess"),
    ({"text": 5}, "unicode string"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_a_reason_and_the_old_value_stays(bad, says):
    bench = TokenizerBench()
    ((name, value),) = bad.items()
    before = getattr(bench, name)
    with pytest.raises(TraitError, match=says):
        setattr(bench, name, value)
    assert getattr(bench, name) == before


def test_half_an_emoji_becomes_the_sign_for_no_character():
    bench = TokenizerBench(sentence="a\ud83d b")
    assert bench.sentence == "a\ufffd b"
    assert bench.tokenizer.decode(bench.token_ids) == "a\ufffd b"
    assert TokenizerBench(sentence="\ud83d\ude00").sentence == "😀"


def test_the_page_gets_plain_json_and_a_small_picture_with_bytes_shown_as_bytes():
    page = TokenizerBench().page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"]))
    assert page["state"]["kernel"] is False
    assert len(page["picture"]) < 12_000
    words = [element.text for element in ElementTree.fromstring(page["picture"]).iter() if element.text]
    assert words[words.index("E9") : words.index("E9") + 3] == ["E9", "A3", "8E"]
    assert words[-1].startswith("36 tokens for 36 bytes, after 0 of 62 merges")


def test_text_of_a_reader_stays_text_in_the_picture():
    picture = TokenizerBench(sentence="<script>alert(1)</script> &").picture()
    assert "<script" not in picture and ElementTree.fromstring(picture) is not None


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("tokenizer_bench").encode())
    print(f"tokenizer bench with kit, bpe and training: {size:,} bytes")
    assert size < 30_000
