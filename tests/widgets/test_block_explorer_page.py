"""The block explorer on a page without a kernel, driven with mouse and keyboard in Chromium."""

import itertools

import pytest
import torch
from bare_page import axe_violations, settle, state, table_numbers, visits
from budgets import check_budgets

from llmkit.residual import PARTS
from llmkit.widgets import BlockExplorer
from llmkit.widgets.block_explorer import cut, embedding, fresh_blocks

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live explorer; no page may end with an error."""
    with visits(browser, bare_site, BlockExplorer) as visit:
        yield visit


def words(page) -> str:
    settle(page)
    return page.locator(".be-words").inner_text()


def part(page, name: str, which: int = 0):
    return page.get_by_role("checkbox", name=name).nth(which)


# ---- the mathematics -----------------------------------------------------------------------------------------------


OFF = [(), ("norm1", "norm2"), ("add1", "add2"), ("attention",), ("feed_forward", "add2"), ("norm1",), ("norm1", "norm2", "add1", "add2"), tuple(PARTS)]


def test_javascript_and_pytorch_have_the_same_stream_and_gradient_whatever_is_switched_off(page):
    text, depth = "the cat 猫坐 🙂 مرحبا", 5
    asked = [list(each) for each in itertools.product(("pre", "post"), ("layer", "rms"), map(list, OFF))]
    got = page.evaluate(
        """async ([text, depth, asked]) => {
          const js = await import("/block.js");
          const words = js.cut(text), layers = js.makeLayers(), readouts = js.directions().slice(0, words.length);
          const flat = (rows) => Float64Array.from(rows.flatMap((row) => [...row]));
          const x = () => flat(words.map(js.embedding));
          return asked.map(([place, norm, off]) => js.run(x(), layers(depth), place, norm, new Set(off), flat(readouts)));
        }""",
        [text, depth, asked],
    )
    for (place, norm, off), found in zip(asked, got, strict=True):
        explorer = BlockExplorer(text=text, depth=depth, place=place, norm=norm, off=off)
        assert found["stream"] == pytest.approx(explorer.stream_norms, rel=1e-6, abs=1e-9), (place, norm, off)
        assert found["gradient"] == pytest.approx(explorer.gradient_norms, rel=1e-6, abs=1e-9), (place, norm, off)
        for mine, theirs in zip(explorer.passage.wrote, found["wrote"], strict=True):
            assert theirs == pytest.approx({name: each.norm(dim=-1).mean().item() for name, each in mine.items()}, rel=1e-6, abs=1e-9)


def test_javascript_and_pytorch_draw_the_same_rows_and_the_same_weights(page):
    got = page.evaluate(
        """async () => {
          const js = await import("/block.js");
          const last = js.makeLayers()(16)[15];
          return { rows: ["cat", "猫", "🙂", ""].map((word) => [...js.embedding(word)]), query: [...last.query], outer: [...last.outer] };
        }"""
    )
    for word, row in zip(("cat", "猫", "🙂", ""), got["rows"], strict=True):
        assert torch.allclose(torch.tensor(row, dtype=torch.float64), embedding(word), rtol=0, atol=1e-12)
    for name in ("query", "outer"):
        expected = getattr(fresh_blocks()[15], name).flatten()
        assert torch.allclose(torch.tensor(got[name], dtype=torch.float64), expected, rtol=0, atol=1e-12)


TEXTS = ["the cat  sat", "猫坐在垫子上。", "cat猫sat", "مرحبا بك", "🙂‍↕️ ok", "\u3000\u00a0x\u2009y", "かな カナ 漢字", "naïve e\u0301", "<b>bold</b> &amp;"]


def test_javascript_and_python_cut_texts_alike(page):
    got = page.evaluate("""async (texts) => { const js = await import("/block.js"); return texts.map(js.cut); }""", TEXTS)
    assert got == [cut(text) for text in TEXTS]


@pytest.mark.parametrize("given", [{}, {"place": "post", "norm": "rms", "off": ["add1"]}, {"depth": 1, "off": ["norm1", "norm2"]}])
def test_the_table_shows_what_pytorch_computes(show, given):
    page = show(question=False, **given)
    shown = [[float(cell) for cell in row] for row in table_numbers(page)]
    mine, whole = BlockExplorer(**given), BlockExplorer(**{**given, "off": []})
    expected = zip(mine.stream_norms, mine.gradient_norms, whole.stream_norms, whole.gradient_norms, strict=True)
    for depth, (row, numbers) in enumerate(zip(shown, expected, strict=True)):
        assert row[0] == depth and row[1:] == pytest.approx(numbers, rel=1e-6)


# ---- the question --------------------------------------------------------------------------------------------------


def test_a_guess_switches_the_norms_off_and_shows_what_happens(show):
    page = show()
    assert "What becomes of the stream, and of the gradient" in words(page)
    assert part(page, "LayerNorm").is_checked()
    page.get_by_role("button", name="both grow beyond measure").click()
    assert words(page).startswith("Yes. Without norms a part reads a stream")
    assert "from 5.46 to 2,433" in words(page) and "to 4,730." in words(page)
    assert state(page, "off", "guess", "question") == [["norm1", "norm2"], 2, True]
    assert not part(page, "LayerNorm").is_checked() and not part(page, "LayerNorm", 1).is_checked()
    part(page, "LayerNorm").check()
    assert words(page).startswith("One of the two norms is gone")
    assert state(page, "off", "question") == [["norm2"], False]


def test_a_wrong_guess_is_answered_with_the_reason(show):
    page = show()
    page.get_by_role("button", name="both fade away").press("Enter")
    assert words(page).startswith("Look again. Without norms")


def test_touching_a_control_before_the_guess_keeps_the_question(show):
    page = show()
    page.get_by_role("slider", name="blocks").press("ArrowLeft")
    assert "Suppose the norms" in words(page)
    assert state(page, "depth", "block", "question") == [11, 11, True]


# ---- what the controls do ------------------------------------------------------------------------------------------


def test_every_part_has_a_switch_that_the_keyboard_reaches(show):
    page = show(question=False)
    for name, which, key in (("LayerNorm", 0, "norm1"), ("attention", 0, "attention"), ("add to", 0, "add1"),
                             ("LayerNorm", 1, "norm2"), ("feed-forward", 0, "feed_forward"), ("add to", 1, "add2")):  # fmt: skip
        part(page, name, which).press("Space")
        assert state(page, "off") == [[key]]
        part(page, name, which).press("Space")
        assert state(page, "off") == [[]]


def test_pre_and_post_put_the_norms_in_other_places(show):
    page = show(question=False)

    def order():
        settle(page)
        return [text.split("\n")[0] for text in page.locator(".be-row").all_inner_texts()]

    assert order() == ["the stream comes in", "LayerNorm", "attention", "add to the stream", "LayerNorm", "feed-forward", "add to the stream"]
    page.get_by_role("radio", name="post-norm").check()
    assert order() == ["the stream comes in", "attention", "add to the stream", "LayerNorm", "feed-forward", "add to the stream", "LayerNorm"]
    assert words(page).startswith("Each addition is followed by a norm")
    page.get_by_role("radio", name="RMSNorm").check()
    assert order()[3] == "RMSNorm" and state(page, "place", "norm") == ["post", "rms"]


def test_each_row_says_its_shape_and_the_size_of_what_it_gave_on(show):
    page = show(question=False, text="the cat sat", block=4)
    rows = page.locator(".be-row").all_inner_texts()
    wrote = BlockExplorer(text="the cat sat", block=4).passage.wrote[3]
    assert "3 × 32, inside 4 × 3 × 3" in rows[2] and "3 × 32, inside 3 × 128" in rows[5]
    for row, name in zip(rows[1:], PARTS, strict=True):
        assert float(row.split("\n")[-1]) == pytest.approx(wrote[name].norm(dim=-1).mean().item(), rel=6e-3)


def test_an_addition_that_is_off_breaks_the_stream_in_the_picture(show):
    page = show(question=False)
    assert page.locator(".be-gone").count() == 0
    part(page, "add to").uncheck()
    settle(page)
    assert page.locator(".be-gone").count() == 1


def test_a_press_in_a_curve_chooses_the_block(show):
    page = show(question=False, context={"viewport": {"width": 760, "height": 900}})
    box = page.locator(".be-field").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 5.1 / 12, box["y"] + 40)
    assert state(page, "block") == [5]
    assert "then block 6 of 12" in page.locator(".be-after").inner_text()
    page.get_by_role("slider", name="look at block").press("ArrowRight")
    assert state(page, "block") == [6]


def test_the_readers_words_are_read_and_are_text(show):
    page = show(question=False)
    box = page.get_by_role("textbox", name="your words")
    box.fill("<b>猫</b> مرحبا 🙂")
    settle(page)
    assert page.locator(".be-chips span").all_inner_texts() == cut("<b>猫</b> مرحبا 🙂")
    assert page.locator(".be-chips b").count() == 0
    assert "5 × 32" in page.locator(".be-row").first.inner_text()
    for text in ("ab c", "a bc"):  # the same letters, cut elsewhere
        box.fill(text)
        settle(page)
        assert page.locator(".be-chips span").all_inner_texts() == text.split()


def test_no_words_are_answered_with_a_sentence_and_the_last_good_ones_stay(show):
    page = show(question=False)
    box = page.get_by_role("textbox", name="your words")
    box.fill("   ")
    settle(page)
    assert page.get_by_role("alert").inner_text() == "There is no word in the box; the picture still shows the words before."
    assert state(page, "text") == ["the cat sat on the mat"]
    assert page.locator(".be-chips span").count() == 6
    box.fill("a b c d e f g h i j")
    settle(page)
    assert page.get_by_role("alert").inner_text() == "Of your 10 words the first 8 are read."
    assert page.locator(".be-chips span").count() == 8
    box.fill("a")
    settle(page)
    assert page.get_by_role("alert").count() == 0 or page.get_by_role("alert").is_hidden()


def test_everything_switched_off_is_still_a_picture(show):
    page = show(question=False, off=list(PARTS))
    assert words(page).startswith("Nobody looks and nobody thinks")
    assert "NaN" not in page.locator(".llm").inner_html() and "Infinity" not in page.locator(".llm").inner_html()


# ---- for everybody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 760])
def test_the_page_below_stays_where_it_is_whatever_is_switched(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {round(page.locator(".llm").bounding_box()["height"])}
    page.get_by_role("button", name="both hold steady").click()
    settle(page)
    heights.add(round(page.locator(".llm").bounding_box()["height"]))
    for place, off, depth in itertools.product(("pre", "post"), OFF, (1, 16)):
        page.evaluate("given => Object.entries(given).forEach((pair) => models[0].set(...pair))", {"place": place, "off": list(off), "depth": depth, "block": 1, "question": False})
        settle(page)
        heights.add(round(page.locator(".llm").bounding_box()["height"]))
    assert len(heights) == 1
    kept = int(page.locator("figure").evaluate("figure => parseFloat(getComputedStyle(figure).minHeight) || 0"))
    print(f"block explorer at {width} px: {heights} px high, {kept} px kept free")


@pytest.mark.parametrize("question", [True, False])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, question):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, question=question, off=["norm1", "add2"])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


@pytest.mark.timed
def test_the_budgets_hold_while_everything_slides(show):
    page = show(question=False, depth=16, text="a b c d e f g h")
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"block explorer: live {live} ms after it came into view")
    assert live <= 500
    check_budgets(page, "block explorer, blocks", ".be-controls input[type=range]", [i % 16 + 1 for i in range(60)])
    check_budgets(page, "block explorer, look at block", ".be-block input[type=range]", [i % 16 + 1 for i in range(60)])
