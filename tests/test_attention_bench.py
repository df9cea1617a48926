"""The attention bench: what is predicted is what is measured, every backend computes the same, and what cannot be is refused."""

import json
import math
import threading
import time

import pytest
import torch

from llmkit import attention_bench, device
from llmkit.attention_bench import (
    BACKENDS,
    Refused,
    Roofline,
    Run,
    Setting,
    attention,
    available,
    backends,
    clock,
    flops,
    held,
    limit,
    measure,
    measure_roofline,
    moved,
    reason_against,
    refusal,
    stored,
)
from llmkit.attention_bench.clock import duration, size
from llmkit.attention_bench.worker import Lost, Worker, answer
from llmkit.recipes import attention_runs

HERE = [str(one) for one in device.devices()]
RUNNABLE = [name for name in BACKENDS if name != "flex" and not reason_against(name, "cpu", "float32")]
TOLERANCE = {"float64": 1e-12, "float32": 2e-6, "float16": 4e-3, "bfloat16": 3e-2}  # a few units in the last place of weights near 1


def run_at(length: int, seconds: float, **setting) -> Run:
    return Run(Setting(length, **setting), seconds, seconds, seconds, 3, 1000)


# ---- what is predicted ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("backend", RUNNABLE)
@pytest.mark.parametrize(("length", "heads"), [(128, 2), (192, 3), (512, 4), (800, 1)])
def test_the_predicted_bytes_are_the_measured_ones_within_one_percent(backend, dtype, length, heads):
    setting = Setting(length, heads, dtype, backend)
    q = torch.randn(1, heads, length, 64, dtype=attention_bench.DTYPES[dtype])
    with torch.no_grad():
        measured = 3 * q.nbytes + clock.added_bytes(lambda: attention(backend)(q, q, q), torch.device("cpu"))
    assert held(setting).at(length, heads) == pytest.approx(measured, rel=0.01)


def test_the_bytes_of_plain_attention_grow_with_the_square_and_those_of_the_others_with_the_length():
    def exponent(backend):
        few, many = (held(Setting(length, backend=backend)).at(length, 8) for length in (4096, 65_536))
        return math.log(many / few) / math.log(16)

    assert exponent("plain") == pytest.approx(2, abs=0.05) and exponent("math") == pytest.approx(2, abs=0.1)
    assert exponent("online") == pytest.approx(1, abs=0.01) and exponent("flash") == pytest.approx(1, abs=0.05)


def test_operations_and_bytes_by_hand():
    setting = Setting(10, heads=2, width=3)
    assert flops(setting) == 2 * (10 * 10 * 3) * 2 * 2  # two products, two heads, multiply and add
    assert moved(setting).at(10, 2) == 4 * 2 * (12 * 100 + 4 * 10 * 3)
    roof = Roofline(bandwidth=1e3, peak=1e4)
    assert roof.seconds(setting) == (moved(setting).at(10, 2) / 1e3, 0.24)


def test_what_limits_a_run():
    fast_memory, slow_memory = Roofline(1e12, 1e9), Roofline(1e6, 1e12)
    run = run_at(512, 4.0)
    assert limit(run, fast_memory)[0] == "arithmetic" and limit(run, slow_memory)[0] == "memory"
    assert limit(run, fast_memory)[1] == pytest.approx(flops(run.setting) / 1e9 / 4)
    assert limit(run, fast_memory, run_at(64, 3.9))[0] == "calls"
    assert limit(run, fast_memory, run_at(64, 0.1))[0] == "arithmetic"


# ---- every backend computes attention ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("backend", RUNNABLE)
@pytest.mark.parametrize("shape", [(1, 2, 64, 64), (2, 1, 300, 16)])
def test_every_backend_gives_what_plain_attention_gives(backend, dtype, shape):
    q, k, v = torch.randn(3, *shape, dtype=torch.float64)
    expected = attention("plain")(q, k, v)
    narrow = [each.to(attention_bench.DTYPES[dtype]) for each in (q, k, v)]
    assert (attention(backend)(*narrow).double() - expected).abs().max() < TOLERANCE[dtype] * max(1.0, v.abs().max())


