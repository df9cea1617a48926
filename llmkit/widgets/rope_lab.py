"""The RoPE lab: a query and a key turned by their positions, pair by pair, and the score that sees their distance only."""

import math
from typing import Any

import torch
import traitlets
from torch import Tensor

from llmkit.positions import PAIRINGS, frequencies, rope, rope_tables
from llmkit.widgets.base import LiveWidget, between
from llmkit.widgets.pictures import svg, text

TRAINED, FARTHEST, LAST = 32, 256, 999  # as in rope_lab.js: length in training, longest curve, last position of the key
QUERY = (1.2, 0.4, 0.9, -0.5, 1.0, 0.2, 0.8, 0.6)
KEY = (0.9, -0.6, 1.0, 0.3, 0.7, 0.5, 1.1, -0.2)


class RopeLab(LiveWidget):
    """A `query` stands `distance` positions after a `key`, which stands at `position`; both have eight numbers.

    `base` is from 2 to 1,000,000, `length` (32 to 256) how far the curve goes, `pairing` "neighbors" or "halves". With
    `squeeze` positions are divided by length / 32, so that the longest distance is no longer than one in training.
    With `question` the reader guesses first.

    >>> lab = RopeLab(distance=5)
    >>> lab.position, round(lab.score, 6)
    (20, 3.874142)
    >>> lab.position = 900
    >>> round(lab.score, 6)
    3.874142

    Used in lesson 09.
    """

    name = "rope_lab"
    height, height_on_a_phone = 699, 1098

    query = traitlets.List(traitlets.Float(), default_value=list(QUERY)).tag(sync=True)
    key = traitlets.List(traitlets.Float(), default_value=list(KEY)).tag(sync=True)
    position = traitlets.Int(20).tag(sync=True)
    distance = traitlets.Int(5).tag(sync=True)
    base = traitlets.Float(10_000.0).tag(sync=True)
    length = traitlets.Int(128).tag(sync=True)
    pairing = traitlets.Unicode("neighbors").tag(sync=True)
    squeeze = traitlets.Bool(False).tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)

    @property
    def scale(self) -> float:
        """What positions are divided by."""
        return self.length / TRAINED if self.squeeze else 1.0

    def turned(self, vector: list[float], positions: Tensor) -> Tensor:
        """The vector at each of the positions, (T, 8), in float64."""
        tables = rope_tables(positions, len(vector), self.base, self.scale, self.pairing)
        return rope(torch.tensor(vector, dtype=torch.float64), *tables, self.pairing)

    @property
    def shares(self) -> Tensor:
        """What each pair adds to the score, (4,)."""
        at = torch.tensor([self.position + self.distance, self.position])
        product = self.turned(self.query, at)[0] * self.turned(self.key, at)[1]
        return product.unflatten(0, (2, -1)).sum(0) if self.pairing == "halves" else product.unflatten(0, (-1, 2)).sum(-1)

    @property
    def score(self) -> float:
        """The dot product of the turned query and the turned key."""
        return self.shares.sum().item()

    @property
    def scores(self) -> Tensor:
        """The score at every distance from 0 to length - 1."""
        return self.turned(self.query, torch.arange(self.length)) @ torch.tensor(self.key, dtype=torch.float64)

    @traitlets.validate("query", "key")
    def _eight_numbers(self, proposal: Any) -> list[float]:
        if len(proposal.value) != len(QUERY) or not all(math.isfinite(x) and abs(x) <= 10 for x in proposal.value):
            raise traitlets.TraitError(f"{proposal.trait.name} must be eight numbers from -10 to 10; got {proposal.value}.")
        return proposal.value

    @traitlets.validate("position", "distance", "base", "length")
    def _between(self, proposal: Any) -> Any:
        limits = {"position": (0, LAST), "distance": (0, FARTHEST - 1), "base": (2, 1_000_000), "length": (TRAINED, FARTHEST)}
        low, high = limits[proposal.trait.name]
        return between(proposal, low, high)

    @traitlets.observe("length", "distance")
    def _stay_on_the_curve(self, change: Any) -> None:
        self.distance = min(self.distance, self.length - 1)

    @traitlets.validate("pairing")
    def _pairing(self, proposal: Any) -> str:
        if proposal.value not in PAIRINGS:
            raise traitlets.TraitError(f"pairing must be one of {', '.join(map(repr, PAIRINGS))}; got {proposal.value!r}.")
        return proposal.value

    def label(self) -> str:
        squeezed = f", positions divided by {self.scale:g}" if self.squeeze else ""
        return f"RoPE lab: a query {self.distance} positions after its key, base {self.base:g}, {self.pairing}{squeezed}"

    def picture(self) -> str:
        """Four clocks with the two hands of each pair, and the score at every distance."""
        at = torch.tensor([self.position + self.distance, self.position])
        drawn = []
        both = self.turned(self.query, at)[0], self.turned(self.key, at)[1]
        for pair, omega in enumerate(frequencies(len(QUERY), self.base).tolist()):
            i, j = (pair, pair + 4) if self.pairing == "halves" else (2 * pair, 2 * pair + 1)
            x, y = 70 + 108 * pair, 84
            drawn.append(f'<circle cx="{x}" cy="{y}" r="40" fill="none" stroke="#9aa0ab"/>')
            for vector, color in zip(both, ("#d2447a", "#7a808c"), strict=True):
                size = 40 / max(1e-9, *(math.hypot(v[i], v[j]) for v in (torch.tensor(self.query), torch.tensor(self.key))))
                drawn.append(
                    f'<line x1="{x}" y1="{y}" x2="{x + size * vector[i]:.1f}" y2="{y - size * vector[j]:.1f}" '
                    f'stroke="{color}" stroke-width="2.5"/>'
                )
            drawn.append(text(x, 144, f"ω = {omega:.3g}", 12, "middle"))
        scores = self.scores.tolist()
        top = max(1e-9, max(map(abs, scores)))
        points = " ".join(f"{30 + 410 * d / (self.length - 1):.1f},{236 - 56 * s / top:.1f}" for d, s in enumerate(scores))
        says = f"{self.distance} apart, the score is {self.score:.3f}, wherever the two stand."
        return svg(
            460, 330, self.label(), text(30, 24, "Query and key, pair by pair, turned by their positions", 13), *drawn,
            f'<polyline points="{points}" fill="none" stroke="#d2447a" stroke-width="2"/>',
            text(30, 312, says, 13),
        )  # fmt: skip
