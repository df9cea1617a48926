"""The wave lab on a page without a kernel, driven with mouse and keyboard in Chromium."""

import pytest
import torch
from bare_page import axe_violations, settle, state, table_numbers, to_number, visits
from budgets import check_budgets

from llmkit.widgets import WaveLab
from llmkit.widgets.wave_lab import FORMULAS, PLACES, REACH

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live lab; no page may end with an error."""
    with visits(browser, bare_site, WaveLab) as visit:
        yield visit


def words(page) -> str:
    return page.locator(".wl-words").inner_text()


def dot_curve(page) -> str:
    return page.locator(".wl-curve").get_attribute("d")


# ---- the mathematics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize(("width", "base"), [(2, 10.0), (32, 10_000.0), (128, 1_000_000.0)])
def test_javascript_and_pytorch_have_the_same_waves_and_rotations(page, formula, width, base):
    w = WaveLab(width=width, pair=0, base=base, formula=formula, position=11, shift=7)
    got = page.evaluate(
        """async ([width, base, formula, count]) => {
          const js = await import("/waves.js");
          const speeds = js.rates(width, base, formula), rows = js.waves(count, speeds);
          return { rates: [...speeds], rows: rows.map((row) => [...row]), miss: js.apart(js.turned(rows[11], speeds, 7), rows[18]) };
        }""",
        [width, base, formula, PLACES + REACH],
    )
    expected = w.rates
    assert torch.allclose(torch.tensor(got["rates"], dtype=torch.float64), expected, rtol=1e-12, atol=0)
    assert (torch.tensor(got["rows"], dtype=torch.float64) - w.table).abs().max() < 1e-6
    assert got["miss"] == pytest.approx(w.miss, abs=1e-6)


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_table_shows_what_pytorch_computes(show, formula):
    page = show(formula=formula, question=False, position=9, pair=2)
    w = WaveLab(formula=formula, position=9, pair=2)
    shown = torch.tensor([[to_number(cell) for cell in row] for row in table_numbers(page)], dtype=torch.float64)
    expected = torch.stack([torch.arange(PLACES), w.table[:PLACES, 4], w.table[:PLACES, 5], w.dots], -1)
    assert (shown - expected).abs().max() < 1e-6


# ---- the question --------------------------------------------------------------------------------------------------


def test_the_curve_stays_hidden_until_the_reader_has_guessed(show):
    page = show()
    assert "What does that curve do when you drag p?" in words(page)
    assert dot_curve(page) == "" and page.get_by_text("Guess first").is_visible()
    page.get_by_role("slider", name="position p").press("ArrowRight")  # gives nothing away
    settle(page)
    assert dot_curve(page) == "" and state(page, "position", "question") == [21, True]
    assert {row[3] for row in table_numbers(page)} == {"?"}
    page.get_by_role("button", name="it slides along").click()
    settle(page)
    assert words(page).startswith("Yes: it slides along and keeps its shape")
    assert len(dot_curve(page)) > 300 and not page.get_by_text("Guess first").is_visible()
    assert to_number(table_numbers(page)[21][3]) == pytest.approx(16, abs=1e-6)


def test_a_wrong_guess_gets_the_reason_and_gives_way_to_the_comment_with_the_next_drag(show):
    page = show()
    page.get_by_role("button", name="it changes its shape").press("Enter")
    settle(page)
    assert words(page).startswith("Look again: it slides along")
    page.get_by_role("slider", name="position p").press("ArrowLeft")
    settle(page)
    assert words(page).startswith("Every pair turns by kω")
    assert state(page, "question", "guess", "position") == [False, 1, 19]


# ---- what the controls do ------------------------------------------------------------------------------------------


def points(page) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split())) for point in dot_curve(page)[1:].split("L")]


def test_the_curve_slides_with_the_right_formula_and_changes_with_a_frequency_per_column(show):
    page = show(question=False, position=20)
    for formula, slides in (("the paper’s", True), ("wrong: a frequency per column", False)):
        page.get_by_role("radio", name=formula).check()
        settle(page)
        slider = page.get_by_role("slider", name="position p")
        before = [y for _, y in points(page)]
        for _ in range(4):
            slider.press("ArrowRight")
        settle(page)
        after = [y for _, y in points(page)]
        for _ in range(4):
            slider.press("ArrowLeft")
        moved = max(abs(a - b) for a, b in zip(before[:60], after[4:], strict=True))
        assert (moved < 0.02) == slides


def test_the_verdict_on_the_rotation_follows_the_formula(show):
    page = show(question=False)
    verdict = page.locator(".wl-verdict")
    assert verdict.inner_text() == "Over all pairs, row p turned by R misses row p + k by 0.000."
    page.get_by_role("radio", name="wrong: a frequency per column").check()
    settle(page)
    assert verdict.inner_text().endswith(f"by up to {WaveLab(formula='columns').miss:.3f}.")
    assert "no rotation leads from p to p + k" in words(page)
    page.get_by_role("radio", name="wrong: multiplied").check()
    settle(page)
    assert verdict.inner_text().endswith("by 0.000.") and "close to noise" in words(page)


def test_the_hand_of_the_clock_leaves_the_rim_only_where_columns_have_their_own_frequency(show):
    page = show(question=False)
    inside = """() => Math.max(...[...document.querySelectorAll(".wl-trail circle")].map((point) =>
      Math.abs(Math.hypot(point.getAttribute("cx") - 100, point.getAttribute("cy") - 100) - 80)))"""
    assert page.evaluate(inside) < 0.2
    page.evaluate("models[0].set('formula', 'columns')")
    settle(page)
    assert page.evaluate(inside) > 20


def test_every_slider_works_from_the_keyboard(show):
    page = show(question=False)
    for name, trait, value in (("width C", "width", 64), ("base", "base", 100_000), ("pair", "pair", 2), ("step k", "shift", 6), ("position p", "position", 21)):
        page.get_by_role("slider", name=name).press("ArrowRight")
        assert state(page, trait) == [value]
    told = page.locator(".wl-strip .wl-title").first.inner_text()
    assert "Pair 2: sine and cosine" in told and f"ω = {WaveLab(width=64, base=100_000.0).rates[4]:.3g}" in told


def test_a_press_in_the_colors_takes_position_and_pair_there(show):
    page = show(question=False, context={"viewport": {"width": 760, "height": 900}})
    box = page.locator(".wl-heat").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 40.5 / 64, box["y"] + box["height"] * 9.5 / 32)
    assert state(page, "position", "pair") == [40, 4]
    box = page.locator(".wl-dots").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 10.5 / 64, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 12.5 / 64, box["y"] + 30)
    page.mouse.up()
    assert state(page, "position", "pair") == [12, 4]


def test_fewer_columns_leave_a_pair_that_is_there(show):
    page = show(question=False, pair=15)
    slider = page.get_by_role("slider", name="width C")
    for _ in range(4):
        slider.press("ArrowLeft")
    assert state(page, "width", "pair") == [2, 0]
    assert page.get_by_role("slider", name="pair").is_disabled()
    slider.press("End")
    assert state(page, "width") == [128]
    assert page.get_by_role("slider", name="pair").is_enabled()


def test_python_can_ask_for_a_width_and_a_base_that_the_sliders_do_not_stop_at(show):
    page = show(question=False, width=24, base=500.0, pair=3)
    assert page.locator(".wl-controls output").all_inner_texts() == ["24", "500"]
    assert f"ω = {WaveLab(width=24, base=500.0).rates[6]:.3g}" in page.locator(".wl-strip").first.inner_text()


def test_a_step_that_leaves_the_picture_is_still_told(show):
    page = show(question=False, position=60, shift=10)
    assert page.locator(".wl-dots .wl-dot").nth(1).is_hidden()
    w = WaveLab(position=60, shift=10)
    assert f"with row p + k {(w.table[60] @ w.table[70]).item():.3g}" in page.locator(".wl-strip").nth(2).inner_text()
    assert "From p = 60 to p + k = 70" in page.locator(".wl-about").inner_text()


# ---- for everybody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 760])
def test_the_page_below_stays_where_it_is_whatever_is_dragged(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    page.get_by_role("button", name="it flattens").click()
    settle(page)
    heights.add(page.locator(".llm").bounding_box()["height"])
    for formula in FORMULAS:
        for given in ({"width": 2, "base": 10, "position": 0, "shift": 1, "pair": 0}, {"width": 128, "base": 1_000_000, "position": 63, "shift": 16, "pair": 60}):
            page.evaluate("given => Object.entries(given).forEach((pair) => models[0].set(...pair))", {**given, "formula": formula, "question": False})
            settle(page)
            heights.add(page.locator(".llm").bounding_box()["height"])
    assert len(heights) == 1


@pytest.mark.parametrize("question", [True, False])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, question):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, question=question, formula="columns")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


@pytest.mark.timed
def test_the_budgets_hold_while_everything_slides(show):
    page = show(question=False, width=128)
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"wave lab: live {live} ms after it came into view")
    assert live <= 500
    check_budgets(page, "wave lab, position", ".wl-here input", [i * 63 // 59 for i in range(60)])
    check_budgets(page, "wave lab, width", ".wl-controls .llm-control:nth-of-type(1) input", [i % 7 for i in range(60)])
    check_budgets(page, "wave lab, pair", ".wl-sliders input", [i % 16 for i in range(60)])
