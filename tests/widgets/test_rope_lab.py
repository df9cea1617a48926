"""The RoPE lab in Python: the score that depends on the distance only, what squeezing does, and what is refused."""

import json
import math
from xml.etree import ElementTree

import pytest
import torch
from traitlets import TraitError

from llmkit.positions import PAIRINGS
from llmkit.widgets import RopeLab, bundle


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("squeeze", [False, True])
def test_moving_both_leaves_the_score_as_it_was(pairing, squeeze):
    lab = RopeLab(pairing=pairing, squeeze=squeeze, distance=5)
    scores = []
    for position in (0, 20, 500, 999):
        lab.position = position
        scores.append(lab.score)
    assert max(scores) - min(scores) < 1e-10
    lab.distance = 6
    assert abs(lab.score - scores[0]) > 1e-3


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_the_curve_holds_the_score_of_every_distance(pairing):
    lab = RopeLab(pairing=pairing, base=100.0, length=64)
    for distance in (0, 1, 30, 63):
        lab.distance = distance
        assert lab.scores[distance].item() == pytest.approx(lab.score, abs=1e-10)


def test_the_score_is_a_sum_of_turned_complex_numbers():
    lab = RopeLab(distance=7, base=100.0)
    for pair in range(4):
        q, k = (complex(v[2 * pair], v[2 * pair + 1]) for v in (lab.query, lab.key))
        angle = 7 * 100 ** (-2 * pair / 8)
        expected = (q * complex(math.cos(angle), math.sin(angle)) * k.conjugate()).real
        assert lab.shares[pair].item() == pytest.approx(expected, abs=1e-10)


def test_squeezing_gives_the_score_of_a_shorter_distance():
    assert RopeLab(length=128, distance=40, squeeze=True).score == pytest.approx(RopeLab(length=128, distance=10).score, abs=1e-10)


@pytest.mark.parametrize(
    "bad",
    [
        {"position": -1}, {"position": 1000}, {"distance": -1}, {"distance": 256}, {"base": 1.0}, {"base": math.nan}, {"base": 1e7},
        {"length": 31}, {"length": 257}, {"pairing": "thirds"}, {"guess": 3}, {"query": [1.0] * 7}, {"key": [math.inf] * 8},
        {"query": ["a"] * 8}, {"squeeze": "much"},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    lab = RopeLab()
    ((name, value),) = bad.items()
    before = getattr(lab, name)
    with pytest.raises(TraitError):
        setattr(lab, name, value)
    assert getattr(lab, name) == before


def test_the_refusal_says_why():
    with pytest.raises(TraitError, match=r"position must be from 0 to 999; got 1000\."):
        RopeLab(position=1000)
    with pytest.raises(TraitError, match="key must be eight numbers from -10 to 10"):
        RopeLab(key=[0.0])


def test_a_shorter_length_leaves_a_distance_that_is_on_the_curve():
    lab = RopeLab(length=128, distance=100)
    lab.length = 64
    assert lab.distance == 63


@pytest.mark.parametrize("zero", [False, True])
def test_the_page_gets_plain_json_and_a_small_picture(zero):
    page = RopeLab(**({"query": [0.0] * 8, "key": [0.0] * 8} if zero else {})).page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"]))
    assert page["state"]["kernel"] is False
    assert len(page["picture"]) < 45_000
    words = " ".join(element.text for element in ElementTree.fromstring(page["picture"]).iter() if element.text)
    assert ("5 apart, the score is 0.000" if zero else "5 apart, the score is 3.874, wherever the two stand.") in words


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("rope_lab").encode())
    print(f"RoPE lab with kit, math and rope: {size:,} bytes")
    assert size < 30_000


def test_a_rope_lab_says_what_it_shows():
    assert repr(RopeLab(length=64, squeeze=True)) == "RoPE lab: a query 5 positions after its key, base 10000, neighbors, positions divided by 2"
    assert RopeLab().scores.dtype == torch.float64
