"""The timeline on a page without a kernel, driven with mouse and keyboard in Chromium."""

import math

import pytest
from bare_page import axe_violations, settle, state, table_numbers, visits
from budgets import check_budgets

from llmkit.milestones import MILESTONES, find
from llmkit.widgets import Timeline
from llmkit.widgets.timeline import RANGES, SPANS

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live timeline; no page may end with an error."""
    with visits(browser, bare_site, Timeline) as visit:
        yield visit


def words(page) -> str:
    settle(page)
    return page.locator(".tl-words").inner_text()


def card(page) -> str:
    settle(page)
    return page.locator(".tl-card").inner_text()


def index(name: str) -> int:
    return MILESTONES.index(find(name))


@pytest.mark.parametrize("shows", RANGES)
@pytest.mark.parametrize("span", SPANS)
def test_every_dot_stands_where_its_date_and_its_logarithm_say(show, shows, span):
    page = show(question=False, shows=shows, span=span)
    found = page.evaluate("[...document.querySelectorAll('.tl-dot')].map((dot) => [dot.hidden, parseFloat(dot.style.left), dot.style.top])")
    (first, last), (low, high) = SPANS[span], RANGES[shows]
    for (hidden, left, top), one in zip(found, MILESTONES, strict=True):
        x, value = 100 * (one.year - first) / (last - first), getattr(one, shows)
        assert hidden == (x < 0) and left == pytest.approx(x, abs=0.01)
        if value is not None:
            assert float(top.rstrip("%")) == pytest.approx(100 * (high - math.log10(value)) / (high - low), abs=0.01)
        else:
            assert top.startswith("calc(")


def test_the_table_holds_every_number_and_its_source(show):
    table = table_numbers(show(question=False))
    for row, one in zip(table, MILESTONES, strict=True):
        assert row[0] == one.when and row[1] == one.name and row[8] == one.source
        assert row[3] == ("–" if one.parameters is None else f"{one.parameters:,.0f}")
        assert row[7] == ("6ND" if one.is_estimate else "" if one.compute is None else one.given_by or "published")
        assert row[6] == "–" if one.compute is None else float(row[6]) == pytest.approx(one.compute, rel=0.01)


# ---- the question --------------------------------------------------------------------------------------------------


def visible(page) -> int:
    settle(page)
    return page.locator(".tl-dot:not([hidden])").count()


def test_what_came_after_2000_stays_hidden_until_the_reader_has_guessed(show):
    page = show()
    assert "How many times as many has Kimi K2" in words(page)
    assert visible(page) == len(table_numbers(page)) == sum(one.year < 2000 for one in MILESTONES)
    page.get_by_role("button", name="fifty million").click()
    assert words(page).startswith("Yes: 53.7 million times as many, in 38 years.")
    assert visible(page) == len(table_numbers(page)) == len(MILESTONES) and card(page).startswith("Kimi K2 · July 2025")


def test_a_wrong_guess_gets_the_number_and_gives_way_with_the_next_step(show):
    page = show()
    page.get_by_role("button", name="ten thousand").press("Enter")
    assert words(page).startswith("More: 53.7 million times")
    page.get_by_role("slider", name="milestone").press("ArrowLeft")
    assert words(page).startswith("Half a century of ideas")


# ---- what the controls do ------------------------------------------------------------------------------------------


def test_the_arrow_keys_walk_through_the_years(show):
    page = show(question=False, picked=index("GPT"))
    page.get_by_role("slider", name="milestone").press("ArrowRight")
    assert state(page, "picked") == [index("BERT (large)")]
    assert "BERT (large) · October 2018" in card(page) and "340 million" in card(page) and "5.3 × 10²⁰ operations (brown2020)" in card(page)
    assert page.get_by_role("link", name="source").get_attribute("href") == find("BERT (large)").url
    page.get_by_role("slider", name="milestone").press("End")
    assert "1 trillion, 32 billion at work for a token" in card(page) and "estimated as 6ND" in card(page)


def test_what_was_never_published_is_said_to_be_so(show):
    page = show(question=False, picked=index("GPT-4"))
    assert card(page).count("not published") == 2
    assert page.locator(".tl-dot.tl-picked.tl-none").count() == 1


def test_a_press_on_a_dot_picks_it(show):
    page = show(question=False, context={"viewport": {"width": 760, "height": 900}})
    dot = page.locator(".tl-dot").nth(index("GPT-3")).bounding_box()
    page.mouse.click(dot["x"] + 5, dot["y"] + 5)
    assert state(page, "picked") == [index("GPT-3")]


def test_height_and_years_are_chosen_from_the_keyboard(show):
    page = show(question=False)
    page.get_by_role("radio", name="parameters").press("ArrowRight")
    page.get_by_role("radio", name="since 1955").press("ArrowRight")
    assert state(page, "shows", "span") == ["compute", "recent"]
    assert find_year(page) >= 2012  # what is told about is in the picture
    assert page.locator(".tl-dot.tl-open").count() == sum(one.is_estimate for one in MILESTONES)


def find_year(page) -> float:
    return MILESTONES[state(page, "picked")[0]].year


@pytest.mark.parametrize(
    ("name", "bad", "sentence"),
    [("shows", "<b>", "The height shows parameters or compute."), ("span", 7, "The years are all or recent."), ("picked", 99, "A milestone has a number from 0 to")],
)
def test_a_state_that_cannot_be_gets_a_sentence_and_the_last_good_picture_stays(show, name, bad, sentence):
    page = show(question=False)
    before, good = card(page), page.evaluate("name => models[0].get(name)", name)
    page.evaluate("([name, bad]) => models[0].set(name, bad)", [name, bad])
    settle(page)
    assert sentence in page.locator(".llm-notice").inner_text() and card(page) == before
    page.evaluate("([name, good]) => models[0].set(name, good)", [name, good])
    settle(page)
    assert page.locator(".llm-notice").is_hidden()


# ---- for everybody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 760])
def test_the_page_below_stays_where_it_is_whatever_is_picked(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    page.get_by_role("button", name="a million").click()
    settle(page)
    heights.add(page.locator(".llm").bounding_box()["height"])
    for picked in range(len(MILESTONES)):
        page.evaluate("given => Object.entries(given).forEach((pair) => models[0].set(...pair))", {"picked": picked, "shows": "compute" if picked % 2 else "parameters", "question": False})
        settle(page)
        heights.add(page.locator(".llm").bounding_box()["height"])
    print(f"timeline at {width}: {heights}")
    assert max(heights) - min(heights) < 1


@pytest.mark.parametrize("question", [True, False])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, question):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, question=question)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


@pytest.mark.timed
def test_the_budgets_hold_while_the_reader_walks(show):
    page = show(question=False)
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"timeline: live {live} ms after it came into view")
    assert live <= 500
    check_budgets(page, "timeline, milestone", ".tl-under input", [i % len(MILESTONES) for i in range(60)])
