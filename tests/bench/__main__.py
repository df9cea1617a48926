"""Measure what the book claims about its own code: `make bench`, or `make bench ONLY="decoding encoder"`.

Each benchmark is a file here with `run(say)`, which measures in one run what is compared and returns its figures.
A claim of speed is a ratio, for absolute times wander from machine to machine. The figures are kept in
_build/bench.json.
"""

import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BENCHMARKS = {
    "language": "the tales: speed, memory, and whether what is told is understood again",
    "floor": "the loss of the bundled models beside the exact floor and beside n-grams",
    "questions": "tales-qa: exact match, and silence where the tale does not say",
    "translation": "tales-t5: Chinese and summaries, and every failure",
    "page": "tales-gpt-mini in headless Chromium: first answer, tokens per second",
    "resume": "a training run killed in the middle, beside one left alone",
    "encoder": "MiniLM through our encoder, beside transformers",
    "decoding": "tokens per second with the cache, beside transformers",
    "shakespeare": "the training recipe beside plain AdamW",
}


def main(names: list[str]) -> None:
    """Run the benchmarks named, or all of them."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        sys.exit(f"There is no benchmark called {unknown[0]!r}. They are {', '.join(BENCHMARKS)}.")
    sys.path[:0] = [str(HERE), str(ROOT / "tests"), str(ROOT / "tests" / "widgets")]
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    kept = ROOT / "_build" / "bench.json"
    figures = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name in names or BENCHMARKS:
        print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
        began = time.monotonic()
        figures[name] = importlib.import_module(name).run(lambda text: print(text, flush=True))
        print(f"== {name} took {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}", flush=True)
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps(figures, indent=1, default=float) + "\n", "utf-8")
    print(f"\nThe figures are in {kept.relative_to(ROOT)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
