"""The stored runs of the attention bench, for pages without a kernel: `python -m llmkit.recipes.attention_runs`.

Every backend and dtype that the machine has, with 1, 4 and 16 heads, from 64 tokens on, until one call takes too long
to wait for; a few minutes. The result lies in `attention_runs.json`, with the names of the hardware. What another
machine stored of a device that is not here stays: run it on a machine with a GPU, and the GPU joins.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import torch

from llmkit.attention_bench import (
    BACKENDS,
    DTYPES,
    Refused,
    Run,
    Setting,
    available,
    measure,
    measure_roofline,
)
from llmkit.attention_bench.stored import LENGTHS, STORED, row, stored
from llmkit.device import devices, hardware_name, memory_free

HEADS = (1, 4, 16)
COMPILED = ("float32",)  # what FlexAttention is compiled for on a CPU
WAIT = 0.25  # seconds that a stored call may be predicted to take


def record(device: torch.device, say: Callable[..., None] = print, wait: float = WAIT) -> dict[str, Any]:
    """All that is stored of a device."""
    found: dict[str, Any] = {
        "name": hardware_name(device), "torch": torch.__version__.partition("+")[0], "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "free": memory_free(device), "threads": torch.get_num_threads(), "roofs": {}, "reasons": {}, "runs": [],
    }  # fmt: skip
    for dtype in DTYPES:
        found["reasons"][dtype] = available(device, dtype)
        if device.type == "cpu" and dtype not in COMPILED and not found["reasons"][dtype]["flex"]:
            found["reasons"][dtype]["flex"] = f"Stored for {COMPILED[0]} only: it is compiled for every dtype, about a minute each."
        try:
            roof = measure_roofline(device, dtype)
        except Refused:
            continue
        found["roofs"][dtype] = [float(f"{number:.4g}") for number in (roof.bandwidth, roof.peak)]
        for backend in BACKENDS:
            for heads in HEADS if not found["reasons"][dtype][backend] else ():
                runs = climb(partial(Setting, heads=heads, dtype=dtype, backend=backend, device=str(device)), wait)
                found["runs"] += [row(run) for run in runs]
                if runs:
                    say(f"{dtype:9} {backend:10} {heads:3} heads: {len(runs)} lengths, {1e3 * runs[-1].seconds:.1f} ms at {runs[-1].setting.length}", flush=True)
    return found


def climb(setting: Callable[..., Setting], wait: float) -> list[Run]:
    """Runs at longer and longer lengths, until one is refused."""
    runs: list[Run] = []
    for length in LENGTHS:
        try:
            runs.append(measure(setting(length=length), runs[-1] if runs else None, wait))
        except Refused:
            break
    return runs


def main() -> None:
    kept = stored()
    for kind, device in {"cpu" if one.type == "cpu" else "gpu": one for one in reversed(devices())}.items():
        print(hardware_name(device))
        kept[kind] = record(device)
    rows = {kind: entry.pop("runs") for kind, entry in kept.items()}
    lines = {kind: ",\n".join(json.dumps(one) for one in rows[kind]) for kind in kept}
    entries = [f'"{kind}": {json.dumps(entry, indent=1)[:-2]},\n "runs": [\n{lines[kind]}\n]}}' for kind, entry in kept.items()]
    STORED.write_text("{\n" + ",\n".join(entries) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
