"""The next-token widget in Python: what the model says, remembered and fresh, what is sent, and what is refused."""

import json
import math
from xml.etree import ElementTree

import pytest
import tiny_model
import torch
from traitlets import TraitError

from llmkit import models
from llmkit.widgets import NextToken, bundle
from llmkit.widgets.thinker import window_start

LONG = "Nora the fox looked in the garden and by the well, but she found nothing. " * 4


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return folder, *tiny_model.save(folder)


@pytest.fixture
def make(tiny):
    return lambda text="Nora the fox", **traits: NextToken(tiny[1], tiny[2], text, **traits)


def fresh(tiny, ids):
    with torch.inference_mode():
        return tiny[1](torch.tensor([ids]), output_attentions=True, output_hidden_states=True)


def ids_of(tiny, text):
    return [1, *tiny[2](text, add_special_tokens=False)["input_ids"]]


def check_against_a_fresh_reading(w, tiny):
    """What was remembered and what was read again make no difference."""
    start, ids = w.thought.start, list(w.thought.ids)
    seen = fresh(tiny, [1, *ids[start + 1 :]] if start else ids)
    torch.testing.assert_close(w.logits, seen.logits[0, -1], atol=1e-4, rtol=0)
    torch.testing.assert_close(w.thought.attention, torch.stack([layer[0, :, -1] for layer in seen.attentions]), atol=1e-5, rtol=0)
    window = torch.tensor([1, *ids[start + 1 :]] if start else ids)
    losses = torch.nn.functional.cross_entropy(seen.logits[0, :-1], window[1:], reduction="none")
    assert w.thought.surprise[0] is None
    assert w.thought.surprise[1:] == pytest.approx(losses.tolist(), abs=1e-4)


def test_every_answer_is_that_of_a_fresh_reading(make, tiny):
    w = make()
    for text in ("Nora the fox woke", "Otto", "", "Otto the bear", "天上 🦊 مرحبا"):
        w.text = text
        assert list(w.thought.ids) == ids_of(tiny, text)
        check_against_a_fresh_reading(w, tiny)
    for _ in range(3):
        w.step()
        assert w.thought.steps == 1
        check_against_a_fresh_reading(w, tiny)


def test_the_logit_lens_is_each_layers_state_through_norm_and_unembedding(make, tiny):
    w, model = make(), tiny[1]
    states = fresh(tiny, list(w.thought.ids)).hidden_states
    for layer, (number, share) in enumerate(w.thought.lens[:-1]):
        shares = model.lm_head(model.model.norm(states[layer + 1][0, -1])).softmax(-1)
        assert (number, share) == (shares.argmax().item(), pytest.approx(shares.max().item(), abs=1e-5))
    assert w.thought.lens[-1][1] == pytest.approx(w.logits.softmax(-1).max().item(), abs=1e-6)


def test_the_head_that_is_shown_first_looks_where_the_likeliest_token_stood_before(make, tiny):
    w = make("Nora the fox")
    best = tiny[2].convert_ids_to_tokens(w.logits.argmax().item())
    assert (w.layer, w.head) == (-1, -1) or best in tiny[2].convert_ids_to_tokens(list(w.thought.ids))
    for text in ("Otto and the bear and the", "a a a a a", "the the the the the the"):
        w = make(text)
        places = [t for t, number in enumerate(w.thought.ids) if number == w.logits.argmax().item()]
        if places:
            looks = w.thought.attention[..., places].sum(-1)
            assert looks[w.layer, w.head] == looks.max()
        else:
            assert (w.layer, w.head) == (-1, -1)
    assert (make("the the the the", layer=1).layer, make("the the the the", layer=1).head) == (1, -1)


def test_step_draws_from_the_shaped_distribution(make):
    w = make(temperature=0.5, top_k=5, top_p=0.9, min_p=0.05)
    assert w.probabilities.sum().item() == pytest.approx(1, abs=1e-5)
    likely = w.probabilities.nonzero().flatten().tolist()
    assert 1 <= len(likely) <= 5
    assert w.step() in likely
    w.temperature = 0.0
    assert w.step() == w.answer["ids"][-1]
    best = w.logits.argmax().item()
    assert w.step() == best


def test_a_text_longer_than_the_context_slides_the_window_and_keeps_the_begin_token(make, tiny):
    w = make(LONG)
    count = len(ids_of(tiny, LONG))
    assert count > 48
    assert w.answer["start"] == window_start(count, 48) > 0
    assert len(w.answer["tokens"]) == count - w.answer["start"]
    assert w.answer["tokens"][0] == "<s>"
    check_against_a_fresh_reading(w, tiny)
    for _ in range(14):  # over the edge of the window, where it slides
        w.step()
    check_against_a_fresh_reading(w, tiny)


