"""The ladder in Python: six models of the same text, what travels to the page, and what is refused."""

import json
import math
from xml.etree import ElementTree

import pytest
import torch
from traitlets import TraitError

from llmkit import models
from llmkit.widgets import Ladder, bundle, ladder


@pytest.fixture(scope="module")
def widget():
    return Ladder()


@pytest.mark.parametrize("model", range(6))
def test_each_of_the_six_spreads_one_over_the_vocabulary(widget, model):
    widget.text = "Nora the fox"
    shares = widget.probabilities(model)
    assert shares.shape == (1536,) and (shares > 0).all()
    assert shares.sum().item() == pytest.approx(1, abs=1e-9)


def test_the_network_knows_the_color_and_five_tokens_of_counts_do_not():
    w = Ladder()
    blue = w._thinker.tokenizer(" blue", add_special_tokens=False)["input_ids"][0]
    assert w.likeliest(5, 1)[0] == ("·blue", pytest.approx(w.probabilities(5)[blue].item()))
    assert w.probabilities(5)[blue] > 0.9
    assert w.probabilities(4)[blue] < 0.05 and w.likeliest(4, 1)[0][1] > 0.5


def test_a_text_that_is_no_tale_surprises_the_network_most():
    w = Ladder("The speed of light in a vacuum is the same for all")
    means = [sum(nats) / len(nats) for nats in map(w.surprisals, range(6))]
    assert means[5] > 1.5 * max(means[:5])


@pytest.mark.parametrize("model", range(6))
def test_a_surprise_is_minus_the_logarithm_of_the_share_that_came(widget, model):
    widget.text = "Nora the fox woke"
    whole = widget.surprisals(model)
    assert len(whole) == len(widget.ids) - 1
    last = widget.ids[-1]
    widget.text = "Nora the fox"
    assert whole[-1] == pytest.approx(-math.log(widget.probabilities(model)[last]), abs=1e-4 if model == 5 else 1e-9)


def test_the_text_is_from_no_tale_that_was_counted():
    rows = ladder.read_tales(models.load("tales-gpt-mini").tokenizer)
    w = Ladder()
    assert len(rows) == w.number == 350
    assert all(row[: len(w.ids)] != w.ids for row in rows)


def test_a_space_at_the_end_waits_for_its_word(widget):
    widget.text = "Nora the"
    ids = widget.ids
    widget.text = "Nora the  "
    assert widget.ids == ids


def test_what_is_packed_can_be_unpacked():
    given = torch.randint(1, 4096, (1001,), generator=torch.Generator().manual_seed(0)).tolist()
    packed = ladder.pack(given)
    pairs = [packed[i : i + 3] for i in range(0, len(packed), 3)]
    back = [number for a, b, c in pairs for number in (a | (b & 15) << 8, b >> 4 | c << 4)]
    assert back == [*given, 0]
    for bad in ([4096], [-1, 2]):
        with pytest.raises(ValueError, match="0 to 4095"):
            ladder.pack(bad)


@pytest.mark.parametrize("bad", [{"text": "x" * 1001}, {"text": 7}, {"picked": 6}, {"picked": -1}, {"guess": 3}])
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    w = Ladder("Nora the fox")
    ((name, value),) = bad.items()
    before, answer = getattr(w, name), w.answer
    with pytest.raises(TraitError):
        setattr(w, name, value)
    assert getattr(w, name) == before and w.answer == answer


def test_a_question_from_the_page_is_answered_and_a_long_one_refused_in_a_sentence():
    w = Ladder("Nora the fox")
    w.question = {"n": 1, "text": "Otto the bear"}
    assert (w.done, w.error, w.answer["n"], w.answer["text"]) == (1, "", 1, "Otto the bear")
    w.question = {"n": 2, "text": "x" * 2000}
    assert w.done == 2 and w.error == "text may have at most 1000 characters; got 2000."
    assert w.answer["text"] == "Otto the bear"
    w.question = {"n": 3, "text": "天上 🦊 مرحبا \ud83e"}
    assert (w.done, w.error) == (3, "")


def test_any_text_is_read():
    for text in ("", " ", "<script>alert(1)</script>", "天上 🦊 مرحبا", "</s><pad>", "\ud83e", "a" * 1000):
        w = Ladder(text)
        assert w.error == "" and len(w.likeliest(0)) == 5
        json.dumps(w.page_bundle())


def test_the_page_gets_plain_json_within_150_kilobytes_and_a_small_picture():
    page = Ladder().page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"]))
    assert page["state"]["kernel"] is False and not {"device", "ms"} & set(page["state"]["answer"])
    size = len(json.dumps(page))
    print(f"ladder, stored: {size:,} bytes")
    assert size < 150_000
    words = " ".join(element.text for element in ElementTree.fromstring(page["picture"]).iter() if element.text)
    assert "n = 5" in words and "Guess first." in words and "·blue" not in words


def test_without_the_model_a_sentence_says_so(monkeypatch):
    def missing(name):
        raise models.ModelUnavailable("The model is not here.")

    monkeypatch.setattr(models, "load", missing)
    w = Ladder()
    assert w.error == "The model is not here."
    assert "not here" in w.label() and w.page_bundle()["state"]["answer"] == {}


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("ladder").encode())
    print(f"ladder with what it imports: {size:,} bytes")
    assert size < 30_000
