"""The mask painter in Python: every kind of mask, who notices a change, what an empty row gets, and what is refused."""

import json
from xml.etree import ElementTree

import pytest
import torch
from traitlets import TraitError

from llmkit.attention import causal_mask
from llmkit.widgets import MaskPainter, bundle
from llmkit.widgets.mask_painter import KINDS

RULES = {
    "all": lambda i, j: True, "causal": lambda i, j: j <= i, "padding": lambda i, j: j < 5,
    "prefix": lambda i, j: j <= i or j < 3, "window": lambda i, j: 0 <= i - j < 3, "cross": lambda i, j: True,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_its_rule_cell_by_cell_and_a_stroke_turns_one_over(kind):
    painter = MaskPainter(kind=kind, size=3, strokes=[])
    rows = 4 if kind == "cross" else 8
    assert painter.mask.tolist() == [[RULES[kind](i, j) for j in range(8)] for i in range(rows)]
    painter.strokes = [[2, 6]]
    assert (painter.mask != painter.preset).nonzero().tolist() == [[2, 6]]


def test_one_open_cell_leaks_to_all_that_come_after_it():
    painter = MaskPainter()
    assert painter.heard()[:, :].int().tolist() == [[0, 1, 0, 0, 0, 0, 0, 1], [0] + [1] * 7, [0] + [1] * 7]
    assert painter.leaks.int().tolist() == [[0, 1] + [0] * 6, [0] + [1] * 6 + [0], [0] + [1] * 6 + [0]]
    painter.strokes = []
    assert not painter.leaks.any()


@pytest.mark.parametrize(("empty", "expected"), [("zeros", 0.0), ("mean", 1 / 8), ("nan", float("nan"))])
def test_a_row_that_sees_nothing_gets_what_was_chosen(empty, expected):
    painter = MaskPainter(kind="padding", size=8, strokes=[], empty=empty)
    torch.testing.assert_close(painter.weights, torch.full((8, 8), expected, dtype=torch.float64), equal_nan=True)


def test_weights_of_rows_that_see_something_sum_to_one():
    for kind in KINDS:
        weights = MaskPainter(kind=kind).weights
        torch.testing.assert_close(weights.sum(-1), torch.ones(len(weights), dtype=torch.float64))


def test_with_a_large_number_for_infinity_an_empty_row_hears_of_everything():
    strokes = [[2, 0], [2, 1], [2, 2]]
    assert MaskPainter(strokes=strokes, changed=7, empty="mean").heard()[0, 2]
    assert not MaskPainter(strokes=strokes, changed=7, empty="zeros").heard()[0, 2]


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "diagonal"}, {"size": 0}, {"size": 9}, {"strokes": [[0, 8]]}, {"strokes": [[1]]}, {"strokes": [[-1, 0]]}, {"changed": 8},
        {"empty": "none"}, {"tokens": ["one"]}, {"tokens": ["a"] * 9}, {"tokens": [1, 2]}, {"target": []}, {"guess": 3},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    painter = MaskPainter()
    ((name, value),) = bad.items()
    before = getattr(painter, name)
    with pytest.raises(TraitError):
        setattr(painter, name, value)
    assert getattr(painter, name) == before


def test_fewer_words_or_another_kind_leave_only_strokes_that_fit():
    painter = MaskPainter(strokes=[[7, 0], [1, 2]])
    painter.kind = "cross"
    assert painter.strokes == [[1, 2]]
    painter.tokens = ["a", "b"]
    assert (painter.strokes, painter.changed) == ([], 1)
    assert MaskPainter(tokens=["a", "b", "c"]).changed == 2
    assert torch.equal(MaskPainter(tokens=["a", "b", "c"]).mask, causal_mask(3))


@pytest.mark.parametrize("tokens", [["<b>x</b>", "&", "猫", "שלום", "🐈", "", " "], ["the"] * 2])
def test_the_page_gets_plain_json_and_a_small_picture(tokens):
    page = MaskPainter(tokens=tokens).page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"]))
    assert page["state"]["kernel"] is False
    assert len(page["picture"]) < 45_000
    assert "rows look" in " ".join(element.text for element in ElementTree.fromstring(page["picture"]).iter() if element.text)


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("mask_painter").encode())
    print(f"Mask painter with kit, math and masks: {size:,} bytes")
    assert size < 30_000


def test_a_painter_says_what_it_shows():
    assert repr(MaskPainter()) == "Mask painter over 8 tokens: causal, 1 cell turned over"
    assert repr(MaskPainter(kind="window", strokes=[])) == "Mask painter over 8 tokens: sliding window"
