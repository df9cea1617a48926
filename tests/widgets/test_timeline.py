"""The timeline in Python: every milestone travels to the page, and what cannot be is refused."""

import json
from xml.etree import ElementTree

import pytest
from traitlets import TraitError

from llmkit.milestones import MILESTONES, find
from llmkit.widgets import Timeline, bundle
from llmkit.widgets.timeline import RANGES, SPANS


def test_every_milestone_travels_with_its_source_and_nothing_is_made_up():
    points = Timeline().points
    assert [point["name"] for point in points] == [one.name for one in MILESTONES]
    assert all(point["url"].startswith("https://") and point["source"] for point in points)
    for point, one in zip(points, MILESTONES, strict=True):
        assert ("parameters" in point) == (one.parameters is not None)
        assert ("compute" in point) == (one.compute is not None) and ("estimate" in point) == one.is_estimate
    assert next(point for point in points if point["name"] == "GPT-4").keys().isdisjoint({"parameters", "compute", "tokens"})


def test_every_number_and_year_fits_into_the_picture():
    for one in MILESTONES:
        for field, (low, high) in RANGES.items():
            value = getattr(one, field)
            assert value is None or 10**low <= value <= 10**high
        assert SPANS["all"][0] <= one.year <= SPANS["all"][1]


@pytest.mark.parametrize("bad", [{"shows": "price"}, {"span": "tomorrow"}, {"picked": -1}, {"picked": len(MILESTONES)}, {"guess": 3}, {"picked": 1.5}])
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    shown = Timeline()
    ((name, value),) = bad.items()
    before = getattr(shown, name)
    with pytest.raises(TraitError):
        setattr(shown, name, value)
    assert getattr(shown, name) == before


def test_the_refusal_says_why():
    with pytest.raises(TraitError, match="shows must be one of 'parameters', 'compute'; got 'price'"):
        Timeline(shows="price")


@pytest.mark.parametrize("shows", RANGES)
@pytest.mark.parametrize("span", SPANS)
def test_the_page_gets_plain_json_and_a_small_picture(shows, span):
    page = Timeline(shows=shows, span=span, question=False).page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"])) and page["state"]["kernel"] is False
    assert len(page["picture"]) < 12_000 and len(json.dumps(page)) < 30_000
    circles = [element for element in ElementTree.fromstring(page["picture"]).iter() if element.tag.endswith("circle")]
    assert len(circles) == sum(getattr(one, shows) is not None and one.year >= SPANS[span][0] for one in MILESTONES)


def test_nothing_after_2000_is_drawn_before_the_reader_has_guessed():
    asked = Timeline().page_bundle()["picture"]
    assert asked.count("<circle") == sum(one.parameters is not None and one.year < 2000 for one in MILESTONES)


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("timeline").encode())
    print(f"timeline with kit: {size:,} bytes")
    assert size < 30_000


def test_a_timeline_says_what_it_shows():
    assert repr(Timeline()) == f"Timeline: {len(MILESTONES)} milestones from 1958 to 2025, by parameters"
    assert Timeline(picked=0).milestone == find("Perceptron") and Timeline().milestone == find("NETtalk")
