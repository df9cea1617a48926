"""The RoPE lab on a page without a kernel, driven with mouse and keyboard in Chromium."""

import pytest
import torch
from bare_page import axe_violations, settle, state, table_numbers, to_number, visits
from budgets import check_budgets

from llmkit.positions import PAIRINGS, rope, rope_tables
from llmkit.widgets import RopeLab

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live lab; no page may end with an error."""
    with visits(browser, bare_site, RopeLab) as visit:
        yield visit


def words(page) -> str:
    return page.locator(".rl-words").inner_text()


def curve(page) -> str:
    return page.locator(".rl-curve").get_attribute("d")


def score(page) -> str:
    return page.locator(".rl-sum b").inner_text()


# ---- the mathematics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize(("width", "base", "scale"), [(2, 10.0, 1.0), (8, 10_000.0, 4.0), (64, 1_000_000.0, 1.5)])
def test_javascript_and_pytorch_turn_alike(page, pairing, width, base, scale):
    vectors = torch.randn(2, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    got = page.evaluate(
        """async ([query, key, base, scale, pairing]) => {
          const js = await import("/rope.js");
          const turned = [0, 5, 999].map((place) => js.rope(query, place, base, scale, pairing));
          return { turned, shares: js.shares(query, key, pairing), scores: js.scores(query, key, 256, base, scale, pairing) };
        }""",
        [*vectors.tolist(), base, scale, pairing],
    )
    tables = rope_tables(torch.tensor([0, 5, 999]), width, base, scale, pairing)
    assert (torch.tensor(got["turned"], dtype=torch.float64) - rope(vectors[0], *tables, pairing)).abs().max() < 1e-6
    tables = rope_tables(torch.arange(256), width, base, scale, pairing)
    scores = rope(vectors[0], *tables, pairing) @ vectors[1]
    assert (torch.tensor(got["scores"], dtype=torch.float64) - scores).abs().max() < 1e-6
    assert sum(got["shares"]) == pytest.approx((vectors[0] @ vectors[1]).item(), abs=1e-10)


@pytest.mark.parametrize("traits", [{}, {"pairing": "halves", "base": 100.0}, {"squeeze": True, "length": 256, "distance": 200}])
def test_the_table_and_the_sum_show_what_pytorch_computes(show, traits):
    page, lab = show(question=False, **traits), RopeLab(**traits)
    shown = torch.tensor([[to_number(cell) for cell in row] for row in table_numbers(page)], dtype=torch.float64)
    assert (shown - torch.stack([torch.arange(lab.length), lab.scores], -1)).abs().max() < 1e-6
    assert to_number(score(page)) == pytest.approx(lab.score, abs=6e-4)
    adds = [to_number(text.split()[1]) for text in page.locator(".rl-share").all_inner_texts()]
    assert adds == pytest.approx(lab.shares.tolist(), abs=6e-4)


# ---- the question --------------------------------------------------------------------------------------------------


def test_the_score_stays_hidden_until_the_reader_has_guessed(show):
    page = show()
    assert "What happens to the score?" in words(page)
    assert curve(page) == "" and page.get_by_text("Guess first").is_visible() and page.locator(".rl-sum b").count() == 0
    page.get_by_role("slider", name="move both").press("ArrowRight")  # gives nothing away
    assert state(page, "position", "question") == [21, True]
    assert curve(page) == "" and page.locator(".rl-share").first.inner_text() == "adds ?"
    assert {row[1] for row in table_numbers(page)} == {"?"}
    page.get_by_role("button", name="it stays as it is").click()
    settle(page)
    assert words(page).startswith("Yes: it stays as it is")
    assert len(curve(page)) > 300 and not page.get_by_text("Guess first").is_visible()
    assert to_number(table_numbers(page)[5][1]) == pytest.approx(RopeLab().score, abs=1e-6)


def test_a_wrong_guess_gets_the_reason_and_gives_way_to_the_comment_with_the_next_drag(show):
    page = show()
    page.get_by_role("button", name="it fades").press("Enter")
    settle(page)
    assert words(page).startswith("Look again: it stays as it is")
    page.get_by_role("slider", name="move both").press("ArrowLeft")
    settle(page)
    assert words(page).startswith("Moving both leaves every angle")
    assert state(page, "question", "guess", "position") == [False, 1, 19]


# ---- what the controls do ------------------------------------------------------------------------------------------


def hands(page) -> list:
    return page.evaluate("[...document.querySelectorAll('.rl-hand')].map((hand) => [hand.getAttribute('x2'), hand.getAttribute('y2')])")


def test_moving_both_turns_all_hands_and_leaves_the_score(show):
    page = show(question=False)
    before, drawn, said = hands(page), curve(page), score(page)
    for _ in range(3):
        page.get_by_role("slider", name="move both").press("PageUp")
    settle(page)
    assert all(one != other for one, other in zip(before, hands(page), strict=True))
    assert (curve(page), score(page)) == (drawn, said)
    page.get_by_role("slider", name="distance").press("ArrowRight")
    settle(page)
    assert score(page) != said and curve(page) == drawn


def test_every_control_works_from_the_keyboard(show):
    page = show(question=False)
    for name, trait, value in (("move both", "position", 21), ("distance", "distance", 6), ("length", "length", 256), ("base", "base", 100_000)):
        page.get_by_role("slider", name=name).press("ArrowRight")
        assert state(page, trait) == [value]
    page.get_by_role("checkbox", name="squeeze into 32").press("Space")
    page.get_by_role("radio", name="neighbors").press("ArrowRight")
    assert state(page, "squeeze", "pairing") == [True, "halves"]
    assert "numbers 0 and 4" in page.locator(".rl-clock").first.inner_text()
    assert to_number(score(page)) == pytest.approx(RopeLab(position=21, distance=6, length=256, base=100_000.0, squeeze=True, pairing="halves").score, abs=6e-4)


def test_angles_past_training_are_marked_until_positions_are_squeezed(show):
    page = show(question=False, distance=40)
    assert page.locator(".rl-new").count() == 3 and "3 of 4 clocks stand at an angle" in words(page)
    page.get_by_role("checkbox", name="squeeze into 32").check()
    settle(page)
    assert page.locator(".rl-new").count() == 0 and words(page).startswith("Every position is divided by 4, and the angles are back")
    page.get_by_role("slider", name="distance").press("End")  # 127 / 4 is less than a step past 31
    settle(page)
    assert state(page, "distance") == [127] and page.locator(".rl-new").count() == 0


def test_a_press_in_the_curve_takes_the_distance_there(show):
    page = show(question=False, context={"viewport": {"width": 760, "height": 900}})
    box = page.locator(".rl-field").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 64.5 / 128, box["y"] + 20)
    assert state(page, "distance") == [64]
    page.mouse.move(box["x"] + box["width"] * 10.5 / 128, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 12.5 / 128, box["y"] + 30)
    page.mouse.up()
    assert state(page, "distance") == [12]


def test_a_shorter_length_leaves_a_distance_that_is_on_the_curve(show):
    page = show(question=False, distance=100)
    page.get_by_role("slider", name="length").press("ArrowLeft")
    assert state(page, "length", "distance") == [64, 63]


def test_python_can_ask_for_a_length_and_a_base_that_the_sliders_do_not_stop_at(show):
    page = show(question=False, length=48, base=500.0)
    assert page.locator(".rl-under output").all_inner_texts() == ["48", "500"]


@pytest.mark.parametrize(
    ("name", "bad", "sentence"),
    [
        ("base", -1, "The base must be from 2"), ("length", 1e9, "The length must be from 32"), ("query", [1, 2], "The query must be eight numbers"),
        ("key", ["<b>x</b>"] * 8, "The key must be eight numbers"), ("position", None, "A position is from 0 to 999"),
    ],
)  # fmt: skip
def test_a_state_that_cannot_be_gets_a_sentence_and_the_last_good_picture_stays(show, name, bad, sentence):
    page = show(question=False)
    before, good = (curve(page), score(page)), page.evaluate("name => models[0].get(name)", name)
    page.evaluate("([name, bad]) => models[0].set(name, bad)", [name, bad])
    settle(page)
    assert sentence in page.locator(".llm-notice").inner_text() and (curve(page), score(page)) == before
    page.evaluate("([name, good]) => models[0].set(name, good)", [name, good])
    settle(page)
    assert page.locator(".llm-notice").is_hidden()


# ---- for everybody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 760])
def test_the_page_below_stays_where_it_is_whatever_is_dragged(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    page.get_by_role("button", name="it swings").click()
    settle(page)
    heights.add(page.locator(".llm").bounding_box()["height"])
    for given in ({"base": 2, "position": 0, "distance": 0, "length": 32}, {"base": 1_000_000, "position": 999, "distance": 255, "length": 256}):
        for squeeze in (False, True):
            page.evaluate("given => Object.entries(given).forEach((pair) => models[0].set(...pair))", {**given, "squeeze": squeeze, "question": False})
            settle(page)
            heights.add(page.locator(".llm").bounding_box()["height"])
    print(f"RoPE lab at {width}: {heights}")
    assert len(heights) == 1


@pytest.mark.parametrize("question", [True, False])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, question):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, question=question, distance=60)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


@pytest.mark.timed
def test_the_budgets_hold_while_everything_slides(show):
    page = show(question=False, length=256)
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"RoPE lab: live {live} ms after it came into view")
    assert live <= 500
    check_budgets(page, "RoPE lab, move both", ".rl-controls input", [i * 990 // 59 for i in range(60)])
    check_budgets(page, "RoPE lab, distance", ".rl-controls .llm-control:nth-of-type(2) input", [5 * i % 256 for i in range(60)])
    check_budgets(page, "RoPE lab, base", ".rl-under .llm-control:nth-of-type(2) input", [i % 6 for i in range(60)])
