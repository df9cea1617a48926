"""The online-softmax stepper on a page without a kernel, stepped with mouse and keyboard in Chromium."""

import pytest
import torch
from bare_page import axe_violations, settle, state, table_numbers, to_number, visits
from budgets import check_budgets

from llmkit.widgets import OnlineSoftmax

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live stepper; no page may end with an error."""
    with visits(browser, bare_site, OnlineSoftmax) as visit:
        yield visit


def words(page) -> str:
    return page.locator(".os-words").inner_text()


def cards(page) -> list[float]:
    settle(page)
    return [to_number(text) for text in page.locator(".os-card b").all_inner_texts()]


# ---- the mathematics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tile", [1, 2, 3, 8])
@pytest.mark.parametrize("scale", [1.0, 900.0])
def test_javascript_and_pytorch_agree(page, tile, scale):
    scores, values = (torch.randn(8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).mul(scale).tolist() for seed in (1, 2))
    got = page.evaluate("async ([scores, values, tile]) => (await import('/online.js')).readTiles(scores, values, tile).slice(1)", [scores, values, tile])
    after = OnlineSoftmax(scores=scores, values=values, tile=tile).after[1:]
    assert len(got) == len(after)
    for js, ours in zip(got, after, strict=True):
        expected = [ours.top.item(), ours.total.item(), ours.mix.item(), ours.output.item()]
        assert [js[name] for name in ("top", "total", "mix", "output")] == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("tile", [1, 3])
def test_the_table_and_the_cards_show_what_pytorch_computes(show, tile):
    page, stepper = show(question=False, tile=tile, step=2), OnlineSoftmax(tile=tile, step=2)
    rows = table_numbers(page)[1:]
    for row, seen in zip(rows, stepper.after[1:], strict=True):
        assert [to_number(row[n]) for n in (1, 3, 4, 5)] == pytest.approx([seen.top.item(), seen.total.item(), seen.mix.item(), seen.output.item()], abs=1e-6)
    assert cards(page) == pytest.approx([stepper.seen.top.item(), stepper.seen.total.item(), stepper.seen.mix.item()], abs=6e-4)


# ---- the question --------------------------------------------------------------------------------------------------


def test_the_reader_guesses_and_the_tile_is_read(show):
    page = show()
    assert "The next tile holds the largest score so far. What happens to the two sums?" in words(page)
    assert len(table_numbers(page)) == 3, "the table stops where the reading has stopped"
    page.get_by_role("button", name="they are made smaller").click()
    settle(page)
    assert len(table_numbers(page)) == 5
    assert state(page, "step", "guess") == [3, 1]
    assert words(page).startswith("Yes: they are made smaller.") and "0.135" in words(page)
    assert page.locator(".os-shrink").count() == 2
    page.get_by_role("button", name="Read the next tile").click()
    assert state(page, "step", "question") == [4, False]
    assert "apart by less than 10⁻¹²" in page.locator(".os-result").inner_text()


def test_a_wrong_guess_gets_the_reason(show):
    page = show()
    page.get_by_role("button", name="nothing, they are done").press("Enter")
    settle(page)
    assert words(page).startswith("Look again: they are made smaller.")


# ---- what the controls do ------------------------------------------------------------------------------------------


def test_every_control_works_from_the_keyboard(show):
    page = show(question=False)
    page.get_by_role("slider", name="tiles read").press("ArrowRight")
    assert state(page, "step") == [3]
    page.get_by_role("button", name="One tile back").press("Enter")
    assert state(page, "step") == [2]
    page.get_by_role("slider", name="keys in a tile").press("ArrowLeft")
    assert state(page, "tile", "step") == [1, 4]  # the same four keys have been read
    page.get_by_role("spinbutton", name="score of key 1").fill("7")
    assert state(page, "scores")[0][0] == 7 and cards(page)[0] == 7


def test_the_ends_cannot_be_passed(show):
    page = show(question=False, step=0)
    assert page.get_by_role("button", name="One tile back").is_disabled()
    assert page.locator(".os-card b").first.inner_text() == "−∞"
    page.get_by_role("slider", name="tiles read").press("End")
    settle(page)
    assert page.get_by_role("button", name="Read the next tile").is_disabled()


def test_a_score_of_ten_thousand_does_not_overflow(show):
    page = show(question=False, step=4)
    page.get_by_role("spinbutton", name="score of key 3").fill("10000")
    assert cards(page) == [10000, 1, 40]
    assert "apart by less than 10⁻¹²" in page.locator(".os-result").inner_text()


@pytest.mark.parametrize("bad", ["", "1e9", "-20000", "--"])
def test_a_score_that_is_no_number_gets_a_sentence_and_the_old_one_stays(show, bad):
    page = show(question=False)
    before = cards(page)
    box = page.get_by_role("spinbutton", name="score of key 2")
    box.fill("")
    box.press_sequentially(bad)
    settle(page)
    if bad == "-20000":  # the numbers on the way there are numbers
        assert "so key 2 keeps its score −2000" in page.locator(".llm-notice").inner_text()
    else:
        assert "That is not a number from −10,000 to 10,000" in page.locator(".llm-notice").inner_text() and (cards(page) == before or bad == "1e9")
    box.blur()
    settle(page)
    assert page.locator(".llm-notice").is_hidden()


@pytest.mark.parametrize(
    ("name", "bad", "sentence"),
    [("scores", [1], "Each of 2 to 8 keys"), ("values", ["<b>"] * 8, "Each of 2 to 8 keys"), ("tile", 0, "A tile holds 1 to 8"), ("step", 1e9, "The number of tiles")],
)
def test_a_state_that_cannot_be_gets_a_sentence_and_the_last_good_picture_stays(show, name, bad, sentence):
    page = show(question=False)
    before, good = cards(page), page.evaluate("name => models[0].get(name)", name)
    page.evaluate("([name, bad]) => models[0].set(name, bad)", [name, bad])
    settle(page)
    assert sentence in page.locator(".llm-notice").inner_text() and cards(page) == before
    page.evaluate("([name, good]) => models[0].set(name, good)", [name, good])
    settle(page)
    assert page.locator(".llm-notice").is_hidden()


# ---- for everybody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 760])
def test_the_page_below_stays_where_it_is_at_every_step(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    page.get_by_role("button", name="begin again").click()
    for given in ({}, {"question": False}, *({"tile": tile, "step": step} for tile in (1, 3, 8) for step in range(0, -(-8 // tile) + 1)),
                  {"scores": [-9999.5, 9999.5, -1234.567, 0.001, 5, 5, 5, 9999.75], "tile": 1, "step": 8}):  # fmt: skip
        page.evaluate("given => Object.entries(given).forEach((pair) => models[0].set(...pair))", given)
        settle(page)
        heights.add(page.locator(".llm").bounding_box()["height"])
    print(f"Online softmax at {width}: {heights}")
    assert len(heights) == 1


@pytest.mark.parametrize("traits", [{}, {"question": False, "step": 3}])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, traits):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, **traits)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


@pytest.mark.timed
def test_the_budgets_hold_while_everything_slides(show):
    page = show(question=False, tile=1)
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"Online softmax: live {live} ms after it came into view")
    assert live <= 500
    check_budgets(page, "Online softmax, tiles read", ".os-controls input", [i % 9 for i in range(60)])
    check_budgets(page, "Online softmax, keys in a tile", ".os-controls .llm-control:nth-of-type(3) input", [1 + i % 8 for i in range(60)])
