"""The ladder on a page without a kernel, driven with mouse and keyboard in Chromium; and with a kernel, answered by Python."""

from base64 import b64encode

import pytest
import torch
from bare_page import axe_violations, settle, visits
from budgets import check_budgets
from kernel_page import open_with_kernel

from llmkit.widgets import Ladder
from llmkit.widgets.ladder import TEXT, count_tales

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 800}}
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
AFTER = """async ([text, contexts]) => {
  const { makeNgrams, unpack } = await import('/ngram.js');
  const view = new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const ngrams = makeNgrams(unpack(view), 1, 1536, 0.75);
  return contexts.map((ids) => [ngrams.after(ids).map((shares) => Array.from(shares)), ids.map((_, id) => ngrams.share(ids, 7 * id))]);
}"""

IDLE = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => done(performance.now())));
  const idle = [];
  for (let i = 0; i < 20; i++) { const rest = performance.now(); idle.push((await frame()) - rest); }
  return idle.sort((a, b) => a - b)[18];
}"""


@pytest.fixture
def show(browser, bare_site):
    """show(theme=, context=, **traits) -> page with a live ladder that has read its text; no page may end with an error."""
    with visits(browser, bare_site, Ladder) as live:

        def visit(theme="light", context=None, **traits):
            page = live(theme, context, **traits)
            ready(page)
            return page

        yield visit


def ready(page):
    """Wait until all six have read the whole text."""
    page.wait_for_function("""() => document.querySelector('.ld-status').textContent
      && !/Reading|reading/.test(document.querySelector('.ld-about').textContent + document.querySelector('.ld-status').textContent)""", timeout=20_000)
    settle(page)


def box(page):
    return page.get_by_label("Your text")


def type_text(page, text):
    box(page).fill(text)
    ready(page)


def rows_of(page, which):
    details = page.locator(".llm-details").nth(which)
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    settle(page)
    return details.locator("tbody tr").evaluate_all("rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent))")


def test_counting_in_the_page_gives_the_numbers_of_python_for_seen_and_unseen_contexts(page):
    models = [count_tales(order) for order in range(1, 6)]
    rows = list(models[4].counts[4])
    chance = torch.Generator().manual_seed(0)
    contexts = [list(rows[i]) for i in torch.randint(len(rows), (6,), generator=chance).tolist()]
    contexts += [torch.randint(0, 1536, (4,), generator=chance).tolist(), [1], [1, 1, 1, 1], [5, 6, *contexts[0]], [9, *contexts[1][1:]], [*contexts[2], 2]]
    got = page.evaluate(AFTER, [b64encode(Ladder().counted).decode(), contexts])
    worst = 0.0
    for ids, (dense, single) in zip(contexts, got, strict=True):
        for n, (model, shares) in enumerate(zip(models, dense, strict=True)):
            padded = (1,) * n + tuple(ids)
            context = padded[len(padded) - n :]
            expected = model.probabilities(context)
            worst = max(worst, max(abs(a - b) for a, b in zip(shares, expected, strict=True)))
            for place in range(len(ids)):
                assert single[place][n] == pytest.approx(expected[7 * place], abs=1e-12)
    print(f"\nn-grams in the page differ from Python's by at most {worst:.1e}")
    assert worst <= 1e-12


def test_whatever_is_typed_the_page_says_what_python_says(show):
    page, w = show(asks=False), Ladder()
    for text in ("Nora the fox woke", "", "天上 🦊 مرحبا", MARKUP, "Otto the bear had lost his kite. "):
        type_text(page, text)
        w.text = text
        costs = [[to_float(cell) for cell in row[1:]] for row in finished_rows(page)]
        assert len(costs) == len(w.ids) - 1
        for m in range(6):
            assert [row[m] for row in costs] == pytest.approx(w.surprisals(m), **near(m))
        rows = rows_of(page, 1)
        for m, name in enumerate(["n = 1", "n = 2", "n = 3", "n = 4", "n = 5", "the network"]):
            mine = [row for row in rows if row[0] == name]
            assert [float(row[3]) for row in mine[:1]] == pytest.approx([w.likeliest(m, 1)[0][1]], **near(m))
            if m < 5:
                shares = w.probabilities(m)
                assert [float(row[3]) for row in mine] == pytest.approx([shares[int(row[2])].item() for row in mine], abs=1e-6)
    assert page.locator("script[src*=alert], img").count() == 0


def finished_rows(page):
    """The surprises, when the network has answered too: counting is done at once, it thinks in a worker."""
    for _ in range(100):
        rows = rows_of(page, 0)
        if not any("–" in row for row in rows):
            break
        page.wait_for_timeout(100)
    return rows


def near(m):
    """Counting is exact; the network's weights are int8 in the page, and its own tests compare it with PyTorch."""
    return {"abs": 0.1, "rel": 0.1} if m == 5 else {"abs": 1e-6}


