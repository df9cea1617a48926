"""The training microscope: a network with one hidden layer learns in the page, and can be broken on purpose.

The page trains in plain JavaScript (`learner.js`), with a backward pass written out. Here the same network is trained
with PyTorch and its autograd, from the same numbers: that is what the page is tested against.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import torch
import traitlets
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from llmkit.widgets.base import LiveWidget, between
from llmkit.widgets.pictures import svg, text

BATCH, LIMIT, EVERY, VALIDATION = 8, 2000, 10, 120  # as in learner.js
DATA, INITS, POINTS = ("ring", "moons", "corners"), ("random", "alike", "zero", "large"), (24, 120)


class Points(NamedTuple):
    """Points of two kinds: places (N, 2) and labels (N,), 0 or 1, first all of the one kind."""

    places: Tensor
    labels: Tensor


class Look(NamedTuple):
    """The loss at one step, in nats."""

    step: int
    train: float
    validation: float


class Learned(NamedTuple):
    """Where a path of training leads: the weights (N neurons), their gradient over the next batch, and the looks on the way.

    `weights` and `gradient` hold w1, w2, b, v for each neuron in turn, and the last bias: (4 N + 1,).
    """

    weights: Tensor
    gradient: Tensor
    history: tuple[Look, ...]


class TrainingMicroscope(LiveWidget):
    """A network of 1 to 16 `neurons` learns to tell two kinds of points apart: "moons", "ring" or "corners".

    `points` are 24 or 120; `init` is "random", "alike", "zero" or "large"; `rate` from 0.001 to 100 and `shuffle` may
    change on the way. `done` is the path so far, [rate, shuffle, steps] for each stretch, 2,000 steps at most: the same
    path always leads to the same weights. `lens` is the neuron that is looked at. With `question` the reader guesses first.

    >>> TrainingMicroscope(init="zero", done=[[1.0, True, 10]]).learned.weights[:32].abs().max().item()
    0.0

    Used in lesson 02.
    """

    name = "training_microscope"
    height, height_on_a_phone = 853, 1380

    data = traitlets.Unicode("ring").tag(sync=True)
    points = traitlets.Int(120).tag(sync=True)
    neurons = traitlets.Int(8).tag(sync=True)
    init = traitlets.Unicode("random").tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    rate = traitlets.Float(1.0).tag(sync=True)
    shuffle = traitlets.Bool(True).tag(sync=True)
    lens = traitlets.Int(0).tag(sync=True)
    done = traitlets.List().tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)

    @property
    def steps(self) -> int:
        """Steps taken so far."""
        return sum(steps for *_, steps in self.done)

    def train(self, steps: int) -> None:
        """Take so many more steps, with the present rate and order."""
        self.done = [*self.done, [self.rate, self.shuffle, steps]]

    @property
    def training_points(self) -> Points:
        """What the network learns from."""
        return _draw(self.data, self.points, 2 * self.seed)

    @property
    def validation_points(self) -> Points:
        """What its loss is also measured on, and nothing is learned from."""
        return _draw(self.data, VALIDATION, 2 * self.seed + 1)

    @property
    def learned(self) -> Learned:
        """Where PyTorch comes by the same path."""
        path = tuple((float(rate), bool(shuffle), steps) for rate, shuffle, steps in self.done)
        return _learn(self.data, self.points, self.neurons, self.init, self.seed, path, self.shuffle)

    @traitlets.validate("data", "init", "points")
    def _one_of(self, proposal: Any) -> Any:
        allowed = {"data": DATA, "init": INITS, "points": POINTS}[proposal.trait.name]
        if proposal.value not in allowed:
            raise traitlets.TraitError(f"{proposal.trait.name} must be one of {', '.join(map(repr, allowed))}; got {proposal.value!r}.")
        return proposal.value

    @traitlets.validate("neurons", "seed", "rate", "lens")
    def _in_range(self, proposal: Any) -> Any:
        low, high = {"neurons": (1, 16), "seed": (0, 1_000_000), "rate": (0.001, 100), "lens": (0, 15)}[proposal.trait.name]
        return between(proposal, low, high)

    @traitlets.validate("done")
    def _path(self, proposal: Any) -> list:
        for stretch in proposal.value:
            if not (isinstance(stretch, list | tuple) and len(stretch) == 3 and _is_stretch(*stretch)):
                raise traitlets.TraitError(f"done holds [rate, shuffle, steps] for each stretch, such as [0.3, True, 100]; got {stretch!r}.")
        if (total := sum(steps for *_, steps in proposal.value)) > LIMIT:
            raise traitlets.TraitError(f"done must hold at most {LIMIT:,} steps in all; got {total:,}.")
        return _joined(proposal.value)

    def label(self) -> str:
        many = f"{self.neurons} neuron{'s' if self.neurons > 1 else ''}"
        return f"Training microscope: {many} learning to tell two kinds of points apart ({self.data}), after {self.steps:,} steps"

    def picture(self) -> str:
        """The points, and every neuron as the line where it changes its mind."""
        places, labels = self.training_points
        parts = ['<rect x="0" y="0" width="400" height="400" rx="8" fill="#33466b"/>']
        for w1, w2, b, _ in self.learned.weights[:-1].view(-1, 4).tolist():
            if (size := w1 * w1 + w2 * w2) > 1e-9:
                ends = [((-b * w1) / size + way * w2 / math.sqrt(size), (-b * w2) / size - way * w1 / math.sqrt(size)) for way in (-9, 9)]
                (x1, y1), (x2, y2) = (_pixels(*end) for end in ends)
                parts.append(f'<path d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}" stroke="#ffffff" stroke-opacity="0.5" clip-path="inset(0)"/>')
        for place, label in zip(places.tolist(), labels.tolist(), strict=True):
            x, y = _pixels(*place)
            parts.append(f'<path d="M{x:.0f} {y - 6:.0f}l6 6l-6 6l-6 -6z" fill="#10141c" stroke="#ffffff"/>' if label else f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4.5" fill="#ffffff"/>')
        look = self.learned.history[-1]
        says = f"Step {self.steps:,}: training loss {look.train:.2f}, validation loss {look.validation:.2f} nats."
        plane = f'<svg x="0" y="0" width="400" height="400">{"".join(parts)}</svg>'
        return svg(400, 430, self.label(), plane, text(0, 422, says, 13))


def _is_stretch(rate: Any, shuffle: Any, steps: Any) -> bool:
    numbers = isinstance(rate, int | float) and not isinstance(rate, bool) and isinstance(steps, int) and not isinstance(steps, bool)
    return numbers and isinstance(shuffle, bool) and 0.001 <= rate <= 100 and 1 <= steps <= LIMIT


def _joined(path: list) -> list[list]:
    """The path with neighbors that are alike made one stretch, as the page keeps it."""
    joined: list[list] = []
    for rate, shuffle, steps in path:
        if joined and joined[-1][:2] == [rate, shuffle]:
            joined[-1][2] += steps
        else:
            joined.append([rate, shuffle, steps])
    return joined


def _pixels(x1: float, x2: float) -> tuple[float, float]:
    return 400 * (x1 + 3) / 6, 400 * (3 - x2) / 6


def _uniform(seed: int, count: int) -> Tensor:
    """The numbers in [0, 1) that math.js draws from this seed (mulberry32), (count,)."""
    low = 0xFFFFFFFF
    state = (seed + torch.arange(1, count + 1) * 0x6D2B79F5) & low
    mixed = ((state ^ (state >> 15)) * (state | 1)) & low
    mixed = mixed ^ (mixed + (mixed ^ (mixed >> 7)) * (mixed | 61)) & low
    return (mixed ^ (mixed >> 14)).double() / 2**32


def _polar(radius: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Two independent standard normal numbers from two uniform ones (Box and Muller)."""
    size, turn = (-2 * torch.log1p(-radius)).sqrt(), 2 * math.pi * angle
    return size * turn.cos(), size * turn.sin()


