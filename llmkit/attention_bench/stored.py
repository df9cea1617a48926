"""Runs that are kept: what `llmkit.recipes.attention_runs` measured, for pages without a kernel. Lesson 06."""

import json
from pathlib import Path
from typing import Any

from llmkit.attention_bench.clock import Run
from llmkit.attention_bench.costs import held

STORED = Path(__file__).resolve().parents[1] / "recipes" / "attention_runs.json"
LENGTHS = tuple(2**power for power in range(6, 18))  # 64 to 131,072: where runs are made
COLUMNS = ("dtype", "backend", "heads", "length", "seconds", "low", "high", "calls", "held", "predicted")


def stored() -> dict[str, Any]:
    """{"cpu": {...}, "gpu": {...}}: name of the hardware, torch, date, rooflines, reasons against, and runs; {} before the first."""
    return json.loads(STORED.read_text("utf-8")) if STORED.exists() else {}


def row(run: Run) -> list[Any]:
    """A run in COLUMNS, its times in four digits."""
    s = run.setting
    times = [float(f"{seconds:.4g}") for seconds in (run.seconds, run.low, run.high)]
    return [s.dtype, s.backend, s.heads, s.length, *times, run.calls, run.held, round(held(s).at(s.length, s.heads))]
