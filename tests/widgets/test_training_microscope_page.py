"""The training microscope on a page without a kernel: its mathematics against PyTorch, and driven with mouse and keyboard."""

import re

import pytest
import torch
from bare_page import axe_violations, settle, state, to_number, visits
from budgets import check_budgets, keep_budgets, timed

from llmkit.widgets import TrainingMicroscope
from llmkit.widgets.training_microscope import DATA, INITS, _order

pytestmark = pytest.mark.browser


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live microscope; no page may end with an error."""
    with visits(browser, bare_site, TrainingMicroscope) as visit:
        yield visit


def words(page) -> str:
    return page.locator(".tm-words").inner_text()


def progress(page) -> str:
    return page.locator(".tm-progress").inner_text()


def wait_for_step(page, least: int, timeout: int = 60_000) -> None:
    page.wait_for_function("least => Number(document.querySelector('.tm-progress').textContent.match(/[\\d,]+/)[0].replaceAll(',', '')) >= least", arg=least, timeout=timeout)


def run_until_it_stops(page) -> None:
    """Until the button says Run again; a busy machine takes its time."""
    page.get_by_role("button", name="Pause").wait_for(timeout=10_000)
    page.get_by_role("button", name="Run", exact=True).wait_for(timeout=120_000)
    settle(page)


def shown_weights(page) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and gradient as the table shows them, (4 N + 1,) each."""
    if not page.locator(".llm-details[open]").count():
        page.locator(".llm-details summary").first.click()
    page.wait_for_selector(".llm-table td")
    rows = page.eval_on_selector_all(".llm-details[open] tbody tr", "rows => rows.map((r) => [...r.cells].map((c) => c.textContent))")
    numbers = [[to_number(cell) for cell in row[1:] if cell] for row in rows]
    weights = [value for row in numbers[:-1] for value in row[:4]] + [numbers[-1][0]]
    gradient = [value for row in numbers[:-1] for value in row[4:]] + [numbers[-1][1]]
    return torch.tensor(weights, dtype=torch.float64), torch.tensor(gradient, dtype=torch.float64)


# ---- the mathematics -----------------------------------------------------------------------------------------------

LEARN = """async ([made, path, shuffle]) => {
  const js = await import("/learner.js");
  const learner = js.makeLearner(made);
  path.forEach((stretch) => learner.take(...stretch));
  return { theta: [...learner.theta], grad: [...js.gradient(learner.theta, learner.points, learner.next(shuffle))], history: learner.history, x1: learner.points.x1, x2: learner.validation.x2 };
}"""


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("path", [[], [[0.3, True, 7]], [[1.0, True, 200]], [[0.1, False, 40], [3.0, True, 60]]])
def test_javascript_and_autograd_have_the_same_weights_gradients_and_losses(page, data, init, path):
    w = TrainingMicroscope(data=data, init=init, neurons=5, seed=3, points=24 if path else 120, done=path)
    made = {"data": data, "init": init, "neurons": 5, "seed": 3, "points": w.points}
    got = page.evaluate(LEARN, [made, path, True])
    learned = w.learned
    assert (torch.tensor(got["x1"], dtype=torch.float64) - w.training_points.places[:, 0]).abs().max() < 1e-9
    assert (torch.tensor(got["x2"], dtype=torch.float64) - w.validation_points.places[:, 1]).abs().max() < 1e-9
    assert (torch.tensor(got["theta"], dtype=torch.float64) - learned.weights).abs().max() < 1e-6
    assert (torch.tensor(got["grad"], dtype=torch.float64) - learned.gradient).abs().max() < 1e-6
    assert [look["step"] for look in got["history"]] == [look.step for look in learned.history]
    for ours, theirs in zip(got["history"], learned.history, strict=True):
        assert ours["train"] == pytest.approx(theirs.train, abs=1e-6) and ours["validation"] == pytest.approx(theirs.validation, abs=1e-6)


def test_a_long_run_still_agrees_with_pytorch(page):
    made = {"data": "moons", "init": "random", "neurons": 16, "seed": 0, "points": 120}
    got = page.evaluate(LEARN, [made, [[1.0, True, 2000]], True])
    learned = TrainingMicroscope(data="moons", neurons=16, done=[[1.0, True, 2000]]).learned
    assert (torch.tensor(got["theta"], dtype=torch.float64) - learned.weights).abs().max() < 1e-6


