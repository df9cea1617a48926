"""The online-softmax stepper in Python: what is remembered, that it ends where a whole softmax ends, what is refused."""

import json
import math
from xml.etree import ElementTree

import pytest
from traitlets import TraitError

from llmkit.widgets import OnlineSoftmax, bundle


@pytest.mark.parametrize("tile", [1, 2, 3, 5, 8])
def test_after_the_last_tile_the_answer_is_that_of_a_whole_softmax(tile):
    stepper = OnlineSoftmax(tile=tile)
    stepper.step = stepper.num_tiles
    assert abs(stepper.seen.output.item() - stepper.whole.item()) < 1e-12


def test_each_step_by_hand():
    stepper = OnlineSoftmax(scores=[1.0, 3.0, 2.0], values=[2.0, 4.0, 8.0], tile=1)
    tops = [seen.top.item() for seen in stepper.after]
    totals = [seen.total.item() for seen in stepper.after]
    assert tops == [-math.inf, 1.0, 3.0, 3.0]
    assert totals == pytest.approx([0, 1, math.exp(-2) + 1, math.exp(-2) + 1 + math.exp(-1)], abs=1e-14)


def test_scores_that_would_overflow_do_not():
    stepper = OnlineSoftmax(scores=[9000.0, -9000.0, 10_000.0], values=[1.0, 2.0, 3.0], tile=2, step=2)
    assert stepper.seen.output.item() == pytest.approx(3.0)


@pytest.mark.parametrize(
    "bad",
    [
        {"scores": [1.0]}, {"scores": [1.0] * 7}, {"scores": [math.nan] * 8}, {"scores": [1e5] * 8}, {"scores": ["a"] * 8},
        {"values": [1.0] * 9}, {"values": [math.inf] * 8}, {"tile": 0}, {"tile": 9}, {"step": -1}, {"step": 9}, {"guess": 3},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    stepper = OnlineSoftmax()
    ((name, value),) = bad.items()
    before = getattr(stepper, name)
    with pytest.raises(TraitError):
        setattr(stepper, name, value)
    assert getattr(stepper, name) == before


def test_larger_tiles_leave_a_step_that_is_there():
    stepper = OnlineSoftmax(tile=1, step=8)
    stepper.tile = 4
    assert stepper.step == 2


def test_the_page_gets_plain_json_and_a_small_picture():
    page = OnlineSoftmax().page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"]))
    assert page["state"]["kernel"] is False
    assert len(page["picture"]) < 45_000
    words = " ".join(element.text for element in ElementTree.fromstring(page["picture"]).iter() if element.text)
    assert "largest 2, sum 2.198, mix 50.800; mix / sum = 23.117" in words


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("online_softmax").encode())
    print(f"Online softmax with kit, math and online: {size:,} bytes")
    assert size < 30_000


def test_a_stepper_says_what_it_shows():
    assert repr(OnlineSoftmax(tile=3)) == "Online softmax over 8 keys in tiles of 3, 2 of 3 read"
