"""The microscope on a page without a kernel, driven with mouse and keyboard in Chromium."""

import pytest
import torch
from bare_page import axe_violations, settle, table_numbers, to_number, visits
from budgets import check_budgets

from llmkit.widgets import Microscope

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, bare_site):
    with visits(browser, bare_site, Microscope) as visit:
        yield visit


def cell(page, i, j):
    return page.locator(f'.ms-cell[data-i="{i}"][data-j="{j}"]')


def random_numbers(tokens: int, d: int, e: int) -> dict:
    draw = torch.Generator().manual_seed(10 * tokens + d)
    sizes = {"query": d, "key": d, "value": e}
    numbers = {
        name: 3 * torch.randn(tokens, width, generator=draw, dtype=torch.float64)
        for name, width in sizes.items()
    }
    return {"tokens": [f"t{i}" for i in range(tokens)], **numbers}


def test_the_weights_stay_hidden_until_the_reader_has_guessed(show):
    page = show()
    assert page.get_by_text("look at most?").is_visible()
    assert cell(page, 2, 1).inner_text() == "?"
    assert "0.76" not in page.locator(".ms").inner_text()
    page.locator(".ms-options").get_by_role("button", name="sat", exact=True).click()
    settle(page)
    seen = Microscope()
    own, best = seen.trace.scores[2, 2], seen.trace.scores[2, 1]
    said = page.locator(".ms-line").inner_text()
    assert said.startswith(
        f"Not itself: its key (0, 2) scores {own:.2f}. cat offers (2, 0), scores {best:.2f}"
    )
    assert cell(page, 2, 1).inner_text() == f"{seen.weights[2, 1]:.2f}"
    assert page.evaluate("[models[0].get('guess'), models[0].get('step')]") == [2, 5]


def test_a_right_guess_can_be_made_in_the_grid_and_the_question_can_be_skipped(show):
    page = show()
    cell(page, 2, 1).click()
    settle(page)
    assert page.locator(".ms-line").inner_text().startswith("Yes")
    page = show()
    page.get_by_role("button", name="skip").click()
    settle(page)
    assert page.get_by_role("radio", name="1 multiply").is_checked()


def test_every_step_is_reached_by_keyboard_alone(show):
    page = show()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the second word
    settle(page)
    assert page.evaluate("models[0].get('guess')") == 1
    page.get_by_role("radio", name="5 softmax").focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.evaluate("models[0].get('step')") == 6
    output = Microscope().trace.output[2, 0]
    assert cell(page, 2, 4).inner_text() == f"{output:.2f}"


def test_arrow_keys_walk_the_grid_and_say_where_a_number_came_from(show):
    page = show(question=False, step=2)
    cell(page, 0, 0).focus() if cell(page, 0, 0).get_attribute("tabindex") == "0" else cell(
        page, 2, 0
    ).focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    i = int(page.evaluate("document.activeElement.dataset.i"))
    assert page.evaluate("document.activeElement.dataset.j") == "1"
    assert page.evaluate(
        "[...document.querySelectorAll('.ms-key')].map((k) => k.querySelectorAll('.ms-lit').length)"
    ) == [0, 2, 0, 0]
    assert (
        page.evaluate(f"document.querySelectorAll('.ms-query')[{i}].querySelectorAll('.ms-lit').length") == 2
    )
    page.wait_for_function("document.querySelector('.llm-voice').textContent.includes('score')", timeout=3000)


def test_pointing_at_a_cell_lights_its_query_and_its_key(show):
    page = show(question=False, step=3)
    cell(page, 3, 2).hover()
    settle(page)
    lit = (
        "which => [...document.querySelectorAll(which)].map((box) => box.querySelectorAll('.ms-lit').length)"
    )
    assert page.evaluate(lit, ".ms-query") == [0, 0, 0, 2]
    assert page.evaluate(lit, ".ms-key") == [0, 0, 2, 0]
    assert "down" in page.locator(".ms-work > p").inner_text()
    assert page.locator(".ms-work .ms-lit dd").all_inner_texts() == ["4 / √2", "≈ 2.83"]


def test_pointing_at_an_output_lights_its_weights_and_the_values_it_mixes(show):
    page = show(question=False, step=6)
    cell(page, 1, 5).hover()  # the second number of the output of "cat"
    settle(page)
    assert page.locator('.ms-cell.ms-lit[data-i="1"]').count() == 5
    assert (
        page.evaluate(
            "[...document.querySelectorAll('.ms-value')].map((v) => [...v.children].findIndex((x) => x.matches('.ms-lit')))"
        )
        == [1] * 4
    )


@pytest.mark.parametrize(
    ("tokens", "d", "e", "causal"), [(4, 2, 2, False), (8, 4, 3, True), (5, 1, 4, True), (3, 3, 1, False)]
)
def test_javascript_and_pytorch_agree_to_1e_6_on_random_numbers(show, tokens, d, e, causal):
    numbers = random_numbers(tokens, d, e)
    expected = Microscope(**numbers, causal=causal).trace
    page = show(**numbers, causal=causal, question=False, step=6)
    rows = table_numbers(page)
    for i in range(tokens):
        for j in range(tokens):
            shown = rows[i * (tokens + 1) + j]
            assert to_number(shown[5]) == pytest.approx(expected.scores[i, j].item(), abs=1e-6)
            assert to_number(shown[6]) == pytest.approx(expected.masked[i, j].item(), abs=1e-6)
            assert to_number(shown[7]) == pytest.approx(expected.weights[i, j].item(), abs=1e-6)
        output = [to_number(x) for x in rows[i * (tokens + 1) + tokens][8].split()]
        assert output == pytest.approx(expected.output[i].tolist(), abs=1e-6)


