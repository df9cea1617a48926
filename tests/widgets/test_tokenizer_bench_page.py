"""The tokenizer bench on a page without a kernel, driven with mouse and keyboard in Chromium; and beside a kernel."""

import pytest
from bare_page import axe_violations, settle, visits
from budgets import check_budgets, keep_budgets, timed
from kernel_page import open_with_kernel

from llmkit.trace import visible
from llmkit.widgets import TokenizerBench
from llmkit.widgets.tokenizer_bench import CHINESE, ENGLISH, EXAMPLES

pytestmark = pytest.mark.browser
TEXT, SENTENCE = "The text it learns from", "Your sentence"


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live bench that has learned; no page may end with an error."""
    with visits(browser, bare_site, TokenizerBench) as live:

        def visit(theme="light", context=None, **traits):
            page = live(theme, context, **traits)
            wait(page)
            return page

        yield visit


def wait(page) -> None:
    page.wait_for_selector(".llm[data-ready]", timeout=20_000)
    settle(page)


def tokens(page) -> list[str]:
    return page.locator(".tb-token").all_inner_texts()


def words(page) -> str:
    return page.locator(".tb-words").inner_text()


def type_into(page, name: str, text: str) -> None:
    page.get_by_label(name, exact=True).first.fill(text)
    page.wait_for_timeout(30)
    wait(page)


def test_the_reader_guesses_before_anything_moves_and_then_sees_the_six_bytes(show):
    page = show()
    assert page.get_by_text("How many tokens will 风筝").is_visible()
    assert page.get_by_role("slider").is_disabled() and page.get_by_role("button", name="Next").is_disabled()
    assert not page.locator(".tb-cut").is_visible()
    page.get_by_role("button", name="2, one per character").press("Enter")
    settle(page)
    bench = TokenizerBench(step=4000)
    first = next(step.number for step in bench.merges if step.left + step.right == "Ġkite")
    assert words(page).startswith("Look again: 6, its bytes.") and f"·kite became one token with merge {first}." in words(page)
    assert len(tokens(page)) == len(bench.tokens) and page.evaluate("models[0].get('guess')") == 1
    assert page.locator(".tb-cut").is_visible()


def test_a_right_guess_is_told_so_and_gives_way_to_the_first_step(show):
    page = show()
    page.get_by_role("button", name="6, one per byte").click()
    settle(page)
    assert words(page).startswith("Yes: 6, its bytes.")
    page.get_by_role("button", name="Back").click()
    settle(page)
    assert words(page).startswith("Merge 61 joins")
    page.get_by_label("learn from").select_option(label="both")
    page.wait_for_timeout(50)
    wait(page)
    assert "风筝" in tokens(page)


def test_the_slider_and_the_keys_make_one_merge_after_the_other(show):
    page = show(question=False, text="low low lower lowest", sentence="slower")
    assert words(page).startswith("Nothing is learned yet")
    slider = page.get_by_role("slider", name="merges")
    seen = [tokens(page)]
    for step in TokenizerBench(text="low low lower lowest").merges:
        slider.press("ArrowRight")
        settle(page)
        seen.append(tokens(page))
        assert words(page).startswith(f"Merge {step.number} joins")
        assert f"seen {step.count} times in the text" in words(page)
    assert seen == [list("slower"), ["s", "lo", "w", "e", "r"], *[["s", "low", "e", "r"]] * 3]
    assert "·low" in page.locator(".tb-now .tb-made").inner_text()
    assert words(page).endswith("now no pair stands side by side twice.")
    slider.press("Home")
    settle(page)
    assert tokens(page) == list("slower")
    page.get_by_role("button", name="Next").press("Enter")
    settle(page)
    assert page.locator(".tb-new").all_inner_texts() == ["lo"]


def test_play_goes_to_the_end_and_stops_and_stillness_is_honored(show):
    page = show(question=False, text="low low lower lowest", sentence="slower")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("models[0].get('step') === 4 && document.querySelector('.tb-buttons').textContent.includes('Play')", timeout=5_000)
    assert tokens(page) == ["s", "low", "e", "r"]
    still = show(context={"reduced_motion": "reduce"}, question=False)
    still.get_by_role("button", name="Play").click()
    settle(still)
    assert still.evaluate("models[0].get('step')") == 62


@pytest.mark.parametrize(("name", "text", "sentence"), EXAMPLES, ids=[name for name, *_ in EXAMPLES])
def test_every_example_shows_the_tokens_of_python(show, name, text, sentence):
    page = show(question=False, step=4000)
    page.get_by_label("learn from").select_option(label=name)
    page.wait_for_timeout(50)
    wait(page)
    bench = TokenizerBench(text=text, sentence=sentence, step=4000)
    page.locator("summary", has_text="Tokens as table").click()
    page.wait_for_selector(".llm-details[open] td")
    rows = page.eval_on_selector_all(".llm-details[open] tbody tr", "rows => rows.map((r) => [...r.cells].map((c) => c.textContent))")
    assert [int(row[2]) for row in rows] == bench.token_ids
    assert [row[3] for row in rows] == [bench.tokenizer.bytes_of(one).hex(" ").upper() for one in bench.token_ids]
    shown = tokens(page)
    for one, index in zip(shown, bench.token_ids, strict=True):
        piece = bench.tokenizer.bytes_of(index)
        if one == piece.hex(" ").upper():
            continue
        assert one.split(" ")[0] in visible(piece.decode("utf-8", "replace")) or any(part in one for part in piece.hex(" ").upper().split())
    assert page.locator(".tb-strip").get_attribute("dir") == ("rtl" if name == "Arabic" else "ltr")


def test_what_the_reader_types_is_learned_and_cut(show):
    page = show(question=False)
    type_into(page, TEXT, "the thin thing then thinned")
    type_into(page, SENTENCE, "nothing")
    page.get_by_role("slider").press("End")
    settle(page)
    bench = TokenizerBench(text="the thin thing then thinned", sentence="nothing", step=4000)
    assert tokens(page) == bench.tokens
    assert page.locator("select").input_value() == "own"
    assert page.evaluate("models[0].get('text')") == "the thin thing then thinned"
    page.locator("summary", has_text="Merges as table").click()
    page.wait_for_selector(".llm-details[open] td")
    rows = page.eval_on_selector_all(".llm-details[open] tbody tr", "rows => rows.map((r) => [...r.cells].map((c) => c.textContent))")
    assert [[row[1], row[2], int(row[5])] for row in rows] == [[visible(s.left.replace("Ġ", " ")), visible(s.right.replace("Ġ", " ")), s.count] for s in bench.merges]


@pytest.mark.parametrize(("name", "bad", "says"), [
    (TEXT, "", "There is nothing to learn from"), (TEXT, " \n ", "There is nothing to learn from"),
    (TEXT, "风" * 1334, "at most 4,000 bytes, and this one has 4,002"), (SENTENCE, "", "There is no sentence to cut"),
    (SENTENCE, "a" * 301, "at most 300 bytes, and this one has 301"),
])  # fmt: skip
def test_bad_input_is_answered_with_a_sentence_and_the_last_good_state_stays(show, name, bad, says):
    page = show(question=False, step=9)
    before = tokens(page)
    type_into(page, name, bad)
    assert says in page.locator(".llm-notice").inner_text()
    assert tokens(page) == before
    page.get_by_role("slider").press("ArrowLeft")
    settle(page)
    assert page.get_by_label(name, exact=True).first.input_value() == bad  # what was typed is not lost
    type_into(page, name, "good again, good again")
    assert not page.locator(".llm-notice").is_visible()


def test_a_text_without_repetition_teaches_nothing_and_says_so(show):
    page = show(question=False, text="abcdefg", sentence="cab")
    assert "there is nothing to join" in words(page)
    assert tokens(page) == ["c", "a", "b"] and page.get_by_role("slider").is_disabled()


def test_text_of_a_reader_is_text_and_never_html(show):
    page = show(question=False)
    type_into(page, TEXT, "<img src=x onerror=alert(1)> <img src=x onerror=alert(1)>")
    type_into(page, SENTENCE, "<img src=x onerror=alert(1)>")
    page.get_by_role("slider").press("End")
    settle(page)
    assert page.locator(".llm img").count() == 0
    assert "".join(tokens(page)).replace("·", " ") == "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("width", [390, 720])
def test_the_page_below_stays_where_it_is_whatever_is_done(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    page.get_by_role("button", name="6, one per byte").click()
    for number, _ in enumerate(EXAMPLES):
        page.locator("select").select_option(str(number))
        for key in ("Home", "End", "ArrowLeft"):
            page.wait_for_timeout(40)
            wait(page)
            heights.add(page.locator(".llm").bounding_box()["height"])
            page.get_by_role("slider").press(key)
    assert len(heights) == 1


@pytest.mark.parametrize("question", [True, False])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, question):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, question=question, step=0 if question else 40, text=f"{ENGLISH}\n{CHINESE}" if not question else ENGLISH)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


def test_beside_a_kernel_what_is_typed_reaches_python(browser, serve, tmp_path):
    bench = TokenizerBench(question=False)
    page = open_with_kernel(browser, serve, tmp_path, bench)
    type_into(page, SENTENCE, "kite 猫")
    page.get_by_role("slider").press("End")
    page.wait_for_timeout(400)
    assert (bench.sentence, bench.step) == ("kite 猫", 62)
    assert len(tokens(page)) == len(bench.tokens)
    for bad in ("", "a" * 301):  # is told in the page, and never reaches Python
        page.get_by_label(SENTENCE, exact=True).first.fill(bad)
        page.wait_for_timeout(300)
        assert page.locator(".llm-notice").is_visible() and bench.sentence == "kite 猫"
    type_into(page, SENTENCE, "kite 猫")
    bench.text, bench.step = "kite kite kite", 2
    page.evaluate("window.refresh()")
    page.wait_for_timeout(100)
    wait(page)
    assert tokens(page)[0] == "kit" and len(tokens(page)) == len(bench.tokens)
    assert page.errors == []
    page.close()


@pytest.mark.timed
def test_the_budgets_hold_while_merges_slide_and_while_a_long_text_is_typed(show):
    long = (f"{ENGLISH}\n{CHINESE}\n" * 5)[:2450]
    page = show(question=False, text=long.encode()[:3990].decode("utf-8", "ignore"), sentence=(ENGLISH[:120] + CHINESE).encode()[:300].decode("utf-8", "ignore"))
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"tokenizer bench: live {live} ms after it came into view")
    assert live <= 500
    last = int(page.get_by_role("slider").get_attribute("max"))
    check_budgets(page, f"tokenizer bench, {last} merges", ".tb-steps input[type=range]", [(i * 37) % (last + 1) for i in range(60)])
    typing = """(number) => {
      const box = document.querySelector(".tb-learn textarea");
      box.value = box.value.slice(0, -1) + (number % 2 ? "e" : "t");
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }"""
    keep_budgets("tokenizer bench, 60 letters typed into 4,000 bytes", lambda: timed(page, typing, list(range(60))))