def test_the_table_shows_what_pytorch_computes(show):
    page = show(question=False, done=[[1.0, True, 450]])
    wait_for_step(page, 450)
    settle(page)
    weights, gradient = shown_weights(page)
    learned = TrainingMicroscope(done=[[1.0, True, 450]]).learned
    assert (weights - learned.weights).abs().max() < 1e-6 and (gradient - learned.gradient).abs().max() < 1e-6


# ---- the question --------------------------------------------------------------------------------------------------


def test_a_guess_is_answered_by_a_run_in_which_all_lines_stay_one(show):
    page = show()
    assert "could they still learn to close around the ○?" in words(page)
    lines = page.eval_on_selector_all(".tm-neuron", "all => new Set(all.map((line) => line.getAttribute('d'))).size")
    assert lines == 8
    page.get_by_role("button", name="no, not ever").click()
    run_until_it_stops(page)
    assert words(page).startswith("Yes: neurons that are alike get the same gradient")
    lines = page.eval_on_selector_all(".tm-neuron", "all => new Set(all.map((line) => line.getAttribute('d'))).size")
    assert lines == 1
    assert state(page, "init", "done", "guess", "question") == ["alike", [[1, True, 300]], 1, True]


def test_a_wrong_guess_gets_the_reason_and_random_weights_then_learn(show):
    page = show()
    page.get_by_role("button", name="yes, only more slowly").press("Enter")
    run_until_it_stops(page)
    assert words(page).startswith("Look again: neurons that are alike")
    page.get_by_role("radio", name="random").check()
    settle(page)
    assert words(page).startswith("Every thin line is a neuron") and progress(page) == "step 0, epoch 1"
    page.get_by_role("button", name="Run").click()
    wait_for_step(page, 400)
    page.get_by_role("button", name="Pause").click()
    settle(page)
    assert float(page.locator(".tm-key-train").inner_text()) < 0.1
    assert words(page).startswith("The border bends")


# ---- step, run, pause, start over ----------------------------------------------------------------------------------


def test_a_step_is_the_sum_that_the_lens_promised(show):
    page = show(question=False)

    def row(number: int) -> list[float]:
        return [to_number(text) for text in page.locator(f".tm-sums tbody tr:nth-child({number}) td").all_inner_texts()]

    for _ in range(3):
        promised = row(3)
        assert promised == pytest.approx([a + b for a, b in zip(row(1), row(2), strict=True)], abs=2e-4)
        page.get_by_role("button", name="Step").click()
        settle(page)
        assert row(1) == promised
    assert progress(page) == "step 3, epoch 1" and state(page, "done") == [[[1, True, 3]]]


def test_eight_points_are_ringed_and_they_are_those_of_the_next_step(show):
    page = show(question=False, done=[[1.0, True, 16]])
    settle(page)
    ringed = page.eval_on_selector_all(".tm-plane svg > g:last-of-type > *", "all => all.flatMap((dot, n) => dot.classList.contains('tm-next') ? [n] : [])")
    expected = _order(0, 1, 120)[8:16]  # the second batch of the second epoch
    assert sorted(ringed) == sorted(expected.tolist())


def test_run_pause_go_on_and_start_over_from_the_keyboard(show):
    page = show(question=False)
    run = page.locator(".tm-run")
    run.focus()
    page.keyboard.press("Enter")
    wait_for_step(page, 30)
    page.keyboard.press("Enter")
    settle(page)
    stood = progress(page)
    page.wait_for_timeout(200)
    assert progress(page) == stood and run.inner_text() == "Run"
    ((_, _, steps),) = state(page, "done")[0]
    assert f"step {steps:,}" in stood
    page.keyboard.press("Enter")
    wait_for_step(page, steps + 20)
    page.get_by_role("button", name="Start over").press("Enter")
    settle(page)
    assert progress(page) == "step 0, epoch 1" and state(page, "done") == [[]]


