"""How fast a small model learns Shakespeare, letter by letter: the book's recipe beside the public yardstick, in one run.

The yardstick (nanoGPT's for a CPU): 4 layers, width 128, context 64, batches of 12, AdamW, 2,000 steps; loss 1.88.
The bars: the book's recipe is as good in a fifth of the yardstick's time, and at 1.60 or better in all of it.

The runs take turns of a second or so on one and the same processor, so that whatever else the machine does
slows all of them alike; only a run's own turns count. Loss: nats per letter on the last tenth of the text.

Why the recipe is faster: Muon makes the rare directions of a gradient as long as the common ones; rotations (RoPE)
need not be learned as a table of positions must; RMSNorm and ReLU cost less than LayerNorm and GELU and lose
nothing here; a feed-forward layer twice as wide as the stream instead of four times costs a quarter less a step, and
a model this young does not miss it; a trapezoid spends most of its steps going down, where the loss falls fastest.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from llmkit.objectives import next_token_loss
from llmkit.optimizers import make_optimizers
from llmkit.training import History, Settings, Windows, train
from llmkit.transformer import Config, Transformer

CONTEXT = 64
TURN = 1.0  # seconds
BARS = {"yardstick": 1.88, "best": 1.60}


@dataclass
class Run:
    """One training: what it is told, how long its own turns took, and what came out."""

    name: str
    settings: Settings
    batch_size: int
    config: dict
    seconds: float = 0.0  # on the clock
    processor: float = 0.0  # of the processor, which other programs do not lengthen
    loss: float = float("nan")
    history: History = field(default_factory=History)


def runs() -> list[Run]:
    """The yardstick at its own settings; the recipe for a fifth of its time, and for all of it."""
    theirs = {"norm": "layer", "activation": "gelu", "positions": "learned"}
    ours = {"norm": "rms", "activation": "relu", "positions": "rope", "hidden_width": 256}
    return [
        Run("yardstick", Settings(
            steps=2000, lr=1e-3, matrix_lr=None, betas=(0.9, 0.99), weight_decay=0.1, schedule="cosine",
            warmup=100, final=0.1, clip=1.0,
        ), 12, theirs),
        Run("a fifth", Settings(steps=330, lr=5e-3, momentum=0.9, warmup=10, flat=0.3, clip=None), 12, ours),
        Run("best", Settings(steps=1450, lr=4e-3, momentum=0.92, warmup=20, flat=0.3, clip=None), 16, ours),
    ]  # fmt: skip


def run(say: Callable[[str], None] = print, text: str | Path | None = None, only: list[Run] | None = None) -> dict[str, float]:
    """Train all runs by turns and say how they did; the figures as {name: number}."""
    letters, source = read(text)
    names = sorted(set(letters))
    number = {letter: index for index, letter in enumerate(names)}
    ids = torch.tensor([number[letter] for letter in letters])
    cut = len(ids) * 9 // 10
    say(f"{source}: {len(letters):,} letters, {len(names)} different; {torch.get_num_threads()} thread(s), load {load()}")
    make_optimizers(torch.nn.Linear(2, 2))  # torch loads a part of itself with the first optimizer: in nobody's time
    todo = runs() if only is None else only
    turns = Turns(len(todo))
    workers = [
        threading.Thread(target=work, args=(one, place, turns, ids[:cut], ids[cut:], len(names), torch.get_num_threads()))
        for place, one in enumerate(todo)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if turns.problem:
        raise turns.problem
    return report(todo, say)


def work(
    one: Run, place: int, turns: "Turns", train_ids: torch.Tensor, held_out: torch.Tensor, letters: int, threads: int
) -> None:
    """One run, in its turns."""
    try:
        turns.wait(place)
        torch.set_num_threads(threads)  # which every thread of Python has to be told
        torch.manual_seed(0)
        model = Transformer(Config(vocab_size=letters, width=128, num_layers=4, num_heads=4, context=CONTEXT, **one.config))
        batches = Windows(train_ids, one.batch_size, CONTEXT)
        clock = Clock(one)

        def on_step(history: History) -> None:
            if clock.turn() >= TURN or history.step == history.planned:
                clock.stop()
                turns.give(place)
                clock.start()

        one.history = train(model, batches, next_token_loss, one.settings, on_step=on_step)
        one.loss = held_out_loss(model, held_out)
    except BaseException as problem:
        turns.problem = problem
    finally:
        turns.leave(place)


@torch.no_grad()
def held_out_loss(model: Transformer, ids: torch.Tensor) -> float:
    """Over all windows of the text, one beside the other."""
    count = (len(ids) - 1) // CONTEXT
    rows = torch.stack([ids[n * CONTEXT : (n + 1) * CONTEXT + 1] for n in range(count)])
    sums = [next_token_loss(model, {"tokens": part}) for part in rows.split(128)]
    return float(sum(s.total for s in sums) / sum(s.count for s in sums))


class Clock:
    """Adds the time of every turn to its run."""

    def __init__(self, one: Run):
        self.one = one
        self.start()

    def start(self) -> None:
        self.began, self.spent = time.perf_counter(), time.process_time()

    def turn(self) -> float:
        return time.perf_counter() - self.began

    def stop(self) -> None:
        self.one.seconds += time.perf_counter() - self.began
        self.one.processor += time.process_time() - self.spent


class Turns:
    """One of several threads at a time, round and round."""

    def __init__(self, count: int):
        self.here, self.now, self.problem = list(range(count)), 0, None
        self.changed = threading.Condition()

    def wait(self, place: int) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.now == place)

    def give(self, place: int) -> None:
        """Let the next one work; come back when it is this one's turn again."""
        with self.changed:
            self.pass_on(place)
            self.changed.wait_for(lambda: self.now == place)

    def leave(self, place: int) -> None:
        with self.changed:
            self.pass_on(place)
            self.here.remove(place)

    def pass_on(self, place: int) -> None:
        after = [other for other in self.here if other > place] or self.here
        self.now = after[0]
        self.changed.notify_all()