def to_float(cell):
    return float(cell.replace("−", "-"))


def test_the_bars_stay_hidden_until_the_reader_has_guessed(show):
    page = show()
    assert page.get_by_text("Which model will say blue?").is_visible()
    assert page.locator(".ld-hidden").count() == 4
    assert "·blue" not in page.locator(".ld-cards").inner_text()
    assert [row[:2] for row in rows_of(page, 1)][10:] == [["n = 3", "?"], ["n = 4", "?"], ["n = 5", "?"], ["the network", "?"]]
    page.get_by_role("button", name="the network", exact=True).press("Enter")
    settle(page)
    words = page.locator(".ld-words").inner_text()
    assert words.startswith("Yes. Five-token counts see “I did to your” and no further back")
    assert page.locator(".ld-hidden").count() == 0
    assert page.locator(".ld-card").last.locator(".ld-name").first.inner_text() == "·blue"
    assert rows_of(page, 1)[25][1] == "·blue"
    assert page.evaluate("models[0].get('guess')") == 1


def test_a_wrong_guess_gets_the_reason_not_a_scolding(show):
    page = show()
    page.get_by_role("button", name="n = 5", exact=True).click()
    settle(page)
    assert page.locator(".ld-words").inner_text().startswith("Look again. Five-token counts see")


def test_typing_before_the_guess_opens_the_bars(show):
    page = show()
    type_text(page, "Nora")
    assert page.locator(".ld-hidden").count() == 0 and page.locator(".ld-guesses").count() == 0


def test_a_token_pressed_is_appended_and_every_model_reads_on(show):
    page = show(asks=False, text="Nora the")
    before = page.locator(".ld-chip").count()
    row = page.locator(".ld-card").nth(3).locator(".ld-row").nth(1)
    name = row.locator(".ld-name").inner_text()
    row.focus()
    page.keyboard.press("Enter")
    ready(page)
    assert page.locator(".ld-chip").count() == before + 1
    assert page.locator(".ld-chip").last.inner_text() == name
    assert box(page).input_value() == "Nora the" + name.replace("·", " ")


def test_the_picked_model_tints_the_text_by_keyboard(show):
    page, w = show(asks=False), Ladder()
    page.get_by_role("radio", name="n = 5").focus()
    for expected in (5, 0):
        page.keyboard.press("ArrowRight")
        settle(page)
        assert page.evaluate("models[0].get('picked')") == expected
        tints = page.locator(".ld-chip").evaluate_all("chips => chips.map((chip) => Number(/ (\\d+)%/.exec(chip.style.background)?.[1] ?? NaN))")
        assert tints == pytest.approx([40 * min(1, nats / 8) for nats in w.surprisals(expected)], abs=1.1)
    assert "The greatest surprise to n = 1" in page.locator(".ld-about").inner_text()


def test_a_token_is_drawn_from_the_picked_model_and_appended(show):
    page = show(asks=False, text="Nora the", picked=1)
    before = page.locator(".ld-chip").count()
    for _ in range(3):
        page.get_by_role("button", name="Draw a token").click()
        ready(page)
    assert page.locator(".ld-chip").count() >= before + 2 or "end of the tale" in page.locator(".llm-notice").inner_text()


