"""What the microscope says, and where: true for the numbers at hand, and nothing on the page moves for it."""

import pytest
import torch
from bare_page import settle, visits

from llmkit.widgets import Microscope

pytestmark = pytest.mark.browser

# the numbers of lesson 05, and the most that fits
LESSON = {
    "tokens": ["the", "cat", "sat"],
    "query": [[0, 0, 2, 0], [0, 2, 0, 0], [2, 0, 0, 2]],
    "key": [[0, 0, 0, 0], [1, 0, 0, 1], [1, 0, 1, 0]],
    "value": [[0, 0], [10, 0], [0, 10]],
}
MANY = {
    "tokens": [f"t{i}" for i in range(8)],
    **{
        name: 3 * torch.randn(8, 4, generator=torch.Generator().manual_seed(84))
        for name in ("query", "key", "value")
    },
}


@pytest.fixture
def show(browser, bare_site):
    with visits(browser, bare_site, Microscope) as visit:
        yield visit


def measured(page):
    """Wait until room is kept for the longest words of any step; they are measured a step a frame."""
    page.wait_for_function("document.querySelector('.ms-work').style.minHeight", timeout=5000)


@pytest.mark.parametrize(
    ("guess", "changes", "says"),
    [
        (2, {}, "Not itself: its key (1, 0, 1, 0) has only half of what it looks for. cat offers (1, 0, 0, 1) and gets 0.67"),
        (0, {}, "Not the: its key (0, 0, 0, 0) has nothing of what sat looks for. cat offers (1, 0, 0, 1) and gets 0.67"),
        (1, {}, "Yes: sat looks for (2, 0, 0, 2), cat offers (1, 0, 0, 1) and gets 0.67"),
        (1, {"causal": True, "row": 0}, "Not cat: its key (1, 0, 0, 1) is behind the mask. the offers (0, 0, 0, 0), scores 0 and gets 1"),
        (2, {"key": [[0] * 4, [1, 0, 0, 1], [1, 0, 0, -1]]}, "Not itself: its key (1, 0, 0, −1) scores 0. cat offers (1, 0, 0, 1), scores 2 and"),
        (0, {"row": 1}, "Yes, but not alone: several scores are highest alike. Each of them gets 0.33"),
        (0, {"key": [[0] * 4, [1, 0, 0, 1], [1, 0, 0, 1]]}, "Not quite: several scores are highest alike."),
    ],
)  # fmt: skip
def test_what_is_said_about_a_guess_holds_for_the_numbers_at_hand(show, guess, changes, says):
    page = show(**{**LESSON, **changes})
    page.locator(".ms-options button").nth(guess).click()
    settle(page)
    assert page.locator(".ms-line").inner_text().startswith(says)
    page.wait_for_function(
        f"document.querySelector('.llm-voice').textContent.startsWith({says[:20]!r})", timeout=3000
    )


@pytest.mark.parametrize("numbers", [LESSON, MANY], ids=["lesson", "many"])
@pytest.mark.parametrize("width", [390, 620, 720])
def test_the_page_below_stays_where_it_is_from_step_to_step(show, width, numbers):
    page = show(**numbers, question=False, context={"viewport": {"width": width, "height": 900}})
    page.evaluate("document.fonts.ready")
    measured(page)
    heights = {}
    for causal in ("false", "true"):
        page.evaluate(f"models[0].set('causal', {causal})")
        for step in range(1, 7):
            page.evaluate(f"models[0].set('step', {step})")
            for _ in range(5):  # each frame measures one step
                settle(page)
            heights[causal, step] = page.locator(".llm").bounding_box()["height"]
    assert max(heights.values()) - min(heights.values()) < 1, heights


def test_the_mask_step_says_how_to_see_it_at_work(show):
    page = show(question=False, step=4)
    assert "Tick “causal mask” to see this step at work." in page.locator(".ms-line").inner_text()
    page.get_by_label("causal mask").check()
    settle(page)
    assert "may not look at the words after it" in page.locator(".ms-line").inner_text()


def test_a_refusal_is_said_right_above_the_grid_and_moves_nothing(show):
    page = show(**LESSON, question=False, step=5)
    measured(page)
    before = page.locator(".ms-plate").bounding_box()
    page.get_by_label("key of cat, number 1").fill("1e9")
    settle(page)
    notice = page.locator(".llm-notice").bounding_box()
    assert page.locator(".ms-plate").bounding_box() == before
    assert before["y"] - 20 < notice["y"] + notice["height"] <= before["y"]
