"""A process of its own that measures: the reader's kernel stays free, and what goes wrong there takes nothing with it.

It answers one line of JSON with one line of JSON. It can be stopped at any time, ends with the process that asks, and is
started again when next asked. Lesson 06.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import torch

from llmkit.attention_bench.backends import available, first_line
from llmkit.attention_bench.clock import Refused, Run, measure, measure_roofline
from llmkit.attention_bench.costs import Setting
from llmkit.device import devices, hardware_name, memory_free

START = 60  # seconds that the process may take to be there: it loads torch


class Lost(Refused):
    """The process ended before it answered."""


class Worker:
    """The side that asks."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None
        self._answers: queue.Queue[str] = queue.Queue()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask(self, task: str, patience: float = 30, **given: Any) -> Any:
        """The answer to one of TASKS. Raises Refused with its sentence, or Lost where the process ended or took too long."""
        if not self.is_running:
            self._start()
            patience += START
        process = self._process
        try:
            process.stdin.write(json.dumps({"task": task, **given}) + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=patience)
        except queue.Empty:
            self.stop()
            raise Lost(f"No answer after {patience:g} s, so the measuring process was stopped.") from None
        except OSError:
            line = ""
        if not line:
            code = process.wait()
            why = "the system ended it, as it does when memory runs out" if code == -9 else f"exit status {code}"
            raise Lost(f"The measuring process ended before it answered ({why}). Your kernel is unharmed.")
        answer = json.loads(line)
        if "refused" in answer:
            if "CUDA error" in answer["refused"]:
                self.stop()  # a process that saw one can use the GPU no more; the next question starts a new one
            raise Refused(answer["refused"])
        return answer["answer"]

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        package = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "KINETO_LOG_LEVEL": "99", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "llmkit.attention_bench.worker", str(torch.get_num_threads())]
        self._answers = queue.Queue()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True, encoding="utf-8"
        )
        threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()


def _listen(process: subprocess.Popen, answers: "queue.Queue[str]") -> None:
    for line in process.stdout:
        answers.put(line)
    answers.put("")  # there will be no more


# ---- the side that answers ------------------------------------------------------------------------------------------


def look() -> list[dict[str, Any]]:
    """The devices that are here now."""
    return [
        {"id": str(one), "kind": "cpu" if one.type == "cpu" else "gpu", "name": hardware_name(one), "free": memory_free(one), "threads": torch.get_num_threads()}
        for one in devices()
    ]


def run(setting: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Measure; `before` is a shorter run of the same setting."""
    return measure(Setting(**setting), None if before is None else Run.from_dict(before)).as_dict()


def roofline(device: str, dtype: str) -> list[float]:
    """Bytes per second and operations per second."""
    seen = measure_roofline(device, dtype)
    return [seen.bandwidth, seen.peak]


TASKS = {"look": look, "available": available, "roofline": roofline, "run": run}


def answer(line: str) -> dict[str, Any]:
    """What goes back for a line: {"answer": ...}, or {"refused": a sentence}.

    >>> answer('{"task": "dance"}')
    {'refused': "There is no task 'dance'."}
    """
    given = json.loads(line)
    task = given.pop("task", None)
    if task not in TASKS:
        return {"refused": f"There is no task {task!r}."}
    try:
        return {"answer": TASKS[task](**given)}
    except ValueError as problem:  # Refused among them
        return {"refused": str(problem)}
    except Exception as problem:  # whatever a device or a compiler may throw: the next question is another matter
        return {"refused": f"{given.get('device') or given.get('setting', {}).get('device', 'torch')} could not do it: {first_line(problem)}"}


def main() -> None:
    """Answer until nobody asks any more."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # what libraries print does not get among the answers
        torch.set_num_threads(int(sys.argv[1]))
        for line in sys.stdin:
            print(json.dumps(answer(line)), file=out, flush=True)


if __name__ == "__main__":
    main()
