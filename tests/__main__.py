"""Check everything: `make test`, or `make test ONLY="lessons site"` for some of the stages.

Stages run in order and stop at the first that fails. Each prints what it does and how long it took. Some run beside
others, where processors would be idle; what these print is held back until the others are done. What is compared with a
clock in a browser has a stage of its own, before which everything beside it gives way.
"""

import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO

sys.path.insert(0, str(Path(__file__).parent))
from chromium import NO_BROWSER, find_chromium
from kernels.warm import SHARED, WarmPython

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "_build" / "tests"
PYTEST = ("pytest", "-q")
STEALING = ("--dist", "worksteal")  # who is done first takes from what another has left
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")  # what a file's tests share is made once; the smallest files come last
WIDGETS = [str(path.relative_to(ROOT)) for end in ("page", "js") for path in sorted((ROOT / "tests/widgets").glob(f"test_*_{end}.py"))]
APART = [f"--ignore=tests/{name}" for name in ("lessons", "exercises", "colab", "test_floors.py", "site", "lab")]
PAGES = ["--ignore-glob=*_page.py", "--ignore-glob=*_js.py"]  # every process would import them in vain
PARTS = [f"llmkit.{path.stem}" for path in sorted((ROOT / "llmkit").iterdir()) if path.suffix == ".py" or (path / "__init__.py").exists()]
CHECKED = [part for part in PARTS if part != "llmkit.tales"]  # no tensors there, and a hundred thousand short calls


@dataclass(frozen=True)
class Stage:
    """One heading, the commands under it, and what its failure means."""

    name: str
    does: str
    commands: tuple[tuple[str, ...], ...]
    hint: str
    needs_browser: bool = False
    gives_way: bool = False  # takes only what other programs leave of the processors
    warm: int = 0  # how many of its processes begin with the large libraries imported


@dataclass(frozen=True)
class Outcome:
    """How a stage went."""

    counts: dict[str, int]
    seconds: float
    is_good: bool


STAGES = (
    Stage("rules", "lint, package floors, notebook rules",
          (("ruff", "check", "."), (*PYTEST, "tests/lessons", "tests/test_floors.py")),
          "the lines above name file and rule; `ruff check --fix .` mends most lint."),
    Stage("exercises", "solutions pass, planted wrong answers fail with their own message",
          ((*PYTEST, "tests/exercises"),),
          "an exercise would tell a reader something wrong.", gives_way=True, warm=1),
    Stage("lessons", "every notebook runs and prints what is stored",
          ((*PYTEST, "--nbval", "lessons"),),
          "run the notebook and look; if the new output is right, `make refresh` stores it."),
    Stage("colab", "every lesson in an environment with Colab's package versions",
          ((*PYTEST, "-s", "tests/colab"),),
          "a lesson would fail on Colab."),
    Stage("lab", "JupyterLab itself: run a lesson, move a slider, see the picture change",
          ((*PYTEST, "-s", "tests/lab"),),
          "the lesson or a widget fails in JupyterLab.", True),
    Stage("build", "the site builds without a warning",
          ((*PYTEST, "-s", "tests/site/test_build.py"),),
          "a page does not build; the lines above name file and line.", gives_way=True),
    Stage("budgets", "in Chromium every move is drawn in the next frame, and every figure is live in time",
          ((*PYTEST, "-s", "tests/site", *WIDGETS, "-m", "timed"),),
          "a budget is broken.", True, warm=1),
    Stage("unit", "formulas, widgets and helpers, with shapes checked at run time",
          ((*PYTEST, "tests", "llmkit", *APART, *PAGES, "--doctest-modules", "-p", "no:logging",  # nothing logs, and watching costs as much as a short test
            f"--jaxtyping-packages={','.join(CHECKED)},checker.checked", *BY_FILE),),
          "a formula, a widget or a helper does not do what its test says.", gives_way=True, warm=2),
    Stage("site", "every page and every figure lives in Chromium",
          ((*PYTEST, "-s", "tests/site", *WIDGETS, "-m", "browser and not timed", *STEALING),),
          "a page or a figure is broken; screenshots are in _build/screenshots.", True, warm=3),  # three, as each waits for frames now and then
)
LAST = 19  # the nicest priority there is
WORKING: set[subprocess.Popen] = set()
WARM: list[WarmPython] = []  # the one that all share
TOGETHER = (  # stages one after another, and others beside them
    (("rules", "lessons"), ("colab", "lab", "build")),  # a process each, two for colab, and each waits now and then; build gives way
    (("budgets",), ("exercises", "unit")),  # one process, which waits for frames, and three, which give way to it
    (("site",), ()),  # three
)


@contextlib.contextmanager
def warm_for(stages: list[Stage]) -> Iterator[None]:
    """Where stages need warm processes, what they are copied from."""
    if not any(stage.warm for stage in stages):
        return (yield)
    os.environ.update(environment())  # libraries read it when they are imported
    with contextlib.closing(WarmPython()) as python:
        WARM.append(python)
        yield


def chosen(names: list[str]) -> list[Stage]:
    """The stages asked for, in their own order; all of them when none is named."""
    known = [stage.name for stage in STAGES]
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"There is no stage called {unknown[0]!r}. The stages are {', '.join(known)}.")
    return [stage for stage in STAGES if not names or stage.name in names]


