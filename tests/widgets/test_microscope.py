"""The microscope in Python: what it computes, what it takes, and what it refuses without losing its last good numbers."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from traitlets import TraitError

from llmkit.widgets import Microscope, bundle


@pytest.mark.parametrize("causal", [False, True])
def test_its_trace_is_attention_as_torch_computes_it(causal):
    query, key, value = (torch.randn(5, width, dtype=torch.float64) for width in (3, 3, 2))
    w = Microscope(tokens=list("abcde"), query=query, key=key, value=value, causal=causal)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query[None], key[None], value[None], is_causal=causal
    )[0]
    torch.testing.assert_close(w.trace.output, expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(w.weights.sum(-1), torch.ones(5, dtype=torch.float64))


def test_the_opening_story_holds_the_verb_looks_at_its_subject_and_not_at_itself():
    w = Microscope()
    looks = w.weights[w.tokens.index("sat")]
    assert w.tokens[looks.argmax()] == "cat"
    assert w.row == w.tokens.index("sat")
    assert 0.7 < looks.max() < 0.8


def test_lists_arrays_and_tensors_are_kept_as_plain_numbers():
    w = Microscope()
    for rows in ([[1, 0]] * 4, np.ones((4, 2), dtype=np.float32), torch.ones(4, 2)):
        w.query = rows
        assert all(type(x) is float for row in w.query for x in row)
        json.dumps(w.query)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ([[float("nan"), 0]] * 4, "finite"),
        ([[float("inf"), 0]] * 4, "finite"),
        ([[1e6, 0]] * 4, "from -100 to 100"),
        ([["2", 0]] * 4, "rows of numbers"),
        ([[True, 0]] * 4, "rows of numbers"),
        ([1.0, 2.0], "rows of numbers"),
        ("abc", "rows of numbers"),
        ([], "same 1 to 4 numbers"),
        ([[1], [1, 2], [1], [1]], "same 1 to 4 numbers"),
        ([[1] * 5] * 4, "same 1 to 4 numbers"),
        ([[1, 2]] * 3, "one row of query, key and value"),
        ([[1, 2, 3]] * 4, "same width"),
    ],
)
def test_bad_numbers_are_refused_with_a_sentence_and_the_old_ones_stay(bad, says):
    w = Microscope()
    before = w.query
    with pytest.raises(TraitError, match=says) as refusal:
        w.query = bad
    assert str(refusal.value).endswith(".")
    assert w.query == before


@pytest.mark.parametrize(
    "bad", [{"step": 0}, {"step": 7}, {"row": 4}, {"guess": 9}, {"tokens": []}, {"tokens": list("abcdefghi")}]
)
def test_steps_rows_and_tokens_stay_in_range(bad):
    w = Microscope()
    ((name, value),) = bad.items()
    before = getattr(w, name)
    with pytest.raises(TraitError):
        setattr(w, name, value)
    assert getattr(w, name) == before


def test_the_number_of_tokens_changes_when_everything_changes_at_once():
    w = Microscope()
    with w.hold_trait_notifications():
        w.tokens, w.row = ["a", "b"], 0
        w.query = w.key = w.value = [[1.0], [2.0]]
    assert w.weights.shape == (2, 2)


def test_new_tokens_without_numbers_say_what_is_missing():
    with pytest.raises(TraitError, match="2 in tokens, 4 in query"):
        Microscope(tokens=["a", "b"])


def test_the_page_gets_plain_json_and_no_kernel():
    state = Microscope(step=3).page_bundle()["state"]
    assert state == json.loads(json.dumps(state))
    assert state["kernel"] is False
    assert state["step"] == 3


def test_the_picture_is_small_well_formed_and_shows_the_weights():
    w = Microscope()
    picture = w.picture()
    texts = [element.text for element in ElementTree.fromstring(picture).iter() if element.text]
    assert len(picture) < 6_000
    assert f"{w.weights[2, 1]:.2f}" in texts
    assert {"the", "cat", "sat", "down"} <= set(texts)


def test_a_token_that_looks_like_a_tag_stays_text_in_the_picture():
    picture = Microscope(tokens=["<script>", "</svg>", "a&b", '"']).picture()
    assert "<script" not in picture
    assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("microscope").encode())
    print(f"microscope with kit and math: {size:,} bytes")
    assert size < 30_000


def test_what_is_kept_free_grows_with_the_tokens_and_with_more_than_two_numbers():
    """Measured: the first microscope of lesson 05 is 589 px high where the page is wide and 936 on a phone."""
    assert Microscope.heights(Microscope().state_for_page()) == (Microscope.height, Microscope.height_on_a_phone) == Microscope.heights({})
    four = [[0.0] * 4] * 3
    wide, phone = Microscope.heights(Microscope(tokens=["the", "cat", "sat"], query=four, key=four, value=[[0.0, 0.0]] * 3).state_for_page())
    assert (wide, abs(phone - 936) < 2) == (589, True)
