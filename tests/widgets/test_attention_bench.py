"""The attention bench in Python: what it measures, what it refuses, and what is left when a device goes away."""

import json
from xml.etree import ElementTree

import pytest
import torch
from pretended_machine import CPU, GPU, Machine, until
from traitlets import TraitError
from typecheck import unchecked

from llmkit.attention_bench import Setting, held, stored
from llmkit.widgets import AttentionBench, bundle
from llmkit.widgets.attention_bench import STOPS, coefficients


@pytest.fixture
def bench():
    """bench(*devices, **traits) -> a bench whose worker pretends."""
    made = []

    def make(*here, **traits):
        w = AttentionBench(**traits)
        w._worker = Machine(*here)
        made.append(w)
        return w

    yield make
    for w in made:
        w.close()


def lengths(w, device="cpu"):
    return [row[3] for row in w.runs[device]]


def test_measuring_climbs_to_the_length_on_gpu_and_cpu_and_never_measures_twice(bench):
    w = bench(GPU, CPU, length=512)
    got = w.measure()
    assert [run.setting.device for run in got] == ["cuda:0", "cpu"] and {run.setting.length for run in got} == {512}
    assert lengths(w) == lengths(w, "cuda:0") == [64, 128, 256, 512] and w.busy == "" and w.refused == {}
    assert w.roofs == {"cuda:0": {"float32": [1e10, 1e11]}, "cpu": {"float32": [1e10, 1e11]}}
    before = len([task for task, _ in w._worker.asked if task == "run"])
    w.length = 1024
    w.measure()
    assert len([task for task, _ in w._worker.asked if task == "run"]) == before + 2


def test_a_run_is_told_the_shorter_one_before_it(bench):
    w = bench(CPU, length=256)
    w.measure()
    runs = [given for task, given in w._worker.asked if task == "run"]
    assert runs[0]["before"] is None and [given["before"]["setting"]["length"] for given in runs[1:]] == [64, 128]


def test_a_length_between_two_stops_is_measured_too(bench):
    w = bench(CPU, length=300)
    w.measure()
    assert lengths(w) == [64, 128, 256, 300]


def test_what_would_not_fit_is_said_of_the_length_that_was_asked_for_and_shorter_ones_are_measured(bench):
    w = bench(CPU, length=131_072)
    assert w.measure() == []
    assert w.refused == {"cpu": "131,072 tokens would hold too much. Not run."}
    assert lengths(w)[-1] == 4096  # 4 heads, float32: the longest that holds less than 1 GB


def test_a_backend_that_is_not_here_is_refused_with_its_reason_and_nothing_runs(bench):
    w = bench(CPU, backend="cudnn")
    w._worker.reason = "cuDNN is a library for NVIDIA GPUs."
    w.measure()
    assert w.refused == {"cpu": "SDPA cuDNN in float32: cuDNN is a library for NVIDIA GPUs."}
    assert "run" not in [task for task, _ in w._worker.asked]


def test_a_device_that_disappears_between_two_runs_leaves_its_points_and_a_sentence(bench):
    w = bench(GPU, CPU, length=128)
    w.measure()
    w._worker.here = [CPU]
    w.length = 256
    w.measure()
    assert w.refused == {"cuda:0": "A GPU is not here any more. What it measured stays."}
    assert lengths(w, "cuda:0") == [64, 128] and lengths(w) == [64, 128, 256]
    assert [(one["id"], one.get("gone", False)) for one in w.devices] == [("cuda:0", True), ("cpu", False)]
    w._worker.here = [GPU, CPU]
    w.measure()
    assert w.refused == {} and lengths(w, "cuda:0") == [64, 128, 256] and not any(one.get("gone") for one in w.devices)


def test_a_device_that_disappears_while_it_is_measured_is_refused_in_its_own_words(bench):
    w = bench(GPU, CPU, length=128)
    ask, machine = w._worker.ask, w._worker

    def vanish(task, patience=30, **given):
        if task == "run" and given["setting"]["length"] == 128:
            machine.here = [CPU]
        return ask(task, patience, **given)

    machine.ask = vanish
    w.measure()
    assert "There is no device 'cuda:0' here" in w.refused["cuda:0"] and lengths(w) == [64, 128]


def test_a_question_is_answered_in_the_background(bench):
    w = bench(CPU)
    w.question = {"n": 7, "length": 256, "heads": 2, "dtype": "float16", "backend": "flash"}
    until(lambda: w.done == 7)
    assert (w.length, w.heads, w.dtype, w.backend) == (256, 2, "float16", "flash") and lengths(w) == [64, 128, 256]


def test_a_newer_question_ends_the_older_one(bench):
    w = bench(CPU)
    w._worker.wait = 0.1
    w.question = {"n": 1, "length": 131_072, "backend": "flash"}
    until(lambda: w.busy)
    w.question = {"n": 2, "length": 64, "backend": "math"}
    until(lambda: w.done == 2)
    assert [row[1] for row in w.runs["cpu"]].count("flash") < 6 and w.runs["cpu"][-1][1] == "math"


