"""The scale lab on a page without a kernel, driven with mouse and keyboard in Chromium."""

import pytest
from bare_page import axe_violations, settle, table_numbers, to_number, visits
from budgets import check_budgets

from llmkit.widgets import ScaleLab
from llmkit.widgets.scale_lab import WIDTHS

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live lab whose draws are complete; no page may end with an error."""
    with visits(browser, bare_site, ScaleLab) as live:

        def visit(theme="light", context=None, **traits):
            page = live(theme, context, **traits)
            page.wait_for_selector(".llm[data-ready]", timeout=20_000)
            settle(page)
            return page

        yield visit


def numbers(page) -> list[str]:
    return page.locator(".sl-number").all_inner_texts()


@pytest.mark.parametrize(("seed", "num_keys", "temperature"), [(0, 16, 1.0), (5, 7, 0.3)])
def test_javascript_and_pytorch_measure_the_same_on_the_same_draws(show, seed, num_keys, temperature):
    page = show(seed=seed, num_keys=num_keys, temperature=temperature, question=False)
    rows = {int(row[0]): [to_number(x) for x in row[1:]] for row in table_numbers(page)}
    assert tuple(rows) == WIDTHS
    w = ScaleLab(seed=seed, num_keys=num_keys, temperature=temperature)
    for d in (1, 4, 64, 1024):
        expected = []
        for rule in ("raw", "root", "d"):
            w.d, w.rule = d, rule
            expected += [w.measured.variance, w.measured.entropy, w.measured.response]
        assert rows[d][1::3] == pytest.approx(expected[1::3], abs=1e-6)
        assert rows[d][2::3] == pytest.approx(expected[2::3], abs=1e-6)
        assert rows[d][0::3] == pytest.approx(expected[0::3], rel=1e-5)  # shown with six significant digits


def test_the_numbers_beside_the_pictures_follow_the_slider(show):
    page = show(question=False, d=4)
    w = ScaleLab()
    slider = page.get_by_role("slider", name="width d")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    settle(page)
    w.d = page.evaluate("models[0].get('d')")
    assert w.d == 12
    seen = numbers(page)
    assert f"Var(s) = {w.measured.variance:.3g}, predicted 12" in seen[0]
    assert seen[2] == f"{w.measured.entropy:.2f} of ln 16 = 2.77 nats"
    assert seen[3] == f"typical (median) {w.measured.response:.2f}"


def test_dividing_by_the_root_brings_the_weights_back(show):
    page = show(question=False, d=1024)
    before = page.locator(".sl-dot").first.get_attribute("cy")
    assert numbers(page)[2].startswith("0.1")
    page.get_by_role("radio", name="q·k / √d").check()
    settle(page)
    assert numbers(page)[2].startswith("2.3")
    assert float(page.locator(".sl-dot").first.get_attribute("cy")) < float(before)
    assert page.evaluate("models[0].get('rule')") == "root"
    assert "no longer depends on d" in page.locator(".sl-words").inner_text()


def test_the_curves_stay_hidden_until_the_reader_has_guessed(show):
    page = show()
    assert page.get_by_text("when you drag d up?").is_visible()
    assert (
        page.locator(".sl-line").evaluate_all("lines => lines.map((line) => line.getAttribute('d'))")
        == [""] * 6
    )
    page.get_by_role("button", name="one takes all").click()
    settle(page)
    assert page.locator(".sl-words").inner_text().startswith("Yes: a raw score is a sum of d products")
    assert all(
        page.locator(".sl-line").evaluate_all(
            "lines => lines.map((line) => line.getAttribute('d').length > 100)"
        )
    )
    assert page.evaluate("models[0].get('guess')") == 2


def test_a_wrong_guess_gets_the_reason_not_a_scolding(show):
    page = show()
    page.get_by_role("button", name="they even out").press("Enter")
    settle(page)
    words = page.locator(".sl-words").inner_text()
    assert words.startswith("Look again: a raw score is a sum of d products, so its variance is d.")


def test_the_answer_gives_way_to_the_running_comment_with_the_first_drag(show):
    page = show()
    page.get_by_role("button", name="nothing").click()
    settle(page)
    assert page.locator(".sl-words").inner_text().startswith("Look again")
    page.get_by_role("slider", name="width d").press("ArrowRight")
    settle(page)
    assert page.locator(".sl-words").inner_text().startswith("Raw scores have variance d")
    assert page.evaluate("[models[0].get('question'), models[0].get('guess')]") == [False, 1]


def test_dragging_before_the_guess_gives_nothing_away(show):
    page = show()
    page.get_by_role("slider", name="width d").press("ArrowRight")
    settle(page)
    assert page.get_by_text("when you drag d up?").is_visible()
    assert page.evaluate("models[0].get('question')") is True


def test_a_response_too_small_for_two_decimals_is_still_told(show):
    page = show(question=False, d=1024)
    digits, power = f"{ScaleLab(d=1024).measured.response:.1e}".split("e-0")
    assert numbers(page)[3] == f"typical (median) {digits} × 10⁻{'⁰¹²³⁴⁵⁶'[int(power)]}"
    assert numbers(page)[0].endswith("predicted 1024")
    page.evaluate("models[0].set('temperature', 0.05)")
    settle(page)
    assert numbers(page)[3] == "typical (median) < 10⁻⁶"


@pytest.mark.parametrize("width", [390, 720])
def test_the_page_below_stays_where_it_is_whatever_is_dragged(show, width):
    page = show(question=False, context={"viewport": {"width": width, "height": 900}})
    heights = set()
    for rule in ("raw", "root", "d"):
        for d in (4, 64, 1024):
            for temperature in (1.0, 0.05):
                page.evaluate(
                    "given => Object.entries(given).forEach((pair) => models[0].set(...pair))",
                    {"rule": rule, "d": d, "temperature": temperature},
                )
                settle(page)
                heights.add(page.locator(".llm").bounding_box()["height"])
    assert len(heights) == 1


def test_the_weights_are_sixteen_bars_that_sum_to_one(show):
    page = show(question=False, d=16)
    heights = page.locator(".sl-panel rect").evaluate_all(
        "bars => bars.map((bar) => Number(bar.getAttribute('height')))"
    )
    assert len(heights) == 16
    level = page.evaluate("108 - Number(document.querySelector('.sl-even').getAttribute('y1'))")
    assert sum(heights) == pytest.approx(16 * level, rel=1e-6)


def test_draw_again_takes_the_next_seed_and_new_numbers(show):
    page = show(question=False)
    before = numbers(page)
    page.get_by_role("button", name="Draw again").click()
    page.wait_for_function("document.querySelector('.llm[data-ready]') === null", timeout=5000)
    page.wait_for_selector(".llm[data-ready]", timeout=20_000)
    settle(page)
    assert page.evaluate("models[0].get('seed')") == 1
    assert numbers(page) != before


def test_python_can_ask_for_a_width_that_the_slider_does_not_stop_at(show):
    page = show(question=False, d=100, temperature=1.3, rule="root")
    w = ScaleLab(d=100, temperature=1.3, rule="root").measured
    assert page.locator(".sl-controls output").all_inner_texts() == ["100", "1.3"]
    assert numbers(page)[2].startswith(f"{w.entropy:.2f} of")
    page.evaluate("models[0].set('d', 64)")
    settle(page)
    assert page.locator(".sl-controls output").first.inner_text() == "64"


@pytest.mark.parametrize("question", [True, False])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, question):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, question=question)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


@pytest.mark.timed
def test_the_budgets_hold_while_width_and_temperature_slide(show):
    page = show(question=False, d=1)
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"scale lab: live {live} ms after it came into view")
    assert live <= 500
    check_budgets(page, "scale lab, width d", ".sl-controls input[type=range]", [i % 20 for i in range(60)])
    check_budgets(
        page,
        "scale lab, temperature",
        ".sl-controls .llm-control:nth-of-type(2) input",
        [i % 15 for i in range(60)],
    )
