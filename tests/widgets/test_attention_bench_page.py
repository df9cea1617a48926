"""The attention bench in Chromium: stored runs on a page without a kernel, and a page that Python answers."""

import json

import pytest
from bare_page import axe_violations, settle, state, table_numbers, visits
from budgets import check_budgets
from kernel_page import open_with_kernel
from pretended_machine import CPU, GPU, Machine, until

from llmkit.attention_bench import Roofline, Run, Setting, held, limit, stored
from llmkit.widgets import AttentionBench
from llmkit.widgets.attention_bench import STOPS, coefficients

pytestmark = pytest.mark.browser
STORED = stored.stored()["cpu"]


@pytest.fixture
def show(browser, bare_site):
    """show(**traits, theme=, context=) -> page with a live bench; no page may end with an error."""
    with visits(browser, bare_site, AttentionBench) as visit:
        yield visit


def words(page) -> str:
    return page.locator(".ab-words").inner_text()


def dots(page, kind="cpu") -> int:
    return page.locator(f".ab-dots.ab-{kind} i:not([hidden])").count()


def kept(backend, heads=4, dtype="float32"):
    return [row for row in STORED["runs"] if row[:3] == [dtype, backend, heads]]


# ---- the mathematics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("backend", ["plain", "online", "math", "flash"])
def test_javascript_and_python_predict_and_judge_alike(page, backend, dtype):
    costs = coefficients()
    roof = STORED["roofs"][dtype]
    rows = kept(backend, 4, dtype)
    settings = [Setting(row[3], 4, dtype, backend) for row in rows]
    runs = [Run(setting, *row[4:9]) for setting, row in zip(settings, rows, strict=True)]
    got = page.evaluate(
        """async ([cost, flops, roof, rows]) => {
          const js = await import("/roofline.js");
          const bounds = (length) => js.least(cost, flops, roof, length, 4);
          return rows.map((row) => ({ held: js.held(cost, row[3], 4, 1), bounds: bounds(row[3]), ...js.limit(row[4], bounds(row[3]), rows[0][4], bounds(rows[0][3])) }));
        }""",
        [costs["cpu"][backend][dtype], costs["flops"], roof, rows],
    )
    for run, told in zip(runs, got, strict=True):
        if backend != "online" or run.setting.length > 64:
            assert told["held"] == pytest.approx(held(run.setting).at(run.setting.length, 4), rel=1e-6)
        assert told["bounds"] == pytest.approx(Roofline(*roof).seconds(run.setting), rel=1e-6)
        what, share = limit(run, Roofline(*roof), runs[0])
        assert (told["limit"], told["share"]) == (what, pytest.approx(share, rel=1e-6))


def test_amounts_have_three_digits_and_a_prefix(page):
    got = page.evaluate('async () => { const { amount } = await import("/roofline.js"); return [0, 5.21e-2, 9.996e-4, 12, 1.2e9, 3.3e12, 9.99e17].map((n) => amount(n, "s")); }')
    assert got == ["0 s", "52.1 ms", "1 ms", "12 s", "1.2 Gs", "3.3 Ts", "999 Ps"]


def test_both_sides_have_the_same_stops(page):
    assert page.evaluate('async () => (await import("/roofline.js")).STOPS') == list(STOPS)


# ---- stored runs -----------------------------------------------------------------------------------------------------


def test_longer_runs_stay_hidden_until_the_reader_has_guessed(show):
    page = show()
    short, long = (next(row for row in kept("plain") if row[3] == length) for length in (256, 1024))
    assert "Plain attention over 256 tokens took" in words(page) and "How long do 1,024 tokens take?" in words(page)
    page.get_by_text("Show as table").click()
    assert dots(page) == len(table_numbers(page)) == len([row for row in kept("plain") if row[3] <= 256])
    page.get_by_role("button", name="about 16 times as long").press("Enter")
    settle(page)
    assert f"{long[4] / short[4]:.1f} times as long" in words(page) and "Every query meets every key" in words(page)
    assert dots(page) == len(table_numbers(page)) == len(kept("plain"))
    assert state(page, "guess") == [1]


def test_the_first_move_takes_the_place_of_the_question(show):
    page = show()
    page.get_by_role("slider", name="tokens").press("ArrowRight")
    assert state(page, "length", "asks") == [512, False]
    assert "On the CPU" in words(page) and dots(page) == len(kept("plain"))


def test_the_hardware_of_the_stored_runs_is_named_and_nothing_claims_to_be_live(show):
    page = show(asks=False)
    status = page.locator(".ab-status").inner_text()
    assert status == f"Stored runs: {STORED['name']}, torch {STORED['torch']}, {STORED['date']}. With a kernel, the same controls measure your machine."
    assert page.get_by_role("button", name="Measure on this machine").count() == 0
    if "gpu" not in stored.stored():
        assert page.locator(".ab-card.ab-gpu").inner_text().endswith("No GPU among the stored runs. A kernel on a machine with one adds its line.")