def test_the_work_by_hand_ends_in_the_numbers_of_pytorch_at_every_step(show):
    page = show(question=False)
    seen = Microscope().trace
    raw = seen.scores[2] * 2**0.5
    for step, expected in {2: raw, 3: seen.scores[2], 5: seen.weights[2]}.items():
        page.get_by_role("radio", name=f"{step} ").check()
        settle(page)
        shown = page.locator(".ms-work dl > div:not(.ms-sum) dd:last-child").all_inner_texts()
        assert [to_number(x.split()[1]) for x in shown] == pytest.approx(expected.tolist(), abs=0.005)


def test_a_changed_number_changes_the_weights_at_once_and_reset_brings_it_back(show):
    page = show(question=False, step=5)
    page.get_by_label("key of cat, number 1").fill("-3")
    settle(page)
    w = Microscope()
    w.key = [w.key[0], [-3.0, 0.0], *w.key[2:]]
    assert cell(page, 2, 1).inner_text() == f"{w.weights[2, 1]:.2f}"
    assert page.evaluate("models[0].get('key')[1]") == [-3, 0]
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert cell(page, 2, 1).inner_text() == "0.76"


def test_what_is_no_number_is_refused_with_a_sentence_and_the_last_good_one_stays(show):
    page = show(question=False, step=5)
    box = page.get_by_label("query of sat, number 1")
    for typed in ("e", "1e9", "--", ""):
        box.focus()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(typed) if typed else page.keyboard.press("Delete")
        settle(page)
        assert (
            page.locator(".llm-notice").inner_text()
            == "That is not a number from −100 to 100, so the query of “sat” keeps 2."
        )
        assert page.evaluate("models[0].get('query')[2]") == [2, 0.5]
        assert cell(page, 2, 1).inner_text() == "0.76"
        page.keyboard.press("Tab")
        assert box.input_value() == "2"
        assert page.locator(".llm-notice").is_hidden()
    box.fill("1e9")
    page.get_by_label("causal mask").evaluate("box => box.click()")  # the focus stays where it is
    settle(page)
    assert page.locator(".llm-notice").is_hidden()
    box.fill("1")
    settle(page)
    assert page.locator(".llm-notice").is_hidden()


def test_scores_of_ten_thousand_do_not_overflow(show):
    page = show(
        query=[[100, 100]] * 4, key=[[100, 100], [100, 99], [0, 0], [-100, -100]], question=False, step=5
    )
    texts = page.locator(".ms").inner_text()
    assert "not a number" not in texts and "∞" not in texts and "NaN" not in texts
    assert cell(page, 0, 0).inner_text() == "1"


def test_python_can_change_the_step_and_all_numbers_and_the_page_follows(show):
    page = show(question=False)
    page.evaluate("""() => { const m = models[0];
      m.set('tokens', ['a', 'b']); m.set('row', 0);
      for (const name of ['query', 'key', 'value']) m.set(name, [[1], [2]]);
      m.set('step', 5); }""")
    settle(page)
    assert page.locator(".ms-cell:not(.ms-out)").count() == 4
    assert to_number(cell(page, 0, 1).inner_text()) == pytest.approx(
        torch.tensor([1.0, 2.0]).softmax(0)[1].item(), abs=0.005
    )


def test_tokens_are_text_whatever_they_hold(show):
    tokens = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "مرحبا", "猫👩‍👩‍👧"]
    page = show(tokens=tokens)
    page.locator(".ms-options button").nth(1).click()
    table_numbers(page)
    settle(page)
    assert page.locator("figure img").count() == 0
    assert page.locator(".ms-head").all_text_contents() == tokens
    assert "<img src=x onerror=alert(1)>" in page.locator(".llm-table").inner_text()


def test_play_walks_to_the_end_and_is_not_offered_where_motion_is_unwanted(show):
    page = show(question=False, step=5)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("models[0].get('step') === 6", timeout=4000)
    page.get_by_role("button", name="Play").wait_for(timeout=4000)  # it has stopped by itself
    still = show(question=False, context={"reduced_motion": "reduce"})
    assert still.get_by_role("button", name="Play").count() == 0
    assert still.get_by_role("button", name="Next step").is_visible()


@pytest.mark.parametrize("step", [0, 1, 4, 6])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, step):
    page = show(
        "light",
        {"viewport": {"width": 390, "height": 800}},
        question=step == 0,
        step=max(step, 1),
        causal=step > 3,
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(
        "document.querySelector('.ms-plate').scrollWidth <= document.querySelector('.ms-plate').clientWidth"
    )
    assert axe_violations(page) == []


def test_it_fits_the_first_screen_of_the_home_page(show):
    page = show()
    height = page.locator(".llm").bounding_box()["height"]
    print(f"microscope at 728 px: {height:.0f} px high")
    assert height <= 580


@pytest.mark.timed
def test_the_budgets_hold_while_a_number_changes(show):
    page = show(**random_numbers(6, 2, 2), question=False, step=5)
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"microscope: live {live} ms after it came into view")
    check_budgets(
        page, "microscope, 6 tokens", ".ms-key input", [round(-3 + 0.1 * i, 2) for i in range(60)]
    )
    assert live <= 500