def test_a_run_ends_by_itself(show):
    page = show(question=False, done=[[1.0, True, 1950]])
    wait_for_step(page, 1950)
    page.get_by_role("button", name="Run").click()
    run_until_it_stops(page)
    assert progress(page) == "step 2,000, the last" and state(page, "done") == [[[1, True, 2000]]]


# ---- breaking it ---------------------------------------------------------------------------------------------------


def test_the_rate_may_change_on_the_way_and_the_path_remembers(show):
    page = show(question=False)
    step, rate = page.get_by_role("button", name="Step"), page.get_by_role("slider", name="learning rate")
    step.click()
    step.click()
    rate.press("ArrowRight")
    step.click()
    page.get_by_role("checkbox", name="shuffle the points").uncheck()
    step.click()
    settle(page)
    assert state(page, "done") == [[[1, True, 2], [3, True, 1], [3, False, 1]]]
    weights, _ = shown_weights(page)
    again = TrainingMicroscope(done=[[1.0, True, 2], [3.0, True, 1], [3.0, False, 1]])
    assert (weights - again.learned.weights).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        ({"init": "zero", "done": [[1.0, True, 100]]}, "Only the last bias moves."),
        ({"init": "alike", "done": [[1.0, True, 100]]}, "Neurons that are alike get the same gradient"),
        ({"init": "large", "done": [[1.0, True, 400]]}, "The lines hardly turn"),
        ({"rate": 30.0, "done": [[30.0, True, 200]]}, "worse than a coin (0.69). Each step runs past"),
        ({"shuffle": False, "done": [[1.0, False, 100]]}, "The points come sorted"),
        ({"points": 24, "neurons": 16, "data": "moons", "done": [[1.0, True, 1500]]}, "Over-fitting: the training loss is"),
        ({"neurons": 1, "done": [[1.0, True, 600]]}, "So few lines cannot close"),
        ({"rate": 0.01, "done": [[0.01, True, 100]]}, "Steps this small need patience"),
        ({"done": [[1.0, True, 900]]}, "The border bends where several lines work together."),
    ],
)
def test_each_way_to_break_it_is_told_in_words(show, traits, said):
    page = show(question=False, **traits)
    wait_for_step(page, traits["done"][0][2])
    settle(page)
    assert said in words(page)


@pytest.mark.parametrize(("name", "trait", "value"), [("moons", "data", "moons"), ("corners", "data", "corners"), ("all zero", "init", "zero"), ("10 × too large", "init", "large")])
def test_other_points_and_other_first_weights_begin_anew(show, name, trait, value):
    page = show(question=False, done=[[1.0, True, 30]])
    page.get_by_role("radio", name=name, exact=True).check()
    assert state(page, trait, "done") == [value, []]
    assert progress(page) == "step 0, epoch 1"
    if value == "zero":
        assert page.eval_on_selector_all(".tm-neuron", "all => all.every((line) => line.getAttribute('d') === '')")


def test_fewer_points_and_fewer_neurons_begin_anew(show):
    page = show(question=False, done=[[1.0, True, 30]], lens=7)
    page.get_by_role("checkbox", name="only 24 of them").check()
    assert state(page, "points", "done") == [24, []]
    assert page.locator(".tm-one, .tm-two").count() == 24
    size = page.get_by_role("slider", name="neurons", exact=True)
    size.press("Home")
    assert state(page, "neurons", "lens") == [1, 0]
    assert page.locator(".tm-neuron").count() == 1 and page.get_by_role("slider", name="neuron under the lens").get_attribute("max") == "1"


def test_a_press_near_a_line_and_the_slider_choose_the_same_lens(show):
    page = show(question=False, context={"viewport": {"width": 760, "height": 1000}})
    page.get_by_role("slider", name="neuron under the lens").press("ArrowRight")
    assert state(page, "lens") == [1]
    box = page.locator(".tm-plane").bounding_box()
    w1, w2, b, _ = TrainingMicroscope().learned.weights[16:20].tolist()  # the fifth neuron: press where its line is nearest to the middle
    size = w1 * w1 + w2 * w2
    x, y = -b * w1 / size, -b * w2 / size
    page.mouse.click(box["x"] + box["width"] * (x + 3) / 6, box["y"] + box["height"] * (3 - y) / 6)
    places = TrainingMicroscope().learned.weights[:-1].view(-1, 4)
    far = (places[:, 0] * x + places[:, 1] * y + places[:, 2]).abs() / places[:, :2].norm(dim=-1)
    assert state(page, "lens") == [far.argmin().item()]


