"""The alignment on a page without a kernel: it reads the reader's own string, driven with mouse and keyboard in Chromium."""

import pytest
import torch
from bare_page import axe_violations, settle, state, table_numbers, visits
from budgets import keep_budgets, timed

from llmkit.recipes import reversing
from llmkit.widgets import Alignment
from llmkit.widgets.alignment import STRING, called, signs

pytestmark = pytest.mark.browser

BYTES = "Uint8Array.from(atob(packed), (one) => one.charCodeAt(0)).buffer"


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live widget; no page may end with an error."""
    with visits(browser, bare_site, Alignment) as visit:
        yield visit


def words(page) -> str:
    settle(page)
    return page.locator(".al-words").inner_text()


def tallies(page) -> list[str]:
    settle(page)
    return page.locator(".al-tally").all_inner_texts()


def rows(page, panel: int) -> str:
    settle(page)
    return "".join(page.locator(".al-panel").nth(panel).locator(".al-rows bdi").all_inner_texts())


# ---- the mathematics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["without", "with"])
@pytest.mark.parametrize("string", [STRING, "a", "aaaaaaaa", "abcdefghijklmnopqrstuvwx"])
def test_javascript_and_pytorch_write_alike(page, kind, string):
    shown = Alignment(string)
    packed = shown.state_for_page()["weights"]["base64"]
    got = page.evaluate(
        f"""async ([packed, shapes, kind, ids]) => {{
          const js = await import("/gru.js");
          const mine = js.readWeights(new DataView({BYTES}), shapes, kind + ".");
          return js.makeWriter(mine)(ids);
        }}""",
        [packed, shown.shapes, kind, shown.ids[0].tolist()],
    )
    expected = shown.result(kind)
    assert got["letters"] == expected.letters[0].tolist()
    for name in ("chances", "weights"):
        found = torch.tensor(got[name], dtype=torch.float64)
        assert (found - getattr(expected, name)[0]).abs().max() < 1e-6


@pytest.mark.parametrize("string", ["abc", "猫a犬b猫 ñ", "👩‍🚀é👍🏽x", "שלום", "Aa.,"])
def test_javascript_and_python_lend_the_same_letters(page, string):
    ids, names = page.evaluate("async (string) => { const js = await import('/gru.js'); const all = js.borrow(js.signs(string)); return [all.ids, all.names]; }", string)
    assert ids == Alignment(string).ids[0].tolist() and names == called(signs(string))


def test_halves_are_read_to_the_last_bit(page):
    numbers = torch.tensor([0.0, -0.0, 1.0, -2.5, 6e-8, 6.1e-5, 65504.0, 0.333], dtype=torch.float16)
    got = page.evaluate("async (bytes) => Array.from((await import('/gru.js')).halves(new DataView(Uint8Array.from(bytes).buffer), 0, bytes.length / 2))", list(numbers.numpy().tobytes()))
    assert got == numbers.double().tolist()


def test_the_table_shows_what_pytorch_computes(show):
    page, shown = show(question=False), Alignment()
    table = table_numbers(page)
    assert len(table) == len(STRING)
    for t, (place, right, *cells) in enumerate(table):
        assert (place, right) == (str(t + 1), STRING[-1 - t])
        for kind, (letter, chance, looked, weight) in zip(("without", "with"), (cells[:4], cells[4:]), strict=True):
            expected = shown.result(kind)
            assert letter == reversing.LETTERS[expected.letters[0, t]]
            assert float(chance) == pytest.approx(expected.chances[0, t].max().item(), abs=1e-6)
            assert float(weight) == pytest.approx(expected.weights[0, t].max().item(), abs=1e-6)
            most = expected.weights[0, t].argmax().item()
            assert looked == f"{STRING[most]} ({most + 1})"


# ---- the question --------------------------------------------------------------------------------------------------


def test_the_answer_stays_hidden_until_the_reader_has_guessed(show):
    page = show()
    assert "Which letters will it get wrong?" in words(page)
    assert rows(page, 0) == rows(page, 1) == "" and page.locator(".al-hidden:visible").count() == 2
    assert len(table_numbers_or_none(page)) == 0
    page.get_by_role("button", name="the last letters it writes").click()
    assert words(page).startswith("Yes: it goes wrong from letter")
    assert rows(page, 1) == STRING[::-1] and rows(page, 0) != rows(page, 1)
    assert tallies(page)[1] == "15 of 15 right"


def table_numbers_or_none(page) -> list:
    page.locator(".llm-details summary").click()
    return page.locator(".llm-table tbody tr").all()


def test_a_wrong_guess_gets_the_reason(show):
    page = show()
    page.get_by_role("button", name="the first letters it writes").press("Enter")
    assert words(page).startswith("Look again: it goes wrong from letter")


# ---- what the controls do ------------------------------------------------------------------------------------------


def type_in(page, string: str) -> None:
    page.get_by_label("Your string").fill(string)
    settle(page)


def test_a_string_that_is_typed_is_written_backwards_by_both(show):
    page = show()
    type_in(page, "attend")
    assert rows(page, 0) == rows(page, 1) == "dnetta"
    assert state(page, "text", "written", "question") == ["attend", 6, False]
    assert page.get_by_label("try").input_value() == "1"


@pytest.mark.parametrize(("string", "back"), [("猫と犬🐕", "🐕犬と猫"), ("שלום", "םולש"), ("a b!", "!b a")])
def test_any_script_is_written_backwards(show, string, back):
    page = show(question=False)
    type_in(page, string)
    assert "".join(page.locator(".al-panel").nth(1).locator(".al-rows bdi").all_text_contents()) == back


def test_html_is_text(show):
    page = show(question=False)
    type_in(page, "<b onclick=x>")
    assert page.locator(".al b").count() == 2  # the two titles
    assert page.locator(".al-columns").first.inner_text().replace("\n", "").startswith("<b")


@pytest.mark.parametrize(("bad", "sentence"), [("", "Type at least one letter."), ("x" * 25, "At most 24 letters fit here; this has 25.")])
def test_a_string_that_does_not_fit_gets_a_sentence_and_the_last_good_picture_stays(show, bad, sentence):
    page = show(question=False)
    before = rows(page, 1)
    type_in(page, bad)
    assert sentence in page.locator(".llm-notice").inner_text() and rows(page, 1) == before
    type_in(page, "abc")
    assert page.locator(".llm-notice").is_hidden() and rows(page, 1) == "cba"


def test_python_can_send_a_string_and_nonsense_is_answered(show):
    page = show(question=False)
    page.evaluate("models[0].set('text', 'cat')")
    assert rows(page, 1) == "tac" and page.get_by_label("Your string").input_value() == "cat"
    page.evaluate("models[0].set('text', '')")
    settle(page)
    assert page.locator(".llm-notice").is_visible() and rows(page, 1) == "tac"


def test_the_slider_scrubs_through_the_letters_from_the_keyboard(show):
    page = show(question=False)
    slider = page.get_by_role("slider", name="letters written")
    slider.press("Home")
    assert tallies(page) == ["0 of 0 right"] * 2
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    assert tallies(page)[1] == "2 of 2 right" and rows(page, 1) == STRING[:-3:-1]
    assert page.locator(".al-line").nth(1).inner_text().startswith("Letter 2: ")


def test_play_writes_letter_by_letter_and_with_reduced_motion_at_once(show):
    page = show(question=False)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("models[0].get('written') === 2", timeout=10_000)
    page.get_by_role("button", name="Stop").click()
    written = state(page, "written")[0]
    page.wait_for_timeout(500)
    assert state(page, "written")[0] == written < len(STRING)
    still = show(question=False, written=0, context={"reduced_motion": "reduce"})
    still.get_by_role("button", name="Play").click()
    assert state(still, "written") == [len(STRING)]


def test_a_row_is_told_under_the_mouse_and_from_the_keyboard(show):
    page = show(question=False, context={"viewport": {"width": 760, "height": 900}})
    box = page.locator(".al-field").nth(1).bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] * 2.5 / len(STRING))
    assert state(page, "row") == [2]
    assert all(line.startswith("Letter 3: ") for line in page.locator(".al-line").all_inner_texts())
    page.get_by_role("slider", name="look at letter").press("ArrowRight")
    assert state(page, "row") == [3]


def test_past_training_the_words_say_so(show):
    page = show(question=False)
    page.get_by_label("try").select_option("3")
    assert "no string had more than 16 letters" in words(page)


# ---- for everybody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 760])
def test_the_page_below_stays_where_it_is_whatever_is_typed(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    page.get_by_role("button", name="all of them").click()
    settle(page)
    heights.add(page.locator(".llm").bounding_box()["height"])
    for string in ("a", "attend", "abcdefghijklmnopqrstuvwx", "猫と犬🐕"):
        type_in(page, string)
        heights.add(page.locator(".llm").bounding_box()["height"])
    print(f"alignment at {width}: {heights}")
    assert max(heights) - min(heights) < 1


@pytest.mark.parametrize("question", [True, False])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, question):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, question=question)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


TYPE = """(text) => {
  const input = document.querySelector(".al-box");
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}"""
SCRUB = """(value) => {
  const input = document.querySelector(".al-controls input[type=range]");
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}"""


@pytest.mark.timed
def test_the_budgets_hold_while_the_reader_types_and_scrubs(show):
    page = show(question=False)
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"alignment: live {live} ms after it came into view")
    assert live <= 500
    typed = ["abcdefghijklmnopqrstuvwx"[: 1 + i % 24] for i in range(60)]
    keep_budgets("alignment, typing", lambda: timed(page, TYPE, typed))
    keep_budgets("alignment, scrubbing", lambda: timed(page, SCRUB, [i % 25 for i in range(60)]))
