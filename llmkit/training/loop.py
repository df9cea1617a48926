"""The training loop: guess, measure, follow the gradient, repeat. Built in lesson 11, "a GPT from nothing"."""

import math
import random
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn

from llmkit.objectives import Sum
from llmkit.optimizers import make_optimizers
from llmkit.shapes import Tensor
from llmkit.training.checkpoint import load_checkpoint, save_checkpoint
from llmkit.training.settings import Settings, learning_rate
from llmkit.training.team import Team

Batch = dict[str, Tensor]  # tensors with one row per example; what they are called is between batches and loss


@dataclass
class History:
    """What happened so far: one loss per step, and what `evaluate` said at some of them."""

    loss: list[float] = field(default_factory=list)  # nats per prediction, training
    evaluations: list[dict] = field(default_factory=list)  # {"step": 500, "loss": 1.9, ...}
    seconds: float = 0.0  # spent training and evaluating
    pieces: int = 1  # that a batch is cut into to fit in memory
    rate: float = 0.0  # the present learning rate, as a share of its peak
    planned: int = 0  # steps in all
    stopped: bool = False  # or about to be, before the last step, by on_step or by the keyboard

    @property
    def step(self) -> int:
        """Steps done."""
        return len(self.loss)

    def recent(self, steps: int = 50) -> float:
        """The mean training loss of the last steps: one alone depends too much on its batch."""
        last = self.loss[-steps:]
        return sum(last) / len(last) if last else math.nan


def train(
    model: nn.Module,
    batches: Callable[[int], Batch],
    loss: Callable[[nn.Module, Batch], Sum],
    settings: Settings | None = None,
    evaluate: Callable[[nn.Module], dict | float] | None = None,
    on_step: Callable[[History], bool | None] | None = None,
    resume: bool = True,
) -> History:
    """Train `model` in place and return the history; on every process and device that is there.

    `batches(step)` gives the batch of a step, a function of the step alone, so that a run can be taken up anywhere.
    `loss(model, batch)` gives its `Sum`. `evaluate(model)` runs without gradients and changes no random numbers.
    `on_step(history)` is called after every step, in the first process; to stop early it returns True. So do Ctrl-C
    and the notebook's stop button: what was learned is kept, and saved where settings name a folder, to be resumed.

    Built in lesson 11.
    """
    settings = settings or Settings()
    team = Team(settings.precision)
    torch.manual_seed(settings.seed + team.rank)
    model.to(team.device).train()
    team.begin_alike(model)
    weights = list(model.parameters())
    optimizers = make_optimizers(
        model, settings.lr, settings.matrix_lr, settings.betas, settings.momentum, settings.weight_decay
    )
    history = History(pieces=settings.accumulation, planned=settings.steps)
    if settings.folder and resume and (saved := load_checkpoint(settings.folder, model, optimizers, settings)):
        history.loss, history.evaluations = saved["loss"], saved["evaluations"]
        history.seconds, history.pieces = saved["seconds"], max(saved["pieces"], settings.accumulation)
        if team.rank:  # the random numbers that were saved are those of the first process
            torch.manual_seed(settings.seed + team.rank + team.size * history.step)

    started = time.perf_counter() - history.seconds
    with _stop_button(history):
        for step in range(history.step, settings.steps):
            history.rate = learning_rate(step, settings)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["peak"] * history.rate

            batch = team.share(batches(step))
            history.loss.append(_gradient(model, weights, batch, loss, team, history))
            if settings.clip is not None:
                nn.utils.clip_grad_norm_(weights, settings.clip)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()

            is_last = step + 1 == settings.steps
            if evaluate and (is_last or _due(step + 1, settings.eval_every)):
                history.evaluations.append({"step": step + 1, **_evaluated(model, evaluate, team.device)})
            history.seconds = time.perf_counter() - started
            if on_step and team.rank == 0 and on_step(history):
                history.stopped = True
            history.stopped = team.anyone(history.stopped) and not is_last
            if history.stopped:
                break
            if settings.folder and not is_last and _due(step + 1, settings.save_every):
                _save(team, model, optimizers, settings, history, must=False)
    if settings.folder:
        _save(team, model, optimizers, settings, history, must=True)
    model.eval()
    return history


