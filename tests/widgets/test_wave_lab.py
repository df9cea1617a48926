"""The wave lab in Python: the properties it shows, which formula has which, and what it refuses."""

import json
import math
from xml.etree import ElementTree

import pytest
import torch
from traitlets import TraitError

from llmkit.positions import sinusoidal
from llmkit.widgets import WaveLab, bundle


@pytest.mark.parametrize(("width", "base"), [(2, 10_000.0), (32, 100.0), (128, 10_000.0)])
def test_the_papers_table_is_the_books_own(width, base):
    table = WaveLab(width=width, pair=0, base=base).table
    assert (table - sinusoidal(80, width, base)).abs().max() < 1e-6  # that one is float32


def test_each_wrong_formula_is_the_one_that_people_type():
    columns = WaveLab(width=8, formula="columns").table
    for place in (0, 1, 17):
        for i in range(0, 8, 2):  # i counts columns, not pairs
            assert columns[place, i].item() == pytest.approx(math.sin(place / 10_000 ** (2 * i / 8)), abs=1e-12)
            assert columns[place, i + 1].item() == pytest.approx(math.cos(place / 10_000 ** (2 * (i + 1) / 8)), abs=1e-12)
    times = WaveLab(width=8, formula="times").table
    for k in range(4):
        assert times[17, 2 * k].item() == pytest.approx(math.sin(17 * 10_000 ** (2 * k / 8)), abs=1e-9)


@pytest.mark.parametrize("shift", [1, 5, 16])
@pytest.mark.parametrize("position", [0, 20, 63])
def test_a_rotation_reaches_the_row_unless_every_column_has_its_own_frequency(position, shift):
    miss = {formula: WaveLab(position=position, shift=shift, formula=formula).miss for formula in ("pairs", "times", "columns")}
    assert miss["pairs"] < 1e-12 and miss["times"] < 1e-8
    assert miss["columns"] > 0.01


def test_the_dot_products_depend_on_the_distance_only_unless_every_column_has_its_own_frequency():
    def spread(formula):
        at = [WaveLab(position=p, formula=formula).dots[p + 5].item() for p in (0, 10, 20, 30, 50)]
        return max(at) - min(at)

    assert spread("pairs") < 1e-9 and spread("times") < 1e-6
    assert spread("columns") > 0.5


def test_neighbors_are_alike_only_in_the_right_table():
    likeness = {formula: WaveLab(formula=formula).dots[21].item() / 16 for formula in ("pairs", "times")}
    assert likeness["pairs"] > 0.9 and likeness["times"] < 0.5


@pytest.mark.parametrize(
    "bad",
    [
        {"width": 0}, {"width": 7}, {"width": 130}, {"width": "wide"}, {"base": 1.0}, {"base": math.nan}, {"base": 1e7},
        {"position": -1}, {"position": 64}, {"shift": 0}, {"shift": 17}, {"pair": 16}, {"pair": -1}, {"formula": "cube"}, {"guess": 3},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    w = WaveLab()
    ((name, value),) = bad.items()
    before = getattr(w, name)
    with pytest.raises(TraitError):
        setattr(w, name, value)
    assert getattr(w, name) == before


def test_the_refusal_says_why():
    with pytest.raises(TraitError, match=r"width must be even, to be cut into pairs of columns; got 7\."):
        WaveLab(width=7)
    with pytest.raises(TraitError, match=r"position must be from 0 to 63; got 64\."):
        WaveLab(position=64)


def test_fewer_columns_leave_a_pair_that_is_there():
    w = WaveLab(pair=9)
    w.width = 8
    assert w.pair == 3


def test_the_page_gets_plain_json_and_a_small_picture():
    page = WaveLab().page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"]))
    assert page["state"]["kernel"] is False
    assert len(page["picture"]) < 45_000
    words = " ".join(element.text for element in ElementTree.fromstring(page["picture"]).iter() if element.text)
    assert "Row 20 with itself: 16.0. With row 25: 11.8. A rotation by 5 places misses by 0.000." in words


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("wave_lab").encode())
    print(f"wave lab with kit, math and waves: {size:,} bytes")
    assert size < 30_000


def test_a_wave_lab_with_numbers_from_python_says_what_it_shows():
    assert repr(WaveLab(width=16, base=100.0, formula="times")) == "Wave lab: positions as 16 waves, multiplied (wrong), base 100"
    assert WaveLab().table.dtype == torch.float64
