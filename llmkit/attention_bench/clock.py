"""Time and bytes of one attention, and what the device could do at its best. Lesson 06."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median, quantiles
from typing import Any

import torch

from llmkit.attention_bench.backends import attention, first_line, reason_against
from llmkit.attention_bench.costs import DTYPES, NAMES, Roofline, Setting, flops, held
from llmkit.device import memory_free, pick_device
from llmkit.shapes import Tensor

LONGEST = 2.0  # seconds that one call may be predicted to take
SHARE = 0.8  # of the free memory that a run may hold
ENOUGH = 0.4  # seconds of timed calls
MOST_CALLS, FEWEST_CALLS = 25, 3
FIRST = 64  # tokens: the run from which the time of longer ones is predicted


class Refused(ValueError):  # noqa: N818, it is no mistake
    """What was asked cannot be measured here, and why: a sentence for the reader. Nothing has run."""


@dataclass(frozen=True)
class Run:
    """What was measured."""

    setting: Setting
    seconds: float  # of one call: the median
    low: float  # a quarter of the calls were faster
    high: float  # a quarter were slower
    calls: int
    held: int  # bytes alive at once, at the worst moment, queries, keys and values among them

    def as_dict(self) -> dict[str, Any]:
        return {"setting": self.setting.as_dict(), **{name: getattr(self, name) for name in ("seconds", "low", "high", "calls", "held")}}

    @staticmethod
    def from_dict(given: dict[str, Any]) -> "Run":
        return Run(**{**given, "setting": Setting(**given["setting"])})


def refusal(setting: Setting, before: Run | None = None, longest: float = LONGEST) -> str:
    """Why this is not measured: it would not fit, or take too long, judged by a run of a shorter length. Empty where it may run."""
    need, free = held(setting).at(setting.length, setting.heads), memory_free(setting.device)
    what = f"{setting.length:,} tokens with {setting.heads} head{'s' * (setting.heads > 1)} in {setting.dtype}, {NAMES[setting.backend]}"
    if need > SHARE * free:
        return f"{what}: would hold {size(need)}, and {size(free)} are free on {setting.device}. Not run."
    if before is not None:
        expected = before.seconds * flops(setting) / flops(before.setting)
        if expected > longest:
            return f"{what}: one call would take about {duration(expected)} on {setting.device}, more than the {longest:g} s that one may take here. Not run."
    return ""


def measure(setting: Setting, before: Run | None = None, longest: float = LONGEST) -> Run:
    """Measure one attention on random numbers. Raises Refused, with the figures, where it cannot be or would take too long.

    The first call warms up and has its bytes counted; the others are timed. `before` is a shorter run with the same
    setting, from which the time is predicted; where there is none, one is made.
    """
    setting = replace(setting, device=_here(setting.device))
    if problem := refusal(setting, before, longest):
        raise Refused(problem)
    if problem := reason_against(setting.backend, setting.device, setting.dtype):
        raise Refused(f"{NAMES[setting.backend]} in {setting.dtype} cannot run on {setting.device}. {problem}")
    try:
        if before is None and setting.length > FIRST:
            for shorter in (FIRST, min(512, setting.length // 4)):
                if shorter >= FIRST:
                    before = _measure(replace(setting, length=shorter))
            if problem := refusal(setting, before, longest):
                raise Refused(problem)
        return _measure(setting)
    except (RuntimeError, MemoryError, NotImplementedError) as problem:
        if setting.device.startswith("cuda") and isinstance(problem, torch.cuda.OutOfMemoryError):
            torch.cuda.empty_cache()
        raise Refused(f"{setting.device} could not compute it: {first_line(problem)}") from None


def _measure(setting: Setting) -> Run:
    device = torch.device(setting.device)
    random = torch.Generator().manual_seed(0)
    shape = (1, setting.heads, setting.length, setting.width)
    query, key, value = (torch.randn(shape, generator=random).to(device, DTYPES[setting.dtype]) for _ in range(3))
    attend = attention(setting.backend)
    with torch.no_grad():
        call = lambda: attend(query, key, value)  # noqa: E731
        if device.type == "cuda" or setting.backend == "flex":
            call()  # what is compiled or chosen at the first call is not to be counted
        inputs = 3 * query.numel() * query.element_size()
        bytes_held = inputs + added_bytes(call, device)
        times = timed(call, device)
    low, _, high = quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    return Run(setting, median(times), low, high, len(times), bytes_held)


def timed(call: Callable[[], Tensor], device: torch.device, enough: float = ENOUGH) -> list[float]:
    """Seconds of each of 3 to 25 calls: as many as fit into `enough` seconds."""
    times: list[float] = []
    while len(times) < FEWEST_CALLS or (sum(times) < enough and len(times) < MOST_CALLS):
        times.append(_seconds(call, device))
    return times


def _seconds(call: Callable[[], Tensor], device: torch.device) -> float:
    if device.type == "cuda":
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        call()
        end.record()
        torch.cuda.synchronize(device)
        return start.elapsed_time(end) / 1e3
    wait(device)
    began = time.perf_counter()
    call()
    wait(device)
    return time.perf_counter() - began


def wait(device: torch.device) -> None:
    """Until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def added_bytes(call: Callable[[], Tensor], device: torch.device) -> int:
    """The most bytes that were alive at once during a call, beyond those alive before.

    On a GPU its allocator says so. On a CPU torch's profiler reports each allocation and each release of its allocator,
    in order, and the largest running sum is the answer. What a library under torch takes for itself is not in it.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    if device.type == "mps":  # no peak is kept there: what is held with the output is the least that it was
        before = torch.mps.current_allocated_memory()
        kept = call()
        wait(device)
        after = torch.mps.current_allocated_memory()
        del kept
        return max(after - before, 0)
    with torch.autograd.profiler.profile(profile_memory=True) as profile:
        kept = call()
    del kept
    changes = sorted((event.start_ns(), event.nbytes()) for event in profile.kineto_results.events() if event.name() == "[memory]")
    alive = most = 0
    for _, change in changes:
        alive += change
        most = max(most, alive)
    return most


# ---- the roofline ---------------------------------------------------------------------------------------------------


def measure_roofline(device: torch.device | str, dtype: str, seconds: float = 0.25) -> Roofline:
    """The best of a few copies and of a few matrix products, in about twice so many seconds.

    The copy is of 256 MB, or a tenth of the free memory: more than a cache holds. Both what it reads and what it writes
    counts. The matrices grow until one product takes a tenth of the time.
    """
    device, kind = torch.device(_here(device)), DTYPES[dtype]
    if problem := reason_against("plain", device, dtype):
        raise Refused(problem)
    bandwidth = _bandwidth(device, kind, seconds)
    side, product = 128, 0.0
    while product < seconds / 10 and side < 8192:
        side *= 2
        left, right = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
        product = _best(lambda left=left, right=right: left @ right, device, seconds / 10)
    product = _best(lambda: left @ right, device, seconds)
    return Roofline(bandwidth, 2 * side**3 / product)


def _bandwidth(device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    number = min(256 * 2**20, memory_free(device) // 10) // dtype.itemsize
    source = torch.ones(number, dtype=dtype, device=device)
    target = torch.zeros_like(source)
    return 2 * number * dtype.itemsize / _best(lambda: target.copy_(source), device, seconds)


def _best(call: Callable[[], Tensor], device: torch.device, seconds: float) -> float:
    call()
    return min(timed(call, device, seconds))


def limit(run: Run, roofline: Roofline, shortest: Run | None = None) -> tuple[str, float]:
    """What keeps the run from being faster, and which part of its time the roofline explains.

    "calls": most of it passes even where there is next to nothing to compute, as the `shortest` run shows;
    "memory" or "arithmetic": whichever needs longer at the device's best.
    """
    for_bytes, for_operations = roofline.seconds(run.setting)
    floor = max(for_bytes, for_operations)
    if shortest is not None:
        fixed = shortest.seconds - max(roofline.seconds(shortest.setting))
        if fixed > run.seconds / 2:
            return "calls", floor / run.seconds
    return ("memory" if for_bytes > for_operations else "arithmetic"), floor / run.seconds


def _here(device: torch.device | str) -> str:
    try:
        return str(pick_device(device))
    except ValueError as problem:
        raise Refused(str(problem)) from None


# ---- figures in words -----------------------------------------------------------------------------------------------


def size(number: float) -> str:
    """Bytes, in three digits.

    >>> size(3_298_534_883_328), size(512)
    ('3.3 TB', '512 B')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:,.1f} TB" if number < 1000 else f"{number:,.0f} TB"


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(0.0005), duration(42), duration(7200)
    ('0.5 ms', '42 s', '2 hours')
    """
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 120:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:,.0f} hours"
