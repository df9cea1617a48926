"""The alignment in Python: the two models' answers, signs that borrow a letter, and what is refused."""

import json
from xml.etree import ElementTree

import pytest
import torch
from traitlets import TraitError

from llmkit.recipes import reversing
from llmkit.widgets import Alignment, bundle
from llmkit.widgets.alignment import STRING, borrow, called, signs


def test_the_first_string_is_one_that_attention_gets_right_and_the_other_does_not():
    shown = Alignment()
    right = {kind: (shown.result(kind).letters == shown.ids.flip(1)).sum().item() for kind in ("without", "with")}
    assert right["with"] == len(STRING) and right["without"] < len(STRING) - 4


def test_any_sign_borrows_a_letter_and_the_answer_is_made_of_the_same_signs():
    shown = Alignment("狐狸🦊abc")
    names = called(signs(shown.text))
    written = "".join(names[number] for number in shown.result("with").letters[0].tolist())
    assert written == "cba🦊狸狐"


def test_a_sign_keeps_what_belongs_to_it_and_a_letter_is_never_lent_twice():
    assert signs("👩‍🚀é👍🏽x") == ["👩‍🚀", "é", "👍🏽", "x"]
    given = borrow(signs("猫a犬b猫 ñ"))
    assert given == [2, 0, 3, 1, 2, 4, 5] and len(set(given)) == 6


@pytest.mark.parametrize(
    "bad",
    [{"text": ""}, {"text": "a" * 25}, {"written": -1}, {"written": 25}, {"row": -2}, {"row": 25}, {"guess": 3}, {"question": "maybe"}, {"text": 3}],
)
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    shown = Alignment()
    ((name, value),) = bad.items()
    before = getattr(shown, name)
    with pytest.raises(TraitError):
        setattr(shown, name, value)
    assert getattr(shown, name) == before


def test_the_refusal_says_why():
    with pytest.raises(TraitError, match="text must have from 1 to 24 letters; got 30"):
        Alignment("x" * 30)


def test_the_bytes_hold_the_stored_weights_in_the_order_of_the_shapes():
    shown = Alignment()
    numbers = torch.frombuffer(bytearray(shown.weights), dtype=torch.float16)
    at = 0
    states = {kind: model.state_dict() for kind, model in reversing.trained().items()}
    for name, *shape in shown.shapes:
        size = torch.Size(shape).numel()
        kind, _, part = name.partition(".")
        assert torch.equal(numbers[at : at + size].view(shape).float(), states[kind][part])
        at += size
    assert at == len(numbers) and {name.partition(".")[0] for name, *_ in shown.shapes} == {"with", "without"}


@pytest.mark.parametrize("string", [STRING, "a", "<b>&\"'", "שלום", "x" * 24])
@pytest.mark.parametrize("question", [True, False])
def test_the_page_gets_plain_json_and_a_small_picture(string, question):
    page = Alignment(string, question=question).page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"])) and page["state"]["kernel"] is False
    assert len(page["picture"]) < 130_000 and len(json.dumps(page)) < 420_000
    words = [element.text for element in ElementTree.fromstring(page["picture"]).iter() if element.text]
    assert words.count("Guess first.") == (2 if question else 0)


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("alignment").encode())
    print(f"alignment with kit, math and gru: {size:,} bytes")
    assert size < 30_000


def test_an_alignment_says_what_it_shows():
    assert repr(Alignment("cat")) == "Alignment: two GRUs write “cat” backwards, without attention and with it"
    assert Alignment("cat").question is False and Alignment().question is True