@lru_cache(maxsize=32)
def _draw(kind: str, count: int, seed: int) -> Points:
    a, b, radius, angle = _uniform(seed, 4 * count).view(count, 4).unbind(-1)
    labels = (torch.arange(count) >= count / 2).double()
    side, sign = 1 - 2 * labels, torch.where(a < 0.5, -1.0, 1.0).double()
    if kind == "moons":
        x1, x2, noise = side * (1.6 * (math.pi * a).cos() - 0.8), side * (1.6 * (math.pi * a).sin() - 0.5), 0.3
    elif kind == "ring":
        far = torch.where(labels == 1, 2.0, 0.9 * a.sqrt())
        x1, x2, noise = far * (2 * math.pi * b).cos(), far * (2 * math.pi * b).sin(), 0.2
    else:
        x1, x2, noise = 1.2 * sign, 1.2 * sign * side, 0.5
    one, two = _polar(radius, angle)
    return Points(torch.stack([x1 + noise * one, x2 + noise * two], -1), labels)


def _begin(init: str, neurons: int, seed: int) -> Tensor:
    """The weights that learning starts from, (4 N + 1,)."""
    if init in ("zero", "alike"):
        each = torch.tensor([0.8, 0.6, 0.2, 0.3] if init == "alike" else [0.0] * 4, dtype=torch.float64)
        return torch.cat([each.repeat(neurons), torch.zeros(1, dtype=torch.float64)])
    radius, angle = _uniform(seed + 7_000_000, 8 * neurons).view(-1, 2).unbind(-1)
    drawn = _polar(radius, angle)[0].view(neurons, 4)
    drawn = torch.cat([drawn[:, :3], drawn[:, 3:] / math.sqrt(neurons)], -1) * (10 if init == "large" else 1)
    return torch.cat([drawn.flatten(), torch.zeros(1, dtype=torch.float64)])


