"""The head atlas on a page without a kernel, driven with mouse and keyboard in Chromium."""

import pytest
import torch
from bare_page import axe_violations, settle, table_numbers, visits
from budgets import PRESS, keep_budgets, timed

from llmkit import models
from llmkit.metrics import entropy
from llmkit.widgets import head_atlas
from llmkit.widgets.head_atlas import SENTENCES, HeadAtlas

pytestmark = pytest.mark.browser

MARKUP = "<script>alert(1)</script></script><img src=x onerror=alert(2)>"
LONG = "the keys to the old cabinet in the hall are on the table " * 9

ROUND = [*["ArrowRight"] * 6, *["ArrowDown"] * 5, *["ArrowLeft"] * 5, *["ArrowUp"] * 4] * 3


@pytest.fixture(scope="module")
def minilm():
    loaded = models.load("minilm")
    return loaded.model, loaded.tokenizer


@pytest.fixture
def show(browser, bare_site, minilm):
    """show(text, sentences=..., theme=, viewport=...) -> page with a live atlas; no page may end with an error."""
    atlases = []

    def make(text, sentences, **traits):
        atlases.append(HeadAtlas(*minilm, text, sentences=sentences, **{"layer": 5, "head": 11, **traits}))
        return atlases[-1]

    with visits(browser, bare_site, make) as live:

        def visit(text=SENTENCES[0], theme="light", context=None, sentences=SENTENCES, **traits):
            page = live(theme, context, text=text, sentences=sentences, **traits)
            page.atlas = atlases[-1]
            return page

        yield visit


def head(page, name):
    return page.get_by_role("gridcell", name=name, exact=True)


def token(page, side, word):
    return page.get_by_role("listbox").nth(side).get_by_role("option", name=word)


def said(page):
    settle(page)
    return page.locator(".atlas-readout").inner_text().strip()


def line(page):
    settle(page)
    return page.locator(".atlas-line").inner_text()


def reading(page, layer, number):
    stats = page.atlas.answer["stats"]
    k = layer * 12 + number
    return f"Head {layer}.{number}: mean entropy {stats['entropy'][k]:.2f} nats, looks {stats['distance'][k]:.1f} tokens away, {100 * stats['last'][k]:.0f}% to [SEP]."


def inks(page, selector):
    """How many different colors a canvas shows."""
    return page.eval_on_selector(
        selector,
        """(canvas) => {
          const data = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
          return new Set(data).size; }""",
    )


def test_the_first_picture_is_the_head_that_was_picked_in_python(show):
    page = show()
    assert line(page) == reading(page, 5, 11)
    assert page.get_by_role("gridcell").count() == 72
    assert head(page, "Head 5.11").get_attribute("aria-selected") == "true"
    assert inks(page, ".atlas-thumbs canvas") > 50
    assert inks(page, ".atlas-lines canvas") > 10


def test_a_head_is_picked_with_the_mouse(show):
    page = show()
    before = page.locator(".atlas-lines canvas").screenshot()
    head(page, "Head 3.1").click()
    settle(page)
    assert line(page) == reading(page, 3, 1)
    assert page.locator("[aria-selected=true][role=gridcell]").count() == 1
    assert page.locator(".atlas-lines canvas").screenshot() != before
    assert page.evaluate("[models[0].get('layer'), models[0].get('head')]") == [3, 1]


def test_heads_are_picked_with_arrow_keys_from_one_tab_stop(show):
    page = show(layer=2, head=4)
    assert page.locator("[role=gridcell][tabindex='0']").count() == 1
    head(page, "Head 2.4").focus()
    for key, name in (("ArrowDown", "3.4"), ("ArrowRight", "3.5"), ("ArrowUp", "2.5"), ("ArrowLeft", "2.4"), ("End", "5.11"), ("Home", "0.0"), ("ArrowUp", "0.0")):
        page.keyboard.press(key)
        assert line(page).startswith(f"Head {name}:")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"Head {name}"


@pytest.mark.parametrize(("sort", "first"), [("entropy", min), ("distance", max), ("first", max), ("last", max)])
def test_heads_are_sorted_by_what_python_computed(show, sort, first):
    page = show()
    page.get_by_label("Heads", exact=True).first.select_option(sort)
    settle(page)
    values = page.atlas.answer["stats"][sort]
    best = values.index(first(values))
    labels = page.get_by_role("gridcell").evaluate_all("(cells) => cells.map((cell) => cell.getAttribute('aria-label'))")
    assert labels[0].startswith(f"Head {best // 12}.{best % 12}, ")
    shown = [values[int(label.split()[1].strip(",").split(".")[0]) * 12 + int(label.split()[1].strip(",").split(".")[1])] for label in labels]
    assert shown == sorted(shown, reverse=first is max)
    assert line(page) == reading(page, 5, 11)  # the picked head stays picked


