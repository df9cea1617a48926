"""Everything a training run is told, in one place, and the learning rate it follows. Built in lesson 11."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

SCHEDULES = ("trapezoid", "cosine", "constant")
PRECISIONS = ("auto", "float32", "bfloat16")
FREE = ("eval_every", "save_every", "folder", "accumulation", "precision")  # may change on resuming


@dataclass(frozen=True)
class Settings:
    """How to train. The defaults are the book's recipe; `matrix_lr=None` gives plain AdamW.

    steps            optimizer steps in all
    lr, matrix_lr    peak learning rates: of AdamW, and of Muon on the hidden matrices (None: AdamW on everything)
    schedule         "trapezoid" (flat until the share `flat` of the steps, then a straight line down),
                     "cosine" or "constant"; all warm up over `warmup` steps; the first two end at `final` of the peak
    clip             the longest gradient (Euclidean norm over all parameters), or None
    accumulation     pieces a batch is cut into, one after another, when it does not fit at once; the result is the same
    precision        "auto": bfloat16 on a GPU that computes in it, float32 elsewhere; or say which
    eval_every       steps between calls of `evaluate`; 0: at the end only
    folder           where the checkpoint lives; None: none is written. Saved every `save_every` steps and at the end
    """

    steps: int = 1000
    lr: float = 3e-3
    matrix_lr: float | None = 0.02
    betas: tuple[float, float] = (0.9, 0.95)
    momentum: float = 0.95
    weight_decay: float = 0.0
    schedule: str = "trapezoid"
    warmup: int = 50
    flat: float = 0.4
    final: float = 0.02
    clip: float | None = 1.0
    accumulation: int = 1
    precision: str = "auto"
    seed: int = 0
    eval_every: int = 0
    save_every: int = 500
    folder: Path | str | None = None

    def __post_init__(self):
        for name, least in (("steps", 1), ("warmup", 0), ("accumulation", 1), ("eval_every", 0), ("save_every", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}; got {getattr(self, name)}.")
        for name in ("lr", "matrix_lr", "clip"):
            if getattr(self, name) is not None and not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number above 0; got {getattr(self, name)}.")
        for name in ("flat", "final", "momentum"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share and lies between 0 and 1; got {getattr(self, name)}.")
        for name, allowed in (("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}; got {getattr(self, name)!r}.")

    def what_shapes_the_curve(self) -> dict:
        """The settings that decide the numbers: two runs that agree in these and in the data are the same run."""
        return {name: value for name, value in asdict(self).items() if name not in FREE}


def learning_rate(step: int, settings: Settings) -> float:
    """The learning rate at `step` (from 0), as a share of its peak, between 0 and 1.

    A big step early would follow the first few batches too far, so the rate warms up; a big step late would jump
    about the minimum instead of settling in it, so the rate goes down.

    >>> [round(learning_rate(step, Settings(steps=10, warmup=2, flat=0.5, final=0.0)), 2) for step in range(11)]
    [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0]

    Built in lesson 11, equation 11.4. Cosine: Loshchilov and Hutter 2017, arXiv:1608.03983.
    """
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    if settings.schedule == "constant":
        return 1.0
    start = settings.warmup if settings.schedule == "cosine" else max(settings.warmup, settings.flat * settings.steps)
    done = min(1.0, max(0.0, (step - start) / max(1.0, settings.steps - start)))
    left = (1 + math.cos(math.pi * done)) / 2 if settings.schedule == "cosine" else 1 - done
    return settings.final + (1 - settings.final) * left
