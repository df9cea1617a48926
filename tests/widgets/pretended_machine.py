"""A machine for the attention bench whose devices come and go, and that measures nothing."""

import time

from llmkit.attention_bench import Refused, Run, Setting, held
from llmkit.attention_bench.costs import NAMES
from llmkit.attention_bench.worker import Lost

CPU = {"id": "cpu", "kind": "cpu", "name": "A processor", "free": 8 * 10**9, "threads": 1}
GPU = {"id": "cuda:0", "kind": "gpu", "name": "A GPU", "free": 10**9, "threads": 1}


class Machine:
    """A worker that pretends: its devices can come and go, and one call over T tokens takes T microseconds."""

    def __init__(self, *here):
        self.here, self.asked, self.reason, self.is_running = list(here), [], "", True
        self.wait = 0.0

    def ask(self, task, patience=30, **given):
        self.asked.append((task, given))
        if task == "look":
            return self.here
        if task == "available":
            return dict.fromkeys(NAMES, self.reason)
        if task == "roofline":
            return [1e10, 1e11]
        setting = Setting(**given["setting"])
        if setting.device not in [one["id"] for one in self.here]:
            raise Refused(f"There is no device {setting.device!r} here; this machine offers: cpu.")
        if held(setting).at(setting.length, setting.heads) > 1e9:
            raise Refused(f"{setting.length:,} tokens would hold too much. Not run.")
        time.sleep(self.wait)
        if not self.is_running:
            raise Lost("The measuring process ended before it answered.")
        seconds = setting.length * 1e-6
        return Run(setting, seconds, seconds, seconds, 5, 1000).as_dict()

    def stop(self):
        self.is_running = False


def until(holds, seconds=10):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    assert holds()