def test_a_backend_that_cannot_run_says_why():
    told = available("cpu", "float32")
    assert set(told) == set(BACKENDS) and told["plain"] == told["online"] == told["math"] == told["flash"] == ""
    assert told["cudnn"] == "cuDNN is a library for NVIDIA GPUs." and "GPUs only" in told["efficient"]


def test_a_torch_without_a_backend_says_so(monkeypatch):
    monkeypatch.setitem(backends.SDPA, "flash", "QUANTUM_ATTENTION")
    assert reason_against("flash", "cpu", "float32") == f"torch {torch.__version__.partition('+')[0]} does not have it."
    monkeypatch.setattr(backends, "_has_flex", lambda: False)
    assert "does not have it" in reason_against("flex", "cpu", "float32")
    with pytest.raises(Refused, match=r"FlexAttention in float32 cannot run on cpu\. torch .* does not have it\."):
        measure(Setting(64, backend="flex"))


def test_without_a_compiler_there_is_no_flex_attention(monkeypatch):
    monkeypatch.setattr(backends.shutil, "which", lambda name: None)
    assert reason_against("flex", "cpu", "float32") == "It must be compiled, and there is no C++ compiler here."


def test_a_dtype_that_the_device_cannot_do_is_refused_with_what_torch_says(monkeypatch):
    def refuse(*size, dtype=None, device=None):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype\nmore")

    monkeypatch.setattr(backends.torch, "ones", refuse)
    why = "This device cannot compute in float64: Cannot convert a MPS Tensor to float64 dtype"
    assert reason_against("plain", "cpu", "float64") == why
    with pytest.raises(Refused, match=r"cannot run on cpu\. This device cannot compute in float64"):
        measure(Setting(64, dtype="float64"))


def test_what_torch_refuses_in_a_trial_is_told(monkeypatch):
    def broken(name):
        raise RuntimeError("No available kernel. Aborting execution.\nstack")

    monkeypatch.setattr(backends, "attention", broken)
    assert reason_against("flash", "cpu", "float32") == "Torch refuses: No available kernel. Aborting execution."


# ---- measuring -----------------------------------------------------------------------------------------------------


def test_a_measured_run_is_whole():
    run = measure(Setting(128, heads=2))
    assert 0 < run.low <= run.seconds <= run.high and 3 <= run.calls <= 25
    assert run.held == pytest.approx(held(run.setting).at(128, 2), rel=0.03)
    assert Run.from_dict(json.loads(json.dumps(run.as_dict()))) == run


def test_a_long_call_is_made_only_a_few_times_and_a_short_one_often():
    assert len(clock.timed(lambda: time.sleep(0.05), torch.device("cpu"), enough=0.1)) == 3
    assert len(clock.timed(lambda: None, torch.device("cpu"))) == 25


def test_the_bytes_that_a_call_adds_are_those_alive_at_its_worst_moment():
    def call():
        big = torch.empty(1000, dtype=torch.uint8)
        del big
        return torch.empty(600, dtype=torch.uint8)

    assert clock.added_bytes(call, torch.device("cpu")) == 1000


def test_the_roofline_is_measured(monkeypatch):
    seen = measure_roofline("cpu", "float32", seconds=0.02)
    assert 1e8 < seen.bandwidth < 1e13 and 1e8 < seen.peak < 1e15


# ---- refusals ------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_with_the_figures_and_nothing_runs(monkeypatch):
    monkeypatch.setattr(clock, "_measure", lambda setting: pytest.fail("it ran"))
    monkeypatch.setattr(clock, "memory_free", lambda device: 21e9)
    with pytest.raises(Refused) as refused:
        measure(Setting(131_072, heads=16))
    assert str(refused.value) == "131,072 tokens with 16 heads in float32, the book's plain attention: would hold 3.3 TB, and 21 GB are free on cpu. Not run."


def test_what_would_take_too_long_is_refused_from_a_shorter_run(monkeypatch):
    monkeypatch.setattr(clock, "memory_free", lambda device: 1e15)
    before = run_at(1024, 0.5)
    assert refusal(Setting(2048), before) == ""
    assert "one call would take about 8 s on cpu, more than the 2 s that one may take here. Not run." in refusal(Setting(4096), before)