def _gradient(model: nn.Module, weights: list[nn.Parameter], batch: Batch, loss, team: Team, history: History) -> float:
    """Fill the gradients with those of the mean loss over the whole batch, and return that loss.

    The batch goes through in pieces. When the GPU has no room for one, the pieces are halved and the step is begun anew.
    """
    while True:
        try:
            tally = torch.zeros(2, dtype=torch.float64 if team.device.type != "mps" else torch.float32, device=team.device)
            for piece in _pieces(batch, history.pieces):
                with team.autocast():
                    total, count = loss(model, piece)
                total.backward()
                tally += torch.stack([total.detach(), torch.as_tensor(count, device=team.device)])
            break
        except torch.cuda.OutOfMemoryError:
            pass  # the exception must be gone before its memory can be given back
        _halve(model, batch, history)
    total, count = team.add_up(model, tally).tolist()
    if not math.isfinite(total):
        raise ValueError(
            f"The loss of step {history.step + 1} is {total}: the weights have run away. "
            f"Lower lr and matrix_lr, warm up longer, or clip the gradient."
        )
    if count == 0:
        raise ValueError(f"The batch of step {history.step + 1} has nothing to predict. Is every label masked?")
    torch._foreach_div_([p.grad for p in weights if p.grad is not None], count)
    return total / count


def _pieces(batch: Batch, number: int) -> Iterator[Batch]:
    """The rows of a batch in `number` pieces of nearly equal size (fewer when there are fewer rows)."""
    rows = len(next(iter(batch.values())))
    size = max(1, math.ceil(rows / number))
    for start in range(0, rows, size):
        yield {name: tensor[start : start + size] for name, tensor in batch.items()}


def _halve(model: nn.Module, batch: Batch, history: History) -> None:
    rows = len(next(iter(batch.values())))
    size = math.ceil(rows / history.pieces)
    if size == 1:
        raise ValueError(
            "The GPU has no room for a single row of the batch. Take a smaller model or shorter rows, "
            "or set LLMKIT_DEVICE=cpu."
        )
    history.pieces *= 2
    model.zero_grad()
    torch.cuda.empty_cache()
    warnings.warn(
        f"The GPU ran out of memory with {size} rows at once; going on with {math.ceil(rows / history.pieces)}. "
        f"The result is the same, only slower.",
        stacklevel=4,
    )


def _evaluated(model: nn.Module, evaluate, device: torch.device) -> dict:
    """What `evaluate` says, asked without gradients, dropout or any effect on the random numbers of the training."""
    python = random.getstate()
    model.eval()
    with torch.no_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
        said = evaluate(model)
    model.train()
    random.setstate(python)
    return dict(said) if isinstance(said, dict) else {"loss": float(said)}


def _save(team: Team, model: nn.Module, optimizers: list, settings: Settings, history: History, must: bool) -> None:
    """Save from the first process. A disk that is full stops the saving, not the training, unless it is the last."""
    if team.rank == 0:
        try:
            save_checkpoint(settings.folder, model, optimizers, settings, history)
        except OSError as problem:
            sentence = (
                f"The checkpoint of step {history.step} could not be written to {settings.folder} "
                f"({problem.strerror}); the one before it is untouched."
            )
            if must:
                raise OSError(problem.errno, sentence) from problem
            warnings.warn(f"{sentence} Training goes on.", stacklevel=3)
    team.wait()


@contextmanager
def _stop_button(history: History) -> Iterator[None]:
    """Ctrl-C, or the notebook's stop button, ends the run after the present step instead of in its middle.

    Pressed a second time it interrupts at once, as ever.
    """
    if threading.current_thread() is not threading.main_thread():  # elsewhere signals cannot be listened to
        yield
        return

    def press(number, frame):
        history.stopped = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