def test_a_token_under_the_pointer_says_what_it_looks_at(show):
    page = show(anew=True)
    token(page, 0, "it").hover()
    row = page.atlas.trace.attention[5, 11, 8]
    spread = entropy(row).item()
    text = said(page)
    assert text.startswith("it looks at cat 0.71, mat 0.10, [CLS] 0.09; entropy ")
    assert float(text.split()[-2]) == pytest.approx(spread, abs=0.06)  # from bytes, half a step of 1/255 per cell
    assert token(page, 1, "cat").inner_text().split() == ["cat", "0.71"]
    page.mouse.move(1, 1)
    assert said(page) == ""


def test_tokens_are_walked_through_with_arrow_keys(show):
    page = show()
    page.get_by_role("listbox", name="Tokens that look").focus()
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    assert said(page).startswith("it looks at cat 0.71")
    active = page.locator("[role=listbox]").first.get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").inner_text() == "it"
    page.keyboard.press("Escape")
    assert said(page) == ""
    page.get_by_role("listbox", name="Tokens looked at").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    column = page.atlas.trace.attention[5, 11, :, 2]
    assert said(page).startswith(f"cat is looked at by cat {column.max():.2f}")


def test_a_cell_of_the_heatmap_is_read_out_by_mouse_and_by_keyboard(show):
    page = show(view="heatmap")
    settle(page)
    canvas = page.get_by_role("application")
    canvas.focus()
    for key in [*["ArrowDown"] * 8, *["ArrowRight"] * 2]:
        page.keyboard.press(key)
    assert said(page) == "it → cat 0.71"
    page.wait_for_timeout(600)
    assert page.locator(".llm-voice").inner_text() == "it → cat 0.71"
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 50, box["y"] + box["height"] - 10)
    assert said(page).startswith("[SEP] → ")


def test_the_table_shows_the_weights_of_the_picked_head(show):
    page = show(layer=4, head=2)
    numbers = table_numbers(page)
    expected = page.atlas.trace.attention[4, 2]
    assert [row[0] for row in numbers] == list(page.atlas.trace.tokens)
    shown = torch.tensor([[float(cell) for cell in row[1:]] for row in numbers])
    assert (shown - expected).abs().max() <= 0.5 / 255 + 0.005 + 1e-6
    head(page, "Head 0.2").click()
    assert table_numbers(page) != numbers


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_stored_sentence_can_be_chosen(show, sentence):
    page = show()
    page.get_by_label("Sentence").select_option(str(SENTENCES.index(sentence)))
    page.atlas.text = sentence
    settle(page)
    shown = page.get_by_role("listbox").first.get_by_role("option").evaluate_all("(all) => all.map((one) => one.title)")
    assert tuple(shown) == page.atlas.trace.tokens
    assert line(page) == reading(page, 5, 11)
    assert "stored when the lesson was run" in page.locator(".atlas-status").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_a_kernel_there_is_no_text_box_but_a_way_to_one(show):
    page = show()
    assert page.get_by_label("Your sentence").count() == 0
    assert page.get_by_text("open this lesson in JupyterLab or Colab").is_visible()


def test_markup_in_a_sentence_is_text(show):
    page = show(MARKUP, sentences=[MARKUP])
    assert page.locator("figure img, .llm script").count() == 0
    assert page.locator("[role=option]", has_text="script").count() >= 4
    assert page.get_by_label("Sentence").locator("option").inner_text().startswith("<script>alert(1)</script>")
    assert page.errors == []


@pytest.mark.timed
def test_scrubbing_heads_keeps_its_budgets(show):
    page = show()
    check_scrubbing(page, "13 tokens, lines")
    page.get_by_label("heatmap").check(force=True)
    check_scrubbing(page, "13 tokens, heatmap")


@pytest.mark.timed
def test_128_tokens_keep_the_budgets_too(show, monkeypatch):
    monkeypatch.setattr(head_atlas, "MOST_STORED", 2_000_000)
    page = show(LONG, sentences=[LONG])
    assert page.locator("[role=option]").count() == 2 * 119
    check_scrubbing(page, "119 tokens, lines")
    page.get_by_label("heatmap").check(force=True)
    check_scrubbing(page, "119 tokens, heatmap")
    longest = page.evaluate("Math.max(0, ...window.longTasks)")
    print(f"119 tokens, from the start: longest task {longest:.0f} ms")


def check_scrubbing(page, what):
    def scrub():
        page.locator("[role=gridcell][tabindex='0']").focus()
        return timed(page, PRESS, ROUND, rest_after=3)

    keep_budgets(f"{what}, {len(ROUND)} heads", scrub)


def test_axe_finds_nothing_wrong(show):
    page = show()
    assert axe_violations(page) == []
    page.get_by_label("heatmap").check(force=True)
    page.get_by_label("Heads", exact=True).first.select_option("entropy")
    table_numbers(page)
    assert axe_violations(page) == []


def test_a_phone_shows_it_whole(show):
    page = show(context={"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    smallest = page.get_by_role("gridcell").evaluate_all("(cells) => Math.min(...cells.map((cell) => cell.offsetWidth))")
    assert smallest >= 20
    page.get_by_label("heatmap").check(force=True)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