def test_python_can_ask_for_a_rate_and_a_size_that_the_sliders_do_not_stop_at(show):
    page = show(question=False, rate=0.7, neurons=5)
    assert page.locator(".tm-right output").all_inner_texts() == ["0.7", "5"]
    page.evaluate("models[0].set('done', [[0.7, true, 20]])")
    wait_for_step(page, 20)
    settle(page)
    weights, _ = shown_weights(page)
    assert (weights - TrainingMicroscope(neurons=5, done=[[0.7, True, 20]]).learned.weights).abs().max() < 1e-6


# ---- for everybody -------------------------------------------------------------------------------------------------


def test_with_reduced_motion_a_run_is_a_picture_a_second(show):
    page = show(question=False, context={"reduced_motion": "reduce"})
    page.evaluate("""() => { window.seen = new Set();
      new MutationObserver(() => window.seen.add(document.querySelector(".tm-progress").textContent)).observe(document.querySelector(".tm-progress"), { childList: true, characterData: true, subtree: true }); }""")
    page.get_by_role("button", name="Run").click()
    wait_for_step(page, 300)
    page.get_by_role("button", name="Pause").click()
    steps = {int(re.search(r"[\d,]+", text)[0].replace(",", "")) for text in page.evaluate("[...window.seen]")}
    assert all(step % 100 == 0 for step in steps) and len(steps) <= 5


@pytest.mark.parametrize("width", [390, 760])
def test_the_page_below_stays_where_it_is_whatever_happens(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    for given in (
        {"question": False}, {"init": "zero", "done": [[1, True, 50]]}, {"init": "large", "done": [[1, True, 300]]}, {"init": "alike", "done": [[1, True, 100]]},
        {"init": "random", "rate": 30, "done": [[30, True, 300]]}, {"rate": 0.003, "done": [[0.003, False, 60]], "shuffle": False},
        {"shuffle": True, "points": 24, "neurons": 16, "data": "moons", "done": [[1, True, 600]], "lens": 15},
    ):  # fmt: skip
        page.evaluate("given => Object.entries(given).forEach((pair) => models[0].set(...pair))", given)
        wait_for_step(page, sum(stretch[2] for stretch in given.get("done", [])))
        settle(page)
        heights.add(page.locator(".llm").bounding_box()["height"])
    assert len(heights) == 1


@pytest.mark.parametrize("question", [True, False])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, question):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, question=question, done=[[1.0, True, 100]], points=24)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.llm').scrollWidth <= document.querySelector('.llm').clientWidth")
    assert axe_violations(page) == []


def test_nothing_moves_while_nobody_touches_it(show):
    page = show()
    before = page.locator(".llm").inner_html()
    page.wait_for_timeout(300)
    assert page.locator(".llm").inner_html() == before


@pytest.mark.timed
def test_the_budgets_hold_while_it_runs_and_while_everything_slides(show):
    page = show(question=False, neurons=16)
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"training microscope: live {live} ms after it came into view")
    assert live <= 500

    def run() -> dict:  # five steps of the training in every frame, the same ones in every run
        page.get_by_role("button", name="Start over").click()
        page.locator(".tm-run").click()
        found = timed(page, "(value) => {}", list(range(60)))
        page.get_by_role("button", name="Start over").click()
        settle(page)
        return {**found, "empty": timed(page, "(value) => {}", list(range(20)), rest_after=1)["empty"]}

    keep_budgets("training microscope, running, 16 neurons", run)
    check_budgets(page, "training microscope, learning rate", ".tm-right .llm-control input", [i % 9 for i in range(60)])
    check_budgets(page, "training microscope, neurons", ".tm-right > .llm-control:last-child input", [i % 8 for i in range(60)])
    check_budgets(page, "training microscope, lens", ".tm-lens input", [1 + i % 8 for i in range(60)])
