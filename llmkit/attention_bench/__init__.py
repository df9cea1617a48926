"""Attention, measured: how long each way of computing it takes and what it holds, against what the device could do.

`costs` predicts, `backends` knows the ways, `clock` measures, `worker` does so in a process of its own. Lesson 06.

>>> run = measure(Setting(length=64, heads=2, backend="plain"))
>>> run.held == held(run.setting).at(64, 2)
True
"""

import os

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler, which counts the bytes, says when it starts and stops

from llmkit.attention_bench.backends import BACKENDS, attention, available, reason_against
from llmkit.attention_bench.clock import LONGEST, Refused, Run, limit, measure, measure_roofline, refusal
from llmkit.attention_bench.costs import DTYPES, Cost, Roofline, Setting, flops, held, moved

__all__ = [
    "BACKENDS", "DTYPES", "LONGEST", "Cost", "Refused", "Roofline", "Run", "Setting", "attention", "available",
    "flops", "held", "limit", "measure", "measure_roofline", "moved", "reason_against", "refusal",
]  # fmt: skip