def test_without_a_shorter_run_one_is_made_first(monkeypatch):
    lengths = []

    def pretend(setting):
        lengths.append(setting.length)
        return run_at(setting.length, 0.1 * setting.length / 64)

    monkeypatch.setattr(clock, "_measure", pretend)
    with pytest.raises(Refused, match="would take about"):
        measure(Setting(8192, heads=1, backend="flash"))
    assert lengths == [64, 512]


@pytest.mark.parametrize("value", [0, -1, 2**20 + 1, 10**30, 1.5, math.nan, "many", None, True])
@pytest.mark.parametrize("name", ["length", "heads", "width"])
def test_a_setting_of_the_wrong_size_or_kind_is_a_sentence(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number from 1 to "):
        Setting(**{"length": 64, name: value})


def test_an_unknown_dtype_or_backend_is_a_sentence():
    with pytest.raises(ValueError, match="dtype must be one of float32, bfloat16, float16, float64; got 'int3'"):
        Setting(64, dtype="int3")
    with pytest.raises(ValueError, match="backend must be one of plain, online, math"):
        Setting(64, backend="magic")


def test_a_device_that_is_not_here_any_more_is_a_sentence():
    with pytest.raises(Refused, match=r"There is no device 'cuda:7' here; this machine offers: "):
        measure(Setting(64, device="cuda:7"))
    with pytest.raises(Refused, match="no device"):
        measure_roofline("cuda:7", "float32")


@pytest.mark.parametrize("problem", [RuntimeError("CUDA error: device is lost\nmore"), MemoryError("no room")])
def test_what_a_device_throws_while_it_computes_is_a_sentence(monkeypatch, problem):
    def fail(setting):
        raise problem

    monkeypatch.setattr(clock, "_measure", fail)
    with pytest.raises(Refused, match=r"cpu could not compute it: (CUDA error: device is lost|no room)$"):
        measure(Setting(64))


def test_figures_are_short():
    assert [size(number) for number in (0, 999, 12_345_678, 3.3e12, 5e15)] == ["0 B", "999 B", "12.3 MB", "3.3 TB", "5,000 TB"]
    assert [duration(seconds) for seconds in (1.5e-5, 0.25, 90, 1200, 1e5)] == ["0.015 ms", "250 ms", "90 s", "20 minutes", "28 hours"]


# ---- a process of its own ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def worker():
    one = Worker()
    yield one
    one.stop()


def test_the_worker_looks_measures_and_refuses(worker):
    found = worker.ask("look")
    assert [one["id"] for one in found] == HERE and found[-1]["free"] > 0 and found[-1]["name"] == device.hardware_name("cpu")
    run = Run.from_dict(worker.ask("run", setting=Setting(64).as_dict()))
    assert run.setting == Setting(64) and run.seconds > 0
    with pytest.raises(Refused, match="There is no device 'cuda:9' here"):
        worker.ask("run", setting=Setting(64, device="cuda:9").as_dict())
    with pytest.raises(Refused, match="length must be a whole number"):
        worker.ask("run", setting={"length": "many"})
    assert worker.is_running


def test_a_worker_that_is_stopped_while_it_works_is_there_again_for_the_next_question(worker):
    worker.ask("look")
    threading.Timer(0.1, worker.stop).start()
    with pytest.raises(Lost, match=r"ended before it answered .*Your kernel is unharmed"):
        worker.ask("roofline", device="cpu", dtype="float64")
    assert worker.ask("look")


def test_after_a_cuda_error_the_next_question_gets_a_new_process(worker):
    worker.ask("look")
    worker._answers.put('{"refused": "cuda:0 could not compute it: CUDA error: device is lost"}')
    with pytest.raises(Refused, match="device is lost"):
        worker.ask("look")
    assert not worker.is_running and worker.ask("look")


def test_a_worker_that_takes_too_long_is_stopped(worker):
    worker.ask("look")
    with pytest.raises(Lost, match=r"No answer after 0\.01 s"):
        worker.ask("roofline", patience=0.01, device="cpu", dtype="float32")
    assert not worker.is_running


def test_whatever_a_task_throws_becomes_a_sentence(monkeypatch):
    from llmkit.attention_bench import worker as module

    def burst(**given):
        raise KeyError("boom")

    monkeypatch.setitem(module.TASKS, "roofline", burst)
    assert answer('{"task": "roofline", "device": "cpu", "dtype": "float32"}') == {"refused": "cpu could not do it: 'boom'"}


# ---- what the device code adds -------------------------------------------------------------------------------------


def test_the_free_memory_of_a_container_is_its_own(tmp_path, monkeypatch):
    (tmp_path / "max").write_text("5000000\n")
    (tmp_path / "used").write_text("1000000\n")
    assert device.memory_free("cpu") > 5_000_000
    monkeypatch.setattr(device, "CONTAINER", ((str(tmp_path / "max"), str(tmp_path / "used")),))
    assert device.memory_free("cpu") == 4_000_000
    (tmp_path / "max").write_text("max\n")
    assert device.memory_free("cpu") > 5_000_000


def test_the_hardware_is_named_with_its_threads():
    name = device.hardware_name("cpu")
    assert name.endswith(f"{torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}") and "core" in name


# ---- what is stored ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", stored.stored())
def test_the_stored_runs_name_their_hardware_and_hold_whole_rows(kind):
    entry = stored.stored()[kind]
    assert entry["name"] and entry["torch"] and entry["date"].startswith("20") and entry["threads"] >= 1
    assert {"plain", "online", "math", "flash"} <= {row[1] for row in entry["runs"]}
    for row in entry["runs"]:
        named = dict(zip(stored.COLUMNS, row, strict=True))
        assert named["low"] <= named["seconds"] <= named["high"] and named["dtype"] in entry["roofs"]
        assert not entry["reasons"][named["dtype"]][named["backend"]]
        if kind == "cpu" and named["backend"] != "flex" and named["length"] >= 128:
            assert named["held"] == pytest.approx(named["predicted"], rel=0.03)


def test_the_stored_runs_of_a_cpu_are_there():
    assert "cpu" in stored.stored()


def test_a_recorded_device_climbs_until_it_would_take_too_long(monkeypatch):
    monkeypatch.setattr(attention_runs, "HEADS", (1,))
    monkeypatch.setattr(attention_runs, "DTYPES", {"float32": torch.float32})
    monkeypatch.setattr(attention_runs, "BACKENDS", ("flash",))
    entry = attention_runs.record(torch.device("cpu"), say=lambda *_, **__: None, wait=0.002)
    lengths = [row[3] for row in entry["runs"]]
    assert lengths and lengths == list(stored.LENGTHS[: len(lengths)])
    assert entry["name"] == device.hardware_name("cpu") and set(entry["roofs"]) == {"float32"}


# ---- with a GPU ----------------------------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "flex"])
def test_on_a_gpu_every_backend_agrees_and_holds_what_was_predicted(backend, dtype):
    if reason := reason_against(backend, "cuda:0", dtype):
        pytest.skip(reason)
    q = torch.randn(1, 4, 1024, 64, device="cuda:0", dtype=attention_bench.DTYPES[dtype])
    expected = attention("plain")(q.double(), q.double(), q.double())
    assert (attention(backend)(q, q, q).double() - expected).abs().max() < 10 * TOLERANCE[dtype]
    run = measure(Setting(1024, 4, dtype, backend, "cuda:0"))
    assert run.held == pytest.approx(held(run.setting).at(1024, 4), rel=0.1, abs=4 * 2**20)  # the allocator's own rounding


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_what_does_not_fit_is_refused_before_it_is_tried():
    before = torch.cuda.memory_allocated(0)
    with pytest.raises(Refused, match=r"would hold [\d.,]+ [GT]B, and [\d.]+ GB are free on cuda:0"):
        measure(Setting(2**19, 64, "float32", "plain", "cuda:0"))
    assert torch.cuda.memory_allocated(0) == before