def test_every_control_works_from_the_keyboard(show):
    page = show(asks=False)
    page.get_by_role("slider", name="tokens").press("ArrowLeft")
    page.get_by_role("slider", name="heads").press("ArrowRight")
    page.get_by_role("radio", name="plain").press("ArrowDown")
    page.get_by_role("radio", name="float32").press("ArrowRight")
    page.get_by_role("radio", name="time").press("ArrowRight")
    assert state(page, "length", "heads", "backend", "dtype", "shows") == [128, 16, "online", "bfloat16", "memory"]


def test_the_cards_and_the_table_show_the_stored_figures(show):
    page = show(asks=False, backend="flash", length=1024)
    row = next(row for row in kept("flash") if row[3] == 1024)
    card = page.locator(".ab-card.ab-cpu").inner_text()
    assert f"half of {row[7]} calls" in card and "of the roofline" in card and f"{1e3 * row[4]:.3g} ms" in card
    page.get_by_text("Show as table").click()
    assert [cells[0] for cells in table_numbers(page)] == [f"{row[3]:,}" for row in kept("flash")]


def test_a_length_that_would_not_fit_is_predicted_and_refused_with_the_figure(show):
    page = show(asks=False, heads=16)
    page.get_by_role("slider", name="tokens").press("End")
    settle(page)
    card = page.locator(".ab-card.ab-cpu").inner_text()
    assert "not measured" in card and "Predicted to hold 3.3 TB" in card and "It would not fit, so it is not run." in card
    assert words(page) == "No run at this length: the notes below say why."
    page.get_by_role("radio", name="memory", exact=True).check()
    settle(page)
    assert page.locator("path.ab-roof.ab-cpu").get_attribute("d") and page.locator("path.ab-most.ab-cpu").get_attribute("d")


def test_a_length_that_was_too_long_to_store_is_predicted_from_the_longest_that_was(show):
    page = show(asks=False, heads=1)
    longest = kept("plain", 1)[-1]
    page.evaluate("length => models[0].set('length', length)", 2 * longest[3])
    settle(page)
    assert f"From {longest[3]:,} tokens, about " in page.locator(".ab-card.ab-cpu").inner_text()


def test_a_backend_that_is_not_here_is_gray_and_the_reason_can_be_read(show):
    page = show(asks=False)
    for name in ("cuDNN", "memory-efficient"):
        assert page.get_by_role("radio", name=name).is_disabled() == ("gpu" not in stored.stored())
    page.get_by_text("Why some are gray").click()
    if "gpu" not in stored.stored():
        assert page.locator(".ab-why").get_by_text("SDPA cuDNN, float32: cuDNN is a library for NVIDIA GPUs.").is_visible()


def test_a_press_in_the_picture_takes_the_length_there(show):
    page = show(asks=False)
    box = page.locator(".ab-field").bounding_box()
    page.mouse.click(box["x"] + box["width"] * (8 - 5.6) / 11.8, box["y"] + 40)
    assert state(page, "length") == [256]
    page.mouse.move(box["x"] + box["width"] * (9 - 5.6) / 11.8, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (11 - 5.6) / 11.8, box["y"] + 60)
    page.mouse.up()
    assert state(page, "length") == [2048]


def test_python_may_ask_for_a_length_between_the_stops(show):
    page = show(asks=False, length=3000)
    assert page.locator(".ab-long output").inner_text() == "3,000"
    assert "not measured" in page.locator(".ab-card.ab-cpu").inner_text()


# ---- with a kernel ---------------------------------------------------------------------------------------------------


@pytest.fixture
def live(browser, serve, tmp_path):
    """live(*devices, **traits) -> (page, bench): Python answers, its worker pretends."""
    opened = []

    def make(*here, **traits):
        w = AttentionBench(**{"asks": False} | traits)
        w._worker = Machine(*here)
        page = open_with_kernel(browser, serve, tmp_path, w)
        opened.append((page, w))
        return page, w

    yield make
    for page, w in opened:
        assert page.errors == []
        page.close()
        w.close()


def answered(page, w, number=1):
    until(lambda: w.done >= number and not w.busy)
    page.evaluate("refresh()")
    settle(page)


def test_with_a_kernel_a_move_is_measured_on_gpu_and_cpu(live):
    page, w = live(GPU, CPU)
    assert page.locator(".ab-status").inner_text().endswith("Move a control, and your machine is measured.")
    page.get_by_role("slider", name="tokens").press("ArrowRight")
    page.wait_for_timeout(500)
    answered(page, w)
    assert dots(page, "gpu") == dots(page, "cpu") == 4
    assert page.locator(".ab-status").inner_text() == "Measured on this machine."
    for kind, name in (("gpu", "A GPU"), ("cpu", "A processor")):
        card = page.locator(f".ab-card.ab-{kind}").inner_text()
        assert name in card and "512 µs" in card and "Holds 1 kB; predicted" in card
    assert "On the GPU" in words(page) and "On the CPU" in words(page)