def report(done: list[Run], say: Callable[[str], None]) -> dict[str, float]:
    """A line for each run, its time beside the yardstick's, and whether the bars are met."""
    whole, figures = done[0], {}
    for one in done:
        share = one.seconds / whole.seconds
        say(
            f"{one.name}: loss {one.loss:.4f} after {one.history.step} steps of {one.batch_size}, {one.seconds:.1f} s on the "
            f"clock, {one.processor:.1f} s of the processor, {100 * share:.1f}% of the yardstick's time"
        )
        figures |= {f"{one.name}, loss": one.loss, f"{one.name}, seconds": one.seconds, f"{one.name}, share": share}
    if len(done) == 3:
        _, fifth, best = done
        met = fifth.loss <= BARS["yardstick"] and fifth.seconds <= whole.seconds / 5
        say(f"1.88 in a fifth of the time: {'yes' if met else 'no'}")
        met = best.loss <= BARS["best"] and best.seconds <= whole.seconds
        say(f"1.60 in all of the time: {'yes' if met else 'no'}; load {load()}")
    return figures


def read(text: str | Path | None = None) -> tuple[str, str]:
    """Shakespeare's plays, from `text` or the path in LLMKIT_SHAKESPEARE; else the Python documentation, and which it is."""
    path = Path(text or os.environ.get("LLMKIT_SHAKESPEARE") or "tinyshakespeare.txt")
    if path.is_file():
        return path.read_text(encoding="utf-8"), path.name
    from pydoc_data.topics import topics

    letters = "\n".join(topics[name] for name in sorted(topics))
    common = {letter for letter in set(letters) if letters.count(letter) > 20}
    where = "LLMKIT_SHAKESPEARE names no file" if os.environ.get("LLMKIT_SHAKESPEARE") else "LLMKIT_SHAKESPEARE is not set"
    return (
        "".join(letter for letter in letters if letter in common),
        f"the Python documentation instead of Shakespeare, for which the bars were set ({where})",
    )


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    run()
