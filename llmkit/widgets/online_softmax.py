"""The online-softmax stepper: one query reads its keys tile by tile and remembers three numbers."""

import math
from typing import Any

import torch
import traitlets
from torch import Tensor

from llmkit.online_attention import Running, nothing_seen, take_in
from llmkit.widgets.base import LiveWidget
from llmkit.widgets.pictures import svg, text

SCORES = (1.0, 2.0, 0.5, 1.5, 4.0, 1.0, 3.0, 2.5)
VALUES = (10.0, 20.0, 40.0, 30.0, 0.0, 50.0, 10.0, 60.0)
LARGEST = 10_000.0  # as in online_softmax.js
MOST = 8  # keys that a phone can show


class OnlineSoftmax(LiveWidget):
    """One query's `scores` of 2 to 8 keys, and the keys' `values`, one number each: from -10,000 to 10,000.

    `tile` keys are read at a time; `step` tiles have been read. With `question` the reader guesses first.

    >>> stepper = OnlineSoftmax(scores=[1.0, 3.0], values=[2.0, 4.0], tile=1, step=2)
    >>> stepper.seen.top.item(), round(stepper.seen.output.item(), 4)
    (3.0, 3.7616)

    Used in lesson 06.
    """

    name = "online_softmax"
    height, height_on_a_phone = 555, 893

    scores = traitlets.List(traitlets.Float(), SCORES, minlen=2, maxlen=MOST).tag(sync=True)
    values = traitlets.List(traitlets.Float(), VALUES, minlen=2, maxlen=MOST).tag(sync=True)
    tile = traitlets.Int(2, min=1, max=MOST).tag(sync=True)
    step = traitlets.Int(2, min=0, max=MOST).tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)

    @property
    def num_tiles(self) -> int:
        """How many tiles there are; the last may be shorter."""
        return -(-len(self.scores) // self.tile)

    @property
    def after(self) -> list[Running]:
        """What is remembered before the first tile and after each, in float64; every number is (1, 1)."""
        scores, values = (torch.tensor(row, dtype=torch.float64)[None] for row in (self.scores, self.values))
        seen = [nothing_seen(scores.new_zeros(1, 1), values.mT)]
        for start in range(0, len(self.scores), self.tile):
            some = slice(start, start + self.tile)
            seen.append(take_in(seen[-1], scores[:, some], values.mT[some]))
        return seen

    @property
    def seen(self) -> Running:
        """What is remembered after `step` tiles."""
        return self.after[min(self.step, self.num_tiles)]

    @property
    def whole(self) -> Tensor:
        """The answer of an ordinary softmax over all keys at once."""
        scores, values = (torch.tensor(row, dtype=torch.float64) for row in (self.scores, self.values))
        return torch.softmax(scores, -1) @ values

    @traitlets.validate("scores", "values")
    def _can_be_read(self, proposal: Any) -> list[float]:
        name, numbers = proposal.trait.name, proposal.value
        if not all(math.isfinite(x) and abs(x) <= LARGEST for x in numbers):
            raise traitlets.TraitError(f"{name} must be numbers from {-LARGEST:,.0f} to {LARGEST:,.0f}; got {numbers}.")
        other = self.values if name == "scores" else self.scores
        if len(numbers) != len(other):
            raise traitlets.TraitError(f"Each key needs one score and one value; got {len(numbers)} {name} beside {len(other)}. Give both together.")
        return numbers

    @traitlets.observe("tile", "scores")
    def _fewer_tiles(self, change: Any) -> None:
        self.step = min(self.step, self.num_tiles)

    def label(self) -> str:
        return f"Online softmax over {len(self.scores)} keys in tiles of {self.tile}, {min(self.step, self.num_tiles)} of {self.num_tiles} read"

    def picture(self) -> str:
        """A bar for each score, read ones filled, and the three numbers that are remembered."""
        low, high = min(0.0, *self.scores), max(1.0, *self.scores)
        read = min(self.step, self.num_tiles) * self.tile
        parts = [text(16, 24, "One query reads its keys a tile at a time", 13)]
        for j, (score, value) in enumerate(zip(self.scores, self.values, strict=True)):
            x, size = 20 + 54 * j, 110 * (score - low) / (high - low)
            fill = "#d2447a" if j < read else "none"
            parts.append(f'<rect x="{x}" y="{160 - size:.1f}" width="38" height="{max(size, 1):.1f}" rx="4" fill="{fill}" stroke="#9aa0ab"/>')
            parts += [text(x + 19, 178, f"{score:g}", 12, "middle"), text(x + 19, 198, f"{value:g}", 12, "middle")]
        now = self.seen
        says = f"largest {now.top.item():g}, sum {now.total.item():.3f}, mix {now.mix.item():.3f}; mix / sum = {now.output.item():.3f}"
        return svg(460, 250, self.label(), *parts, text(16, 232, says, 13))
