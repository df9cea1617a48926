"""The wave lab: sinusoidal positions as waves, colors, dot products and turning clocks, right and wrong."""

from typing import Any

import torch
import traitlets
from torch import Tensor

from llmkit.positions import frequencies
from llmkit.widgets.base import LiveWidget, between
from llmkit.widgets.pictures import heatmap, svg, text

PLACES, REACH = 64, 16  # positions in the picture, and the longest step; as in waves.js and wave_lab.js
FORMULAS = {"pairs": "a frequency for each pair", "columns": "a frequency for each column (wrong)", "times": "multiplied (wrong)"}


class WaveLab(LiveWidget):
    """Sinusoidal positions of an even `width` up to 128 and a `base` from 2 to 1,000,000, over 64 positions.

    `position`, `shift` (1 to 16) and `pair` say where to look. `formula` is "pairs" (the paper's), "columns" (every
    column has its own frequency) or "times" (multiplied where it should be divided). With `question` the reader guesses first.

    >>> WaveLab(position=7, shift=5).miss < 1e-12
    True

    Used in lesson 08.
    """

    name = "wave_lab"
    height, height_on_a_phone = 730, 1350

    width = traitlets.Int(32).tag(sync=True)
    base = traitlets.Float(10_000.0).tag(sync=True)
    position = traitlets.Int(20).tag(sync=True)
    shift = traitlets.Int(5).tag(sync=True)
    pair = traitlets.Int(1).tag(sync=True)
    formula = traitlets.Unicode("pairs").tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)

    @property
    def rates(self) -> Tensor:
        """Radians a position for each column, (C,), in float64."""
        if self.formula == "columns":
            return self.base ** (-2 * torch.arange(self.width, dtype=torch.float64) / self.width)
        paired = frequencies(self.width, self.base).repeat_interleave(2)
        return paired if self.formula == "pairs" else 1 / paired

    @property
    def table(self) -> Tensor:
        """The rows of all positions that a step can reach, (80, C), in float64."""
        angles = torch.arange(PLACES + REACH)[:, None] * self.rates
        return torch.where(torch.arange(self.width) % 2 == 0, angles.sin(), angles.cos())

    @property
    def dots(self) -> Tensor:
        """The dot product of the row at `position` with each of the 64 rows."""
        return self.table[:PLACES] @ self.table[self.position]

    @property
    def miss(self) -> float:
        """How far the rotation by `shift` places lands from the row it should reach, where it is farthest."""
        angles = self.shift * self.rates[::2]  # of the sines
        sine, cosine = self.table[self.position].unflatten(0, (-1, 2)).unbind(-1)
        turned = torch.stack([sine * angles.cos() + cosine * angles.sin(), cosine * angles.cos() - sine * angles.sin()], -1)
        return (turned.flatten() - self.table[self.position + self.shift]).abs().max().item()

    @traitlets.validate("position", "shift")
    def _whole_number(self, proposal: Any) -> int:
        low, high = {"position": (0, PLACES - 1), "shift": (1, REACH)}[proposal.trait.name]
        return between(proposal, low, high)

    @traitlets.validate("pair")
    def _pair(self, proposal: Any) -> int:
        return between(proposal, 0, self.width // 2 - 1)

    @traitlets.validate("base")
    def _base(self, proposal: Any) -> float:
        return between(proposal, 2, 1_000_000)

    @traitlets.validate("width")
    def _width(self, proposal: Any) -> int:
        if proposal.value % 2:
            raise traitlets.TraitError(f"width must be even, to be cut into pairs of columns; got {proposal.value}.")
        return between(proposal, 2, 128)

    @traitlets.observe("width")
    def _fewer_pairs(self, change: Any) -> None:
        self.pair = min(self.pair, self.width // 2 - 1)

    @traitlets.validate("formula")
    def _formula(self, proposal: Any) -> str:
        if proposal.value not in FORMULAS:
            raise traitlets.TraitError(f"formula must be one of {', '.join(map(repr, FORMULAS))}; got {proposal.value!r}.")
        return proposal.value

    def label(self) -> str:
        return f"Wave lab: positions as {self.width} waves, {FORMULAS[self.formula]}, base {self.base:g}"

    def picture(self) -> str:
        """The table as colors, and the dot products of the row at `position`."""
        some = self.table[:PLACES:2]  # every second position
        columns = torch.arange(0, self.width, max(1, self.width // 16))
        colors = heatmap(((some[:, columns].T + 1) / 2).tolist(), 40, 34, 20 / 1.6, 0)
        low, high = min(0.0, self.dots.min().item()), max(self.width / 2, self.dots.max().item())
        points = " ".join(
            f"{40 + (q + 0.5) * 6.25:.0f},{360 - 80 * (value - low) / (high - low):.1f}" for q, value in enumerate(self.dots.tolist())
        )
        says = f"Row {self.position} with itself: {self.dots[self.position]:.1f}. "
        if self.position + self.shift < PLACES:
            says += f"With row {self.position + self.shift}: {self.dots[self.position + self.shift]:.1f}. "
        says += f"A rotation by {self.shift} places misses by {self.miss:.3f}."
        return svg(
            460, 410, self.label(),
            text(40, 22, "The table: a color for each number, positions to the right", 13), colors,
            text(40, 262, f"Dot product of row {self.position} with every row", 13),
            f'<polyline points="{points}" fill="none" stroke="#d2447a" stroke-width="2"/>', text(40, 396, says, 12),
        )  # fmt: skip
