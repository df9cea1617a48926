"""The attention bench: how long attention takes and what it holds, measured on the reader's own GPU and CPU, against their rooflines."""

import math
import threading
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
import traitlets

from llmkit.attention_bench import (
    BACKENDS,
    DTYPES,
    LONGEST,
    Refused,
    Roofline,
    Run,
    Setting,
    flops,
    held,
    limit,
    moved,
)
from llmkit.attention_bench.clock import duration, size
from llmkit.attention_bench.costs import NAMES
from llmkit.attention_bench.stored import LENGTHS, row, stored
from llmkit.attention_bench.worker import Lost, Worker
from llmkit.widgets.base import LiveWidget, as_json
from llmkit.widgets.pictures import svg, text

STOPS = LENGTHS  # of the length slider, as in attention_bench.js
WIDTH = 64  # numbers in a query
IDLE = 60  # seconds without a question after which the measuring process ends
PATIENCE, COMPILING = 60, 240  # seconds for one answer, and for one of FlexAttention, which is compiled first
LIMITS = {"memory": "memory", "arithmetic": "arithmetic", "calls": "the fixed cost of its calls"}


class AttentionBench(LiveWidget):
    """Attention of `heads` heads of width 64 over `length` tokens, by `backend` and in `dtype`: its time and its bytes.

    With a kernel, what the reader chooses is measured in a process of its own, on the first GPU and on the CPU, from 64
    tokens up to the length. `measure()` does the same and waits for it. `shows` is "time" or "memory". What would not fit, or
    take longer than two seconds a call, is not run: the reason stands in `refused`, by device. A question that
    cannot be one gets a sentence in `error`, and all else stays. Without a kernel the page shows stored runs.

    >>> AttentionBench(length=2048, backend="flash").stored_row("cpu")[3]
    2048

    Used in lesson 06.
    """

    name = "attention_bench"
    height, height_on_a_phone = 771, 1277

    length = traitlets.Int(256).tag(sync=True)
    heads = traitlets.Int(4).tag(sync=True)
    dtype = traitlets.Unicode("float32").tag(sync=True)
    backend = traitlets.Unicode("plain").tag(sync=True)
    shows = traitlets.Enum(("time", "memory"), "time").tag(sync=True)
    asks = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)
    stored = traitlets.Dict(read_only=True).tag(sync=True)  # the runs of the recipe
    costs = traitlets.Dict(read_only=True).tag(sync=True)  # {kind: {backend: {dtype: what `coefficients` says}}}
    question = traitlets.Dict().tag(sync=True, echo_update=False)  # {"n": number, "length": ..., ...}, or {"n": number, "stop": True}
    devices = traitlets.List(read_only=True).tag(sync=True)  # what the worker saw; "gone" where it is no longer there
    reasons = traitlets.Dict(read_only=True).tag(sync=True)  # {device: {dtype: {backend: why not, or nothing}}}
    roofs = traitlets.Dict(read_only=True).tag(sync=True)  # {device: {dtype: [bytes per second, operations per second]}}
    runs = traitlets.Dict(read_only=True).tag(sync=True)  # {device: rows of stored.COLUMNS}
    refused = traitlets.Dict(read_only=True).tag(sync=True)  # {device: sentence}, of the last question
    busy = traitlets.Unicode("", read_only=True).tag(sync=True)  # what is being measured
    done = traitlets.Int(0, read_only=True).tag(sync=True)  # the last question that was answered, refused or stopped
    error = traitlets.Unicode("", read_only=True).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._worker, self._known = Worker(), {}
        self._wanted: tuple[int, Setting] | None = None
        self._changed, self._measuring = threading.Condition(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_stopped = False
        super().__init__(**traits)
        self.set_trait("stored", stored())
        self.set_trait("costs", coefficients())

    @property
    def setting(self) -> Setting:
        """What is chosen, on the CPU."""
        return Setting(self.length, self.heads, self.dtype, self.backend, "cpu", WIDTH)

    def stored_row(self, kind: str) -> list[Any] | None:
        """The stored run of what is chosen on a "cpu" or "gpu", in `llmkit.attention_bench.stored.COLUMNS`; None where there is none."""
        wanted = [self.dtype, self.backend, self.heads, self.length]
        return next((one for one in self.stored.get(kind, {}).get("runs", []) if one[:4] == wanted), None)

    # ---- measuring -------------------------------------------------------------------------------------------------

    def measure(self) -> list[Run]:
        """Measure what is chosen, from 64 tokens up to its length, on the first GPU and on the CPU; the runs at that length."""
        setting = self.setting
        self._sweep(self.done, setting)
        return [run for (device, *_), run in self._known.items() if run.setting == replace(setting, device=device)]

    def stop(self) -> None:
        """Stop what is being measured; what was measured stays."""
        with self._changed:
            self._wanted = None
        self._is_stopped = True
        self._worker.stop()

    def close(self) -> None:
        self.stop()
        super().close()

    @traitlets.observe("question")
    def _on_question(self, change: Any) -> None:
        number = change.new.get("n", self.done)
        if change.new.get("stop"):
            self.stop()
            return
        try:
            chosen = {name: change.new.get(name, getattr(self, name)) for name in ("length", "heads", "dtype", "backend")}
            setting = Setting(**chosen, device="cpu", width=WIDTH)
        except ValueError as problem:
            self.set_trait("error", str(problem))
            self.set_trait("done", number)
            return
        with self.hold_sync():
            self.set_trait("error", "")
            for name, value in chosen.items():
                setattr(self, name, value)
        with self._changed:
            self._wanted = (number, setting)
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        """Answer the newest question, until there has been none for a while."""
        while True:
            with self._changed:
                if self._wanted is None and not self._changed.wait_for(lambda: self._wanted is not None, IDLE):
                    self._thread = None
                    self._worker.stop()
                    return
                number, setting = self._wanted
                self._wanted = None
            self._sweep(number, setting)

    def _sweep(self, number: int, setting: Setting) -> None:
        """Measure all lengths up to the chosen one on each device, shortest first; a newer question ends it."""
        with self._measuring:
            self._is_stopped = False
            try:
                self.set_trait("refused", {})
                for device in self._look():
                    if self._is_over:
                        break
                    if problem := self._climb(replace(setting, device=device)):
                        self.set_trait("refused", {**self.refused, device: problem})
            except Refused as problem:
                if not self._is_stopped:
                    self.set_trait("error", str(problem))
            finally:
                self.set_trait("busy", "")
                self.set_trait("done", number)

    @property
    def _is_over(self) -> bool:
        return self._is_stopped or self._wanted is not None

    def _look(self) -> list[str]:
        """The devices that are measured: the first GPU and the CPU. One that was here and is gone is said to be."""
        self.set_trait("busy", "what this machine has")
        found = {device["id"]: device for device in self._worker.ask("look")}
        shown = [next((one for one in found.values() if one["kind"] == kind), None) for kind in ("gpu", "cpu")]
        gone = [{**device, "gone": True} for device in self.devices if device["id"] not in found]
        if gone:
            names = {device["id"]: f"{device['name']} is not here any more. What it measured stays." for device in gone}
            self.set_trait("refused", {**self.refused, **names})
        shown = [device for device in shown if device is not None]
        kinds = {device["kind"] for device in shown}
        self.set_trait("devices", [*[device for device in gone if device["kind"] not in kinds], *shown])
        return [device["id"] for device in shown]

    def _climb(self, setting: Setting) -> str:
        """Measure the lengths that have not been measured yet; the sentence that says why the last one was not, or nothing."""
        device, dtype = setting.device, setting.dtype
        known = self.reasons.get(device, {})
        if dtype not in known:
            known = {**known, dtype: self._worker.ask("available", PATIENCE, device=device, dtype=dtype)}
            self.set_trait("reasons", {**self.reasons, device: known})
        if reason := known[dtype][setting.backend]:
            return f"{NAMES[setting.backend]} in {dtype}: {reason}"
        if dtype not in self.roofs.get(device, {}):
            self.set_trait("busy", f"what {device} can do at its best in {dtype}: a copy and a matrix product")
            roof = self._worker.ask("roofline", PATIENCE, device=device, dtype=dtype)
            self.set_trait("roofs", {**self.roofs, device: {**self.roofs.get(device, {}), dtype: roof}})
        before, problem = None, ""
        for length in [*[stop for stop in STOPS if stop < setting.length], setting.length]:
            if self._is_over:
                return ""
            if problem and length != setting.length:
                continue  # too long already; what is said is said of the length that was asked for
            key = (device, dtype, setting.backend, setting.heads, length)
            if key not in self._known:
                try:
                    self._known[key] = self._ask(replace(setting, length=length), before)
                except Lost:
                    raise
                except Refused as refusal:
                    problem = str(refusal)
                    continue
                self._tell(device)
            before = self._known[key]
        return problem

    def _ask(self, setting: Setting, before: Run | None) -> Run:
        is_first = setting.backend == "flex" and before is None
        compiling = ", compiled first: that may take a minute" if is_first else ""
        self.set_trait("busy", f"{setting.length:,} tokens on {setting.device}{compiling}")
        given = {"setting": setting.as_dict(), "before": None if before is None else before.as_dict()}
        return Run.from_dict(self._worker.ask("run", COMPILING if is_first else PATIENCE, **given))

    def _tell(self, device: str) -> None:
        rows = [row(run) for key, run in self._known.items() if key[0] == device]
        self.set_trait("runs", {**self.runs, device: rows})

    # ---- what is refused -------------------------------------------------------------------------------------------

    @traitlets.validate("length", "heads", "dtype", "backend")
    def _can_be(self, proposal: Any) -> Any:
        try:
            Setting(**{"length": 64, proposal.trait.name: proposal.value})
        except ValueError as problem:
            raise traitlets.TraitError(str(problem)) from None
        return proposal.value

    # ---- for the page without a kernel -----------------------------------------------------------------------------

    def state_for_page(self) -> dict[str, Any]:
        """What is chosen and the stored runs; nothing that was measured here, which differs every time."""
        names = ("length", "heads", "dtype", "backend", "shows", "asks", "guess", "stored", "costs")
        empty = {"devices": [], "reasons": {}, "roofs": {}, "runs": {}, "refused": {}, "busy": "", "error": ""}
        return {**as_json({name: getattr(self, name) for name in names}), **empty, "kernel": False}

    def label(self) -> str:
        return f"Attention bench: time and memory of {NAMES[self.backend]} over {self.length:,} tokens, {self.heads} heads, {self.dtype}"

    def picture(self) -> str:
        """Time against length on logarithmic axes: the stored runs, and the rooflines of their devices."""
        parts, says = [text(8, 20, f"Time of {NAMES[self.backend]}, {self.heads} heads of width {WIDTH}, {self.dtype}", 14)], []

        def place(length: float, seconds: float) -> tuple[float, float]:
            return 60 + 46 * (math.log2(length) - 6), 30 + 36 * (1 - math.log10(seconds))

        for exponent in range(-5, 2):
            y = place(64, 10**exponent)[1]
            parts += [f'<line x1="60" x2="566" y1="{y:.0f}" y2="{y:.0f}" stroke="#7a808c" stroke-opacity="0.25"/>', text(54, y + 4, duration(10**exponent), 11, "end")]
        parts += [text(place(stop, 1)[0], 300, f"{stop:,}", 11, "middle") for stop in STOPS[::2]]
        for kind, color in (("cpu", "#7a808c"), ("gpu", "#d2447a")):
            entry = self.stored.get(kind, {})
            rows = [one for one in entry.get("runs", []) if one[:3] == [self.dtype, self.backend, self.heads] and not (self._hides and one[3] > self.length)]
            if not rows:
                continue
            roof = Roofline(*entry["roofs"][self.dtype])
            floor = [place(one[3], max(roof.seconds(replace(self.setting, length=one[3])))) for one in rows]
            line = [place(one[3], one[4]) for one in rows]
            parts += [
                f'<polyline points="{_points(line)}" fill="none" stroke="{color}" stroke-width="2"/>',
                f'<polyline points="{_points(floor)}" fill="none" stroke="{color}" stroke-dasharray="4 4"/>',
            ]
            says.append(f"{entry['name']}, torch {entry['torch']}, {entry['date']}")
            if here := self.stored_row(kind):
                what, share = limit(_as_run(here, self.setting), roof, _as_run(rows[0], self.setting))
                says.append(f"{here[3]:,} tokens: {duration(here[4])}, {size(here[8])}, {share:.0%} of the roofline (dashed); limited by {LIMITS[what]}")
        parts += [text(8, 324 + 18 * i, line, 12) for i, line in enumerate(says or ["No stored run has this setting."])]
        return svg(600, 330 + 18 * max(1, len(says)), self.label(), *parts)

    @property
    def _hides(self) -> bool:
        return self.asks and self.guess < 0


def _as_run(row: list[Any], setting: Setting) -> Run:
    return Run(replace(setting, length=row[3]), *row[4:9])


def _points(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.0f},{y:.1f}" for x, y in places)


@lru_cache(maxsize=1)
def coefficients() -> dict[str, Any]:
    """What the page needs to predict as Python does: per device kind, backend and dtype the numbers of `held` and `moved`.

    {"held": [squares, rows], "fixed": [bytes per thread at each of STOPS] or [], "moved": [squares, rows]}
    """
    # FlexAttention on a CPU holds one square for all heads; here it is told as if for each, which is never too little.
    told: dict[str, Any] = {"flops": flops(Setting(1, 1, width=WIDTH)), "longest": LONGEST, "names": NAMES, "dtypes": list(DTYPES)}
    for kind, device in (("cpu", "cpu"), ("gpu", "cuda")):
        told[kind] = {backend: {dtype: _coefficients(backend, dtype, device) for dtype in DTYPES} for backend in BACKENDS}
    return told


def _coefficients(backend: str, dtype: str, device: str) -> dict[str, list[float]]:
    settings = [Setting(stop, 1, dtype, backend, device, WIDTH) for stop in STOPS]
    fixed = [held(setting).fixed / torch.get_num_threads() for setting in settings]
    most, through = held(settings[-1]), moved(settings[-1])
    return {"held": [most.squares, most.rows], "fixed": fixed if any(fixed) else [], "moved": [through.squares, through.rows]}