def test_an_empty_text_starts_from_the_begin_token(make):
    w = make("")
    assert w.answer["ids"] == [1]
    assert w.answer["text"] == ""
    assert w.probabilities.sum().item() == pytest.approx(1, abs=1e-5)


def test_questions_of_the_page_are_numbered_and_answered_or_refused(make):
    w = make()
    before = w.answer
    w.question = {"n": 3, "ids": [*w.answer["ids"], 300]}
    assert (w.done, w.answer["n"], w.answer["ids"]) == (3, 3, [*before["ids"], 300])
    w.question = {"n": 4, "ids": [1, 99999]}
    assert w.done == 4
    assert w.error.startswith("Token 99999 is not one of the 500 tokens that LlamaForCausalLM knows (0 to 499).")
    assert w.answer["n"] == 3  # the last good answer stays
    w.question = {"n": 5, "text": "Otto"}
    assert (w.done, w.error, w.text, w.answer["text"]) == (5, "", "Otto", "Otto")
    w.question = {"n": 6, "text": "Otto"}
    assert (w.done, w.answer["n"]) == (6, 6)


@pytest.mark.parametrize(("bad", "says"), [
    ({"temperature": -0.1}, "temperature must be from 0 .* to 2; got -0.1"), ({"temperature": math.nan}, "temperature must be"),
    ({"top_p": 0.0}, r"top_p must be above 0 and at most 1 \(off\); got 0"), ({"top_p": 1.1}, "top_p must be"),
    ({"min_p": -0.1}, "min_p must be from 0"), ({"top_k": 501}, r"top_k must be a whole number from 0 \(off\) to 500, .*; got 501"), ({"top_k": -1}, "top_k must be"),
    ({"layer": 3}, r"layer must be from -1 \(the mean\) to 2; got 3"), ({"head": 4}, "head must be"), ({"device": "tpu"}, "There is no device"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_its_range_and_the_old_value_stays(make, bad, says):
    w = make()
    ((name, value),) = bad.items()
    before = getattr(w, name)
    with pytest.raises(TraitError, match=says):
        setattr(w, name, value)
    assert getattr(w, name) == before


def test_a_model_without_its_tokenizer_and_a_model_that_is_no_language_model_are_refused(tiny):
    with pytest.raises(ValueError, match="needs a model and the tokenizer"):
        NextToken(tiny[1])
    with pytest.raises(ValueError, match="needs a causal language model"):
        NextToken(tiny[1].model, tiny[2])


def test_half_an_emoji_and_markup_are_text(make):
    w = make("\ud83d <b>x</b>")
    assert w.error == ""
    assert "<b>x</b>" in w.answer["text"]


def test_the_page_gets_plain_json_a_small_picture_and_no_clock(make):
    w = make("<b>Nora</b> & the fox")
    page = w.page_bundle()
    state = page["state"]
    assert state == json.loads(json.dumps(state))
    assert state["kernel"] is False
    assert not {"device", "ms"} & set(state["answer"])
    assert len(json.dumps(state)) < 20_000
    words = " ".join(element.text or "" for element in ElementTree.fromstring(page["picture"]).iter())
    assert "<b>Nora</b> & the fox" in words
    name, share = w._likeliest(1)[0]
    assert f"{share:.1%}" in words
    assert name in words


def test_the_small_model_of_the_book_is_the_default_and_its_absence_is_a_sentence(tmp_path, monkeypatch):
    folder = tmp_path / "tales-gpt-mini"
    tiny_model.save(folder)
    with tiny_model.as_the_books_own(folder):
        w = NextToken(text="Nora the fox")
        assert w.error == ""
        assert w.answer["model"] == w.state_for_page()["tiny"] == "tales-gpt-mini"
        (folder / models.WEIGHTS).write_bytes(b"damaged")
        assert "SHA-256 differs" in NextToken().error
    monkeypatch.setattr(models, "BUNDLED", tmp_path / "nowhere")
    absent = NextToken()
    assert absent.error.startswith("The model tales-gpt-mini is not here: make it with `make models`")
    assert absent.state_for_page()["tiny"] == ""
    assert "tales-gpt-mini is not here" in absent.page_bundle()["picture"]


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("next_token").encode())
    print(f"\nnext token with kit, maths and sampling: {size:,} bytes; tinylm: {len(bundle.function('tinylm_engine').encode()):,} bytes")
    assert size < 30_000