@lru_cache(maxsize=64)
def _order(seed: int, epoch: int, count: int) -> Tensor:
    """The shuffled points of an epoch, (count,)."""
    return _uniform((seed + 1) * 100_003 + epoch, count).argsort(stable=True)


def _loss(weights: Tensor, points: Points) -> Tensor:
    """The mean surprise in nats, equations 2.2 and 2.3."""
    w1, w2, b, v = weights[:-1].view(-1, 4).unbind(-1)
    hidden = torch.tanh(points.places @ torch.stack([w1, w2]) + b)  # (points, N)
    return binary_cross_entropy_with_logits(hidden @ v + weights[-1], points.labels)


@lru_cache(maxsize=32)
def _learn(data: str, count: int, neurons: int, init: str, seed: int, path: tuple, shuffle: bool) -> Learned:
    points, validation = _draw(data, count, 2 * seed), _draw(data, VALIDATION, 2 * seed + 1)
    weights = _begin(init, neurons, seed).requires_grad_()
    each, step, history = count // BATCH, 0, []

    def look() -> None:
        with torch.no_grad():
            history.append(Look(step, _loss(weights, points).item(), _loss(weights, validation).item()))

    def gradient(mixed: bool) -> Tensor:
        epoch, place = divmod(step, each)
        order = _order(seed, epoch, count) if mixed else torch.arange(count)
        rows = order[place * BATCH : (place + 1) * BATCH]
        return torch.autograd.grad(_loss(weights, Points(points.places[rows], points.labels[rows])), weights)[0]

    look()
    for rate, mixed, steps in path:
        for _ in range(steps):
            change = rate * gradient(mixed)
            with torch.no_grad():
                weights -= change
            step += 1
            if step % EVERY == 0:
                look()
    return Learned(weights.detach().clone(), gradient(shuffle), tuple(history))
