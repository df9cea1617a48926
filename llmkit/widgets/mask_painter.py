"""The mask painter: who may look at whom, painted cell by cell, and who hears of a change through three layers."""

from typing import Any

import torch
import traitlets
from torch import Tensor

from llmkit.attention import causal_mask, padding_mask, softmax
from llmkit.masks import prefix_mask, reach, window_mask
from llmkit.widgets.base import LiveWidget
from llmkit.widgets.pictures import cividis, svg, text

KINDS = {
    "all": "everyone sees everyone", "causal": "causal", "padding": "padding hidden", "prefix": "prefix",
    "window": "sliding window", "cross": "cross-attention",
}  # fmt: skip
EMPTY = ("zeros", "nan", "mean")  # what a row with nothing to see gets
LAYERS = 3  # as in mask_painter.js
TOKENS = ("the", "cat", "sat", "down", "because", "it", "was", "tired")
TARGET = ("因为", "它", "累", "了")  # because, it, tired, and a particle


class MaskPainter(LiveWidget):
    """A mask of `kind` over 2 to 8 `tokens`, with `strokes`, [[query, key], ...], turned over; True means "may look".

    `size` counts padding, prefix or window. In "cross" the queries are `target` and the keys `tokens`. `changed` is the
    token that becomes another word, to see who notices. `empty` is what a row with no open cell gets: "zeros", "nan",
    or "mean" (a large negative number in place of minus infinity). With `question` the reader guesses first.

    >>> painter = MaskPainter(kind="window", size=2, strokes=[])
    >>> painter.mask.sum(-1).tolist()
    [1, 2, 2, 2, 2, 2, 2, 2]

    Opens lesson 06.
    """

    name = "mask_painter"
    height, height_on_a_phone = 652, 876

    tokens = traitlets.List(traitlets.Unicode(), TOKENS, minlen=2, maxlen=8).tag(sync=True)
    target = traitlets.List(traitlets.Unicode(), TARGET, minlen=1, maxlen=8).tag(sync=True)
    kind = traitlets.Unicode("causal").tag(sync=True)
    size = traitlets.Int(3, min=1, max=8).tag(sync=True)
    strokes = traitlets.List(traitlets.List(traitlets.Int(min=0, max=7), minlen=2, maxlen=2), [[1, 7]]).tag(sync=True)
    changed = traitlets.Int(7, min=0, max=7).tag(sync=True)
    empty = traitlets.Unicode("zeros").tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)

    def __init__(self, **given: Any) -> None:
        if "tokens" in given and len(given["tokens"]) < len(TOKENS):
            given = {"changed": len(given["tokens"]) - 1, "strokes": [], **given}
        super().__init__(**given)

    @property
    def queries(self) -> list[str]:
        """The words that look."""
        return self.target if self.kind == "cross" else self.tokens

    @property
    def preset(self) -> Tensor:
        """The mask of this kind before any stroke: (T, S) of booleans."""
        tokens = len(self.tokens)
        size = min(self.size, tokens)
        if self.kind == "causal":
            return causal_mask(tokens)
        if self.kind == "padding":
            return padding_mask((torch.arange(tokens) < tokens - size)[None])[0, 0].expand(tokens, tokens)
        if self.kind == "prefix":
            return prefix_mask(tokens, size)
        if self.kind == "window":
            return window_mask(tokens, size)
        return torch.ones(len(self.queries), tokens, dtype=torch.bool)

    @property
    def mask(self) -> Tensor:
        """What each query may look at: (T, S) of booleans."""
        mask = self.preset.clone()
        for row, column in self.strokes:
            mask[row, column] = ~mask[row, column]
        return mask

    @property
    def weights(self) -> Tensor:
        """The attention weights (T, S) under the mask, from scores that are made up, in float64."""
        rows, columns = (torch.arange(size, dtype=torch.float64) for size in self.mask.shape)
        scores = 1.5 * torch.cos(2.1 * rows[:, None] - 1.3 * columns)
        weights = softmax(scores.masked_fill(~self.mask, -torch.inf))
        instead = {"zeros": 0.0, "nan": torch.nan, "mean": 1 / len(columns)}[self.empty]
        return weights.masked_fill(~self.mask.any(-1, keepdim=True), instead)

    def heard(self, mask: Tensor | None = None) -> Tensor:
        """Whose output notices the new word after one, two and three layers: (3, T) of booleans; cross-attention has one."""
        mask = self.mask if mask is None else mask
        if self.empty == "mean":
            mask = mask | ~mask.any(-1, keepdim=True)
        if self.kind == "cross":
            return mask[:, self.changed][None]
        return torch.stack([reach(mask, layers)[:, self.changed] for layers in range(1, LAYERS + 1)])

    @property
    def leaks(self) -> Tensor:
        """Who hears of the new word although the mask without strokes forbids it: as `heard`."""
        return self.heard() & ~self.heard(self.preset)

    @traitlets.validate("kind", "empty")
    def _known(self, proposal: Any) -> str:
        known = KINDS if proposal.trait.name == "kind" else EMPTY
        if proposal.value not in known:
            raise traitlets.TraitError(f"{proposal.trait.name} must be one of {', '.join(map(repr, known))}; got {proposal.value!r}.")
        return proposal.value

    @traitlets.validate("strokes")
    def _in_the_mask(self, proposal: Any) -> list[list[int]]:
        rows, columns = len(self.queries), len(self.tokens)
        if any(row >= rows or column >= columns for row, column in proposal.value):
            raise traitlets.TraitError(f"A stroke is [query, key] within {rows} by {columns} cells, counted from 0; got {proposal.value}.")
        return proposal.value

    @traitlets.validate("changed")
    def _is_a_token(self, proposal: Any) -> int:
        if proposal.value >= len(self.tokens):
            raise traitlets.TraitError(f"changed counts tokens from 0, so it ends at {len(self.tokens) - 1}; got {proposal.value}.")
        return proposal.value

    @traitlets.observe("kind", "tokens", "target")
    def _fits_no_more(self, change: Any) -> None:
        rows, columns = len(self.queries), len(self.tokens)
        self.strokes = [stroke for stroke in self.strokes if stroke[0] < rows and stroke[1] < columns]
        self.changed = min(self.changed, columns - 1)

    def label(self) -> str:
        strokes = f", {len(self.strokes)} cell{'s' if len(self.strokes) > 1 else ''} turned over" if self.strokes else ""
        return f"Mask painter over {len(self.tokens)} tokens: {KINDS[self.kind]}{strokes}"

    def picture(self) -> str:
        """The weights where the mask is open, a line through each cell where it is not."""
        weights, mask, cell = self.weights, self.mask, 44
        left, top = 96, 62
        parts = [text(8, 24, "rows look, columns are looked at; a struck cell is hidden", 13)]
        parts += [text(left + cell * (j + 0.5), top - 10, _short(token), 11, "middle") for j, token in enumerate(self.tokens)]
        for i, token in enumerate(self.queries):
            parts.append(text(left - 10, top + cell * i + 26, _short(token), 13, "end"))
            for j in range(len(self.tokens)):
                x, y = left + cell * j, top + cell * i
                share = weights[i, j].item()
                if mask[i, j]:
                    ink = "#000000" if share > 0.47 else "#ffffff"
                    parts.append(
                        f'<rect x="{x}" y="{y}" width="{cell - 3}" height="{cell - 3}" rx="4" fill="{cividis(share)}"/>'
                        f'<text x="{x + 20}" y="{y + 25}" font-size="12" text-anchor="middle" fill="{ink}">{share:.2f}</text>'
                    )
                else:
                    parts.append(f'<path d="M{x + 4} {y + cell - 7}L{x + cell - 7} {y + 4}" stroke="#9aa0ab"/>')
        return svg(left + cell * len(self.tokens) + 16, top + cell * len(self.queries) + 16, self.label(), *parts)


def _short(token: str) -> str:
    token = token.strip() or "␣"
    return token if len(token) <= 7 else token[:6] + "…"