def environment() -> dict[str, str]:
    """Offline, one thread per process, unbuffered; what one interpreter has compiled, all others read."""
    threads = {name: os.environ.get(name, "1") for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    warm = {SHARED: WARM[0].python} if WARM else {}
    return {**os.environ, **threads, **warm, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""}


def command(stage: Stage, tool: str, *arguments: str) -> list[str]:
    """A tool of this environment; pytest where a stage has warm processes, in one of them or with several to work for it."""
    if tool != "pytest" or not stage.warm:
        return [sys.executable, "-m", tool, *arguments]
    arguments += ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # asserts of libraries say less when they are there already
    python = WARM[0].python
    if stage.warm == 1:
        return [python, "-m", tool, *arguments]
    return [sys.executable, "-m", tool, "--tx", f"{stage.warm}*popen//python={shlex.quote(python)}", *arguments]


def run(stage: Stage, out: IO[str] | None = None, others_are_done: Callable[[], object] = bool) -> Outcome:
    """Run a stage, telling the terminal, or `out`, how it goes. Before what failed is tried again, wait for the others."""
    total, began = {"passed": 0, "failed": 0, "skipped": 0}, time.monotonic()

    def call(ordered: list[str]) -> int:
        process = subprocess.Popen(ordered, cwd=ROOT, env=environment(), stdout=out, stderr=out)
        WORKING.add(process)
        if stage.gives_way and hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process.pid, LAST)  # what it starts inherits it
        code = process.wait()
        WORKING.discard(process)
        return code

    def say(text: str) -> None:
        print(text, file=out, flush=True)

    say(f"\n== {stage.name}: {stage.does}")
    for number, (tool, *arguments) in enumerate(stage.commands, 1):
        report = REPORTS / f"{stage.name}-{number}.xml"
        report.unlink(missing_ok=True)
        extra = [f"--junitxml={report}", "-o", f"cache_dir={report.with_suffix('')}"] if tool == "pytest" else []  # what failed, apart from other stages
        ordered = command(stage, tool, *arguments, *extra)
        code = call(ordered)
        found = counted(report, tool, code)
        if code == 1 and stage.needs_browser and tool == "pytest":
            say("\nWhat failed is tried once more: a browser on a busy machine may come late.")
            others_are_done()
            code = call([*ordered, "--last-failed"])
            again = counted(report, tool, code)
            found = {**found, "passed": found["passed"] + again["passed"], "failed": again["failed"]}
        for key, value in found.items():
            total[key] += value
        if code:
            why = "no test was found" if tool == "pytest" and code == 5 else stage.hint
            say(f"\nStage {stage.name} failed: {why} Alone: make test ONLY={stage.name}")
            return Outcome(total, time.monotonic() - began, False)
    outcome = Outcome(total, time.monotonic() - began, True)
    say(f"== {stage.name} took {outcome.seconds:.0f} s")
    return outcome


def counted(report: Path, tool: str, code: int) -> dict[str, int]:
    """Read pytest's own report; a linter counts as one test."""
    if tool != "pytest" or not report.exists():
        return {"passed": int(code == 0), "failed": int(code != 0)}
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    tests, failed, skipped = 0, 0, 0
    for suite in suites:
        tests += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return {"passed": tests - failed - skipped, "failed": failed, "skipped": skipped}


def run_all(stages: list[Stage]) -> Iterator[tuple[Stage, Outcome]]:
    """The outcome of each stage, as it ends."""
    for some, others in TOGETHER:
        inorder, beside = ([stage for stage in stages if stage.name in names] for names in (some, others))
        if inorder and beside:
            yield from run_together(inorder, beside)
        else:
            yield from ((stage, run(stage)) for stage in (*inorder, *beside))


def run_together(inorder: list[Stage], beside: list[Stage]) -> Iterator[tuple[Stage, Outcome]]:
    """Stages one after another, and others beside them, whose outcomes come last."""
    done = Event()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        told = {stage: Path(folder, stage.name) for stage in beside}
        working = {stage: pool.submit(run_aside, stage, told[stage], done) for stage in beside}
        try:
            aside = [working[stage] for stage in beside if not stage.needs_browser]  # those that do may wait themselves
            for stage in inorder:
                yield stage, run(stage, others_are_done=lambda: wait(aside))
            for stage in sorted(beside, key=lambda stage: stage.needs_browser):
                if stage.needs_browser:
                    done.set()
                yield stage, follow(working[stage], told[stage])
        finally:  # nobody waits for the rest when a stage has failed
            done.set()
            for process in list(WORKING):
                process.terminate()


def run_aside(stage: Stage, told: Path, others_are_done: Event) -> Outcome:
    """Run a stage, and write down what it has to say."""
    with open(told, "w", encoding="utf-8") as out:
        return run(stage, out, others_are_done.wait)


def follow(future: Future, held_back: Path) -> Outcome:
    """Print what was held back, and then what comes, until the stage is done."""
    is_done = False
    with open(held_back, encoding="utf-8", errors="replace") as text:
        while not is_done:
            is_done = future.done()
            print(text.read(), end="", flush=True)
            time.sleep(0.1)
    return future.result()


def main() -> None:
    stages, times = chosen(sys.argv[1:]), []
    if any(stage.needs_browser for stage in stages) and find_chromium() is None:
        sys.exit(NO_BROWSER)
    REPORTS.mkdir(parents=True, exist_ok=True)
    total, began, is_good = {"passed": 0, "failed": 0, "skipped": 0}, time.monotonic(), True
    with warm_for(stages):
        for stage, outcome in run_all(stages):
            for key, value in outcome.counts.items():
                total[key] += value
            times.append(f"{stage.name} {outcome.seconds:.0f} s")
            if not outcome.is_good:
                is_good = False
                break
    print(f"\n{', '.join(times)}; {time.monotonic() - began:.0f} s in all.")
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)
    sys.exit(not is_good)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
