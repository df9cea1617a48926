"""The mask painter on a page without a kernel, painted with mouse and keyboard in Chromium."""

import math

import pytest
import torch
from bare_page import axe_violations, settle, state, table_numbers, to_number, visits
from budgets import check_budgets, keep_budgets, timed

from llmkit.masks import reach
from llmkit.widgets import MaskPainter
from llmkit.widgets.mask_painter import EMPTY, KINDS

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live painter; no page may end with an error."""
    with visits(browser, bare_site, MaskPainter) as visit:
        yield visit


def words(page) -> str:
    settle(page)
    return page.locator(".mp-words").inner_text()


def cell(page, row, column):
    settle(page)
    return page.locator(f'.mp-cell[data-i="{row}"][data-j="{column}"]')


def marks(page) -> list[list[str]]:
    """For each row what the columns at the right say: '', 'hears', 'leak', 'nan', or '?' while hidden."""
    settle(page)
    return page.evaluate(
        """() => { const marks = [...document.querySelectorAll(".mp-mark")], rows = new Set([...document.querySelectorAll(".mp-cell")].map((c) => c.dataset.i)).size;
        const each = marks.length / rows;
        return Array.from({ length: rows }, (_, i) => marks.slice(i * each, (i + 1) * each).map((m) => m.textContent === "?" ? "?" : m.className.replace(/mp-mark ?|mp-/g, ""))); }"""
    )


# ---- the mathematics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("empty", EMPTY)
def test_javascript_and_pytorch_agree(page, kind, empty):
    strokes = [[1, 7], [0, 0], [3, 3], [2, 0], [2, 1], [2, 2]]
    painter = MaskPainter(kind=kind, size=3, strokes=strokes, empty=empty, changed=6)
    rows, columns = painter.mask.shape
    got = page.evaluate(
        """async ([kind, rows, columns, strokes, empty]) => {
          const js = await import("/masks.js");
          const mask = js.flipped(js.preset(kind, 3, rows, columns), strokes);
          const weights = js.maskedWeights(js.madeUp(rows, columns), mask, empty).map((row) => row.map((x) => Number.isNaN(x) ? "nan" : x));
          return { mask, weights, heard: rows === columns ? js.heard(mask, 6, 3) : [] };
        }""",
        [kind, rows, columns, strokes, empty],
    )
    assert got["mask"] == painter.mask.tolist()
    weights = torch.tensor([[float(x) for x in row] for row in got["weights"]], dtype=torch.float64)
    torch.testing.assert_close(weights, painter.weights, rtol=0, atol=1e-6, equal_nan=True)
    if rows == columns:
        assert got["heard"] == [reach(painter.mask, layers)[:, 6].tolist() for layers in (1, 2, 3)]


@pytest.mark.parametrize("traits", [{}, {"kind": "window", "changed": 1, "strokes": []}, {"kind": "cross", "strokes": [[0, 2]]}, {"strokes": [[3, 0], [3, 1], [3, 2], [3, 3]], "empty": "mean"}])
def test_the_table_shows_what_pytorch_computes(show, traits):
    page, painter = show(question=False, **traits), MaskPainter(**traits)
    rows = table_numbers(page)
    weights, heard = painter.weights, painter.heard()
    for i, row in enumerate(rows):
        shown = [0.0 if text == "–" else to_number(text) for text in row[1:9]]
        assert shown == pytest.approx(weights[i].tolist(), abs=1e-6)
        assert row[9:] == ["yes" if layer[i] else "no" for layer in heard]


# ---- the question --------------------------------------------------------------------------------------------------


def test_who_notices_stays_hidden_until_the_reader_has_guessed(show):
    page = show()
    assert "whose output changes when “tired” becomes another word?" in words(page)
    assert marks(page) == [["?"] * 3] * 8
    page.get_by_role("button", name="that one and all after it").click()
    assert marks(page) == [["", "", ""], ["leak"] * 3, *[["", "leak", "leak"]] * 5, ["hears"] * 3]
    assert words(page).startswith("Yes: “cat” and all after it")


def test_a_wrong_guess_gets_the_reason_and_gives_way_with_the_next_stroke(show):
    page = show()
    page.get_by_role("button", name="only the one that sees it").press("Enter")
    settle(page)
    assert words(page).startswith("Look again: “cat” and all after it")
    cell(page, 1, 7).click()
    assert state(page, "strokes", "question") == [[], False]
    assert words(page).startswith("Each word sees itself and what came before")
    assert all("leak" not in row for row in marks(page))


def test_painting_before_guessing_puts_the_question_away(show):
    page = show()
    cell(page, 0, 1).click()
    assert state(page, "question", "strokes") == [False, [[1, 7], [0, 1]]]
    assert words(page).startswith("A leak: after one layer “cat”, after three “the”, “cat”")


# ---- painting ------------------------------------------------------------------------------------------------------


def test_a_drag_opens_every_cell_it_meets_and_closes_none(show):
    page = show(question=False, strokes=[])
    start, end = (cell(page, 2, column).bounding_box() for column in (3, 6))
    page.mouse.move(start["x"] + 10, start["y"] + 10)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(start["x"] + 10 + (end["x"] - start["x"]) * step / 12, start["y"] + 10)
    page.mouse.up()
    page.mouse.move(end["x"] + 10, end["y"] + 80)  # nothing is painted without a button
    assert state(page, "strokes") == [[[2, 3], [2, 4], [2, 5], [2, 6]]]
    row = [to_number(page.locator(f'.mp-cell[data-i="2"][data-j="{j}"]').inner_text() or "0") for j in range(8)]
    assert sum(row) == pytest.approx(1, abs=0.03)
    page.get_by_role("button", name="Clear strokes").click()
    assert state(page, "strokes") == [[]]


def test_the_keyboard_moves_between_cells_and_turns_them_over(show):
    page = show(question=False, strokes=[])
    page.locator(".mp-cell[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    assert page.evaluate("[document.activeElement.dataset.i, document.activeElement.dataset.j]") == ["0", "1"]
    page.keyboard.press("Space")
    assert state(page, "strokes") == [[[0, 1]]]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("the sees cat, weight ")
    page.keyboard.press("Enter")
    assert state(page, "strokes") == [[]]
    assert page.locator(".mp-cell[tabindex='0']").count() == 1


def test_a_stroke_is_said_together_with_what_follows_from_it(show):
    page = show(question=False, strokes=[])
    page.locator(".mp-cell[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('.llm-voice').textContent.startsWith('the may see cat. ')", timeout=5000)
    page.get_by_role("button", name="Change cat").click()
    page.wait_for_function("document.querySelector('.llm-voice').textContent.startsWith('A leak: after one layer “the”')", timeout=5000)


def test_every_other_control_works_from_the_keyboard(show):
    page = show(question=False, strokes=[])
    page.get_by_role("radio", name="causal", exact=True).press("ArrowRight")
    assert state(page, "kind") == ["padding"]
    page.get_by_role("slider", name="padding").press("ArrowRight")
    assert state(page, "size") == [4]
    assert page.locator(".mp-head").all_inner_texts()[3:] == ["down", "[PAD]", "[PAD]", "[PAD]", "[PAD]"]
    page.get_by_role("radio", name="NaN").focus()
    page.get_by_role("radio", name="zeros").press("ArrowRight")
    assert state(page, "empty") == ["nan"]
    page.get_by_role("button", name="Change cat").press("Enter")
    assert state(page, "changed") == [1]


def test_a_row_that_sees_nothing_is_told_in_each_of_three_ways(show):
    page = show(question=False, strokes=[[2, 0], [2, 1], [2, 2]])
    assert words(page).startswith("“sat” may see nothing: softmax would divide 0 by 0.")
    page.get_by_role("radio", name="NaN").check()
    assert [row[0] for row in marks(page)][2] == "nan" and {row[1] for row in marks(page)} == {"nan"}
    assert cell(page, 2, 0).inner_text() == "NaN" and "0 × NaN is NaN" in words(page)
    page.get_by_role("radio", name="a mean").check()
    assert cell(page, 2, 7).inner_text() == ".13" and "softmax shares evenly" in words(page)


def test_cross_attention_has_its_own_rows_and_one_layer(show):
    page = show(question=False, kind="cross", strokes=[])
    assert page.locator(".mp-row").all_inner_texts() == ["因为", "它", "累", "了"]
    assert marks(page) == [["hears"]] * 4
    cell(page, 1, 7).click()
    assert marks(page) == [["hears"], [""], ["hears"], ["hears"]]


def test_a_window_hears_further_back_with_every_layer(show):
    page = show(question=False, kind="window", size=3, strokes=[], changed=0)
    assert [sum(mark == "hears" for mark in column) for column in zip(*marks(page), strict=True)] == [3, 5, 7]
    assert "after one it hears from 2 back, after two from 4, after three from 6" in words(page)


@pytest.mark.parametrize(
    ("name", "bad", "sentence"),
    [
        ("tokens", ["one"], "There must be 2 to 8 words"), ("tokens", [1, 2, 3], "There must be 2 to 8 words"), ("kind", "<i>", "There is no mask of that kind"),
        ("size", 99, "The size must be from 1 to 8"), ("strokes", [[9, 9]], "A stroke must be a cell"), ("changed", -1, "The word that changes"),
        ("empty", None, "An empty row gets"),
    ],
)  # fmt: skip
def test_a_state_that_cannot_be_gets_a_sentence_and_the_last_good_picture_stays(show, name, bad, sentence):
    page = show(question=False)
    before, good = page.locator(".mp-grid").inner_text(), page.evaluate("name => models[0].get(name)", name)
    page.evaluate("([name, bad]) => models[0].set(name, bad)", [name, bad])
    settle(page)
    assert sentence in page.locator(".llm-notice").inner_text() and page.locator(".mp-grid").inner_text() == before
    page.evaluate("([name, good]) => models[0].set(name, good)", [name, good])
    settle(page)
    assert page.locator(".llm-notice").is_hidden()


def test_words_of_any_script_are_text(show):
    tokens = ["<b>bold</b>", "猫在睡觉", "שלום", "👩‍👩‍👧", "", "&amp;", "a" * 60]
    page = show(question=False, tokens=tokens)
    assert page.locator(".mp-head").all_inner_texts() == [*tokens[:4], "␣", *tokens[5:]]
    assert page.locator(".mp-grid b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 760


# ---- for everybody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 760])
def test_the_page_below_stays_where_it_is_whatever_is_painted(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    empty_row = [[i, j] for i in (5, 6, 7) for j in range(8) if j <= i]
    for given in ({"guess": 0}, {"question": False}, {"strokes": [[0, 7], [1, 7]]}, {"strokes": empty_row}, {"empty": "nan"}, {"empty": "mean"},
                  {"strokes": [], "kind": "all"}, {"kind": "padding"}, {"kind": "prefix"}, {"kind": "window"}, {"kind": "cross"}):  # fmt: skip
        page.evaluate("given => Object.entries(given).forEach((pair) => models[0].set(...pair))", given)
        settle(page)
        heights.add(page.locator(".llm").bounding_box()["height"])
    print(f"Mask painter at {width}: {heights}")
    assert len(heights) == 1


@pytest.mark.parametrize("traits", [{}, {"question": False}, {"question": False, "strokes": [[1, 0], [1, 1]], "empty": "nan"}])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, traits):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, **traits)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


@pytest.mark.timed
def test_the_budgets_hold_while_everything_is_painted(show):
    page = show(question=False, kind="window", strokes=[])
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"Mask painter: live {live} ms after it came into view")
    assert live <= 500
    check_budgets(page, "Mask painter, window", ".mp-controls input[type=range]", [1 + i % 8 for i in range(60)])
    act = """(n) => { const cell = document.querySelectorAll(".mp-cell")[n % 64];
      cell.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, button: 0 })); dispatchEvent(new PointerEvent("pointerup")); }"""
    keep_budgets("Mask painter, 60 strokes", lambda: timed(page, act, [math.floor(i * 7) for i in range(60)]))