def test_several_quick_moves_are_one_question(live):
    page, w = live(CPU)
    slider = page.get_by_role("slider", name="tokens")
    for _ in range(4):
        slider.press("ArrowLeft")
    page.wait_for_timeout(700)
    answered(page, w)
    assert w.done == 1 and w.length == 64 and [task for task, _ in w._worker.asked].count("look") == 1


def test_what_python_refuses_is_said_and_the_points_stay(live):
    page, w = live(CPU, length=4096)
    page.get_by_role("button", name="Measure on this machine").press("Enter")
    answered(page, w)
    assert dots(page) == 7
    page.get_by_role("slider", name="tokens").press("End")
    page.wait_for_timeout(600)
    answered(page, w, 2)
    assert "131,072 tokens would hold too much. Not run." in page.locator(".ab-card.ab-cpu").inner_text()
    assert dots(page) == 7


def test_a_device_that_went_away_keeps_its_points_and_says_so(live):
    page, w = live(GPU, CPU)
    page.get_by_role("button", name="Measure on this machine").click()
    answered(page, w)
    w._worker.here = [CPU]
    page.get_by_role("slider", name="tokens").press("ArrowRight")
    page.wait_for_timeout(600)
    answered(page, w, 2)
    assert "A GPU is not here any more. What it measured stays." in page.locator(".ab-card.ab-gpu").inner_text()
    assert dots(page, "gpu") == 3 and dots(page, "cpu") == 4


def test_measuring_can_be_stopped(live):
    page, w = live(CPU, backend="flash", length=131_072)
    w._worker.wait = 0.2
    page.get_by_role("button", name="Measure on this machine").click()
    until(lambda: w.busy and w.runs)
    page.evaluate("refresh()")
    settle(page)
    assert page.locator(".ab-status").inner_text().startswith("Measuring ")
    page.get_by_role("button", name="Stop").press("Enter")
    answered(page, w)
    assert page.get_by_role("button", name="Measure on this machine").is_visible() and len(w.runs["cpu"]) < 12


def test_a_wrong_question_from_anywhere_is_a_notice_and_the_picture_stays(live):
    page, w = live(CPU)
    page.get_by_role("button", name="Measure on this machine").click()
    answered(page, w)
    w.question = {"n": 9, "length": "many"}
    page.evaluate("refresh()")
    settle(page)
    assert page.get_by_role("alert").inner_text() == "length must be a whole number from 1 to 1,048,576; got 'many'."
    assert dots(page) == 3


def test_names_from_the_system_are_text_and_never_html(live):
    page, _ = live({**CPU, "name": "<img src=x onerror=alert(1)> 处理器 🦊"})
    page.get_by_role("button", name="Measure on this machine").click()
    answered(page, _)
    assert "<img src=x onerror=alert(1)> 处理器 🦊" in page.locator(".ab-card.ab-cpu").inner_text()
    assert page.locator(".ab img").count() == 0


# ---- for everybody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 760])
def test_the_page_below_stays_where_it_is_whatever_is_chosen(show, width):
    page = show(context={"viewport": {"width": width, "height": 900}})
    heights = {page.locator(".llm").bounding_box()["height"]}
    page.get_by_role("button", name="about 4 times").click()
    settle(page)
    heights.add(page.locator(".llm").bounding_box()["height"])
    for given in (
        {"length": 131_072, "heads": 16, "backend": "plain", "dtype": "float64"}, {"length": 64, "heads": 1, "backend": "flash", "dtype": "float32"},
        {"length": 1024, "heads": 4, "backend": "math", "dtype": "bfloat16"}, {"length": 512, "backend": "cudnn", "shows": "memory"},
    ):  # fmt: skip
        page.evaluate("given => Object.entries(given).forEach((pair) => models[0].set(...pair))", {**given, "asks": False})
        settle(page)
        heights.add(page.locator(".llm").bounding_box()["height"])
    assert len(heights) == 1, json.dumps(sorted(heights))


@pytest.mark.parametrize("asks", [True, False])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(show, asks):
    page = show("light", {"viewport": {"width": 390, "height": 800}}, asks=asks)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_violations(page) == []


@pytest.mark.timed
def test_the_budgets_hold_while_everything_slides(show):
    page = show(asks=False)
    live = int(page.locator("figure").get_attribute("data-llm-live"))
    print(f"attention bench: live {live} ms after it came into view")
    assert live <= 500
    check_budgets(page, "attention bench, tokens", ".ab-long input", [i % 12 for i in range(60)])
    check_budgets(page, "attention bench, heads", ".ab-side input[type=range]", [i % 3 for i in range(60)])