def test_a_stop_ends_it_and_keeps_what_was_measured(bench):
    w = bench(CPU)
    w._worker.wait = 0.1
    w.question = {"n": 1, "length": 131_072, "backend": "flash"}
    until(lambda: len(w.runs.get("cpu", [])) > 0)
    w.question = {"n": 2, "stop": True}
    until(lambda: w.busy == "" and w.done == 1)
    assert w.error == "" and 0 < len(w.runs["cpu"]) < 8


def test_a_process_that_dies_gets_a_sentence_and_the_next_question_is_answered(bench):
    w = bench(CPU)
    w._worker.is_running = False
    w.measure()
    assert w.error == "The measuring process ended before it answered."
    w._worker.is_running = True
    w.question = {"n": 5, "length": 128}
    until(lambda: w.done == 5)
    assert w.error == "" and lengths(w) == [64, 128]


@pytest.mark.parametrize(
    "bad",
    [{"length": 0}, {"length": -5}, {"length": 10**12}, {"length": "many"}, {"length": None}, {"length": 1.5}, {"heads": 0}, {"heads": 1e9},
     {"heads": True}, {"dtype": "int3"}, {"dtype": ["float32"]}, {"backend": "magic"}, {"backend": 3}],
)  # fmt: skip
def test_a_question_that_cannot_be_one_gets_a_sentence_and_all_else_stays(bench, bad):
    w = bench(CPU, length=128)
    with unchecked():  # where annotations are checked, they would speak first
        w.question = {"n": 3, **bad}
    ((name, _),) = bad.items()
    assert w.error.startswith(f"{name} must be ") and w.done == 3
    assert (w.length, w.heads, w.dtype, w.backend) == (128, 4, "float32", "plain") and w._worker.asked == []


@pytest.mark.parametrize("bad", [{"length": 0}, {"length": 2**20 + 1}, {"length": "long"}, {"heads": 0}, {"heads": 129}, {"dtype": "int3"}, {"backend": "magic"}, {"shows": "love"}, {"guess": 3}])
def test_python_is_refused_in_the_same_way(bad):
    w = AttentionBench()
    ((name, value),) = bad.items()
    before = getattr(w, name)
    with pytest.raises(TraitError):
        setattr(w, name, value)
    assert getattr(w, name) == before


def test_nothing_is_measured_and_no_process_started_until_somebody_asks():
    w = AttentionBench()
    assert not w._worker.is_running and w.runs == {} and w.devices == []


def test_the_real_worker_measures_here():
    w = AttentionBench(length=128, heads=1)
    try:
        (run,) = [run for run in w.measure() if run.setting.device == "cpu"]
        assert run.seconds > 0 and run.held == pytest.approx(held(run.setting).at(128, 1), rel=0.03)
        assert w.reasons["cpu"]["float32"]["cudnn"] and not w.reasons["cpu"]["float32"]["plain"]
    finally:
        w.close()
    assert not w._worker.is_running


# ---- for the page ---------------------------------------------------------------------------------------------------


def test_the_page_gets_plain_json_the_stored_runs_and_nothing_that_was_measured_here(bench):
    w = bench(CPU, length=128)
    fresh = json.dumps(AttentionBench(length=128).page_bundle())
    w.measure()
    page = w.page_bundle()
    assert json.dumps(page) == fresh  # the same output on every machine
    assert page["state"]["kernel"] is False and page["state"]["runs"] == {}
    assert page["state"]["stored"]["cpu"]["name"] == stored.stored()["cpu"]["name"]
    assert len(fresh) < 120_000


def test_the_still_picture_names_the_hardware_and_what_limits_it():
    picture = AttentionBench(asks=False).picture()
    words = " ".join(element.text for element in ElementTree.fromstring(picture).iter() if element.text)
    entry = stored.stored()["cpu"]
    assert f"{entry['name']}, torch {entry['torch']}, {entry['date']}" in words and "limited by" in words
    assert "No stored run has this setting." in "".join(ElementTree.fromstring(AttentionBench(heads=2).picture()).itertext())


def test_the_page_predicts_with_the_numbers_of_python():
    costs = coefficients()
    for backend in set(costs["names"]) - {"flex"}:
        for stop in STOPS[1:]:
            cost, setting = costs["cpu"][backend]["float16"], Setting(stop, 4, "float16", backend)
            fixed = cost["fixed"][STOPS.index(stop)] * torch.get_num_threads() if cost["fixed"] else 0
            assert 4 * stop * (cost["held"][0] * stop + cost["held"][1]) + fixed == pytest.approx(held(setting).at(stop, 4))


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("attention_bench").encode())
    print(f"attention bench with kit and roofline: {size:,} bytes")
    assert size < 30_000


def test_the_bench_says_what_it_shows():
    assert repr(AttentionBench(length=2048, backend="flash")) == "Attention bench: time and memory of SDPA flash over 2,048 tokens, 4 heads, float32"