def test_the_texts_to_try_and_back_again(show):
    page = show(asks=False)
    for label, beginning in (("the first words of another", "One warm"), ("a claim about physics", "The speed"), ("another alphabet", "从前"), ("the tale of the bucket", "Nina")):
        page.get_by_label("text", exact=True).select_option(label=label)
        ready(page)
        assert box(page).input_value().startswith(beginning)
    assert box(page).input_value() == TEXT


def test_a_text_at_the_limit_is_read_and_nothing_longer_can_be_put_in(show):
    page = show(asks=False)
    type_text(page, "Nora the fox looked in the garden and by the well. " * 19)
    assert page.locator(".ld-chip").count() == 150 and "The last 150 tokens are shown" in page.locator(".ld-about").inner_text()
    type_text(page, "a" * 999)
    page.evaluate("document.querySelector('.ld textarea').value += ' xyz'")
    page.locator(".ld-card").first.locator(".ld-row").first.click()
    assert "at most 1,000 characters" in page.locator(".llm-notice").inner_text()


def test_without_the_file_the_counts_go_on_and_a_sentence_says_what_is_missing(show):
    page = show(asks=False, context={"viewport": {"width": 760, "height": 602}})
    page.route("**/tinylm/model.js*", lambda route: route.abort())
    box(page).fill("Nora the")
    page.get_by_text("could not be fetched").wait_for()
    assert page.locator(".ld-card").nth(1).locator(".ld-share").first.inner_text().endswith("%")
    page.unroute("**/tinylm/model.js*")
    type_text(page, "Nora the fox")  # the next text tries again
    page.errors.clear()  # the refused request is in the console


@pytest.mark.parametrize("width", [390, 720])
def test_the_page_below_stays_where_it_is_whatever_is_typed(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    page.get_by_role("button", name="both").click()
    settle(page)
    heights.add(page.locator(".llm").bounding_box()["height"])
    for text in ("", "Nora", TEXT * 2, "漢" * 200):
        type_text(page, text)
        heights.add(page.locator(".llm").bounding_box()["height"])
    assert max(heights) - min(heights) < 2


def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show):
    page = show("light", PHONE, asks=True)
    rows_of(page, 0), rows_of(page, 1)
    assert axe_violations(page) == []
    page.get_by_role("button", name="both").click()
    settle(page)
    assert axe_violations(page) == []
    type_text(page, "Nora the fox, 天上 🦊 مرحبا " + "漢" * 60)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


def test_with_a_kernel_python_answers_for_the_network(browser, serve, tmp_path):
    w = Ladder()
    page = open_with_kernel(browser, serve, tmp_path, w)
    page.get_by_role("button", name="both").click()
    settle(page)
    assert w.guess == 2
    box(page).fill("Otto the bear")
    page.wait_for_function("document.querySelectorAll('.ld-chip').length === 4 && !document.querySelector('.ld-waiting')", timeout=20_000)
    assert "tales-gpt-mini on" in page.locator(".ld-status").inner_text()
    settle(page)
    assert w.answer["text"] == "Otto the bear"
    assert page.locator(".ld-card").last.locator(".ld-name").first.inner_text() == w.likeliest(5, 1)[0][0]
    w.text = "Nora the fox"
    page.evaluate("document.activeElement.blur(); window.refresh()")
    settle(page)
    assert box(page).input_value() == "Nora the fox"
    assert page.errors == []
    page.close()


@pytest.mark.timed
def test_the_budgets_hold_while_typing(show):
    best = float("inf")
    for _ in range(4):
        page = show(asks=False)
        live, idle = int(page.locator("figure").get_attribute("data-llm-live")), page.evaluate(IDLE)
        print(f"ladder: live {live} ms after it came into view (an empty frame {idle:.0f} ms)")
        best = min(best, live / max(1.0, idle / 16.7))  # as for the other budgets: a busy machine stretches
        if best <= 500:
            break
    assert best <= 500
    long = "Nora the fox looked in the garden and by the well, but she found nothing. " * 4
    type_text(page, long[:40])
    check_budgets(page, "ladder, typing", ".ld textarea", [long[: 40 + i * 99 // 59] for i in range(60)])
