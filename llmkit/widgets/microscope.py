"""The q·k microscope: attention over a handful of tokens, every number in sight."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import traitlets
from torch import Tensor

from llmkit.attention import AttentionTrace, attend, causal_mask
from llmkit.widgets.base import LiveWidget
from llmkit.widgets.pictures import cividis, svg, text

MAX_TOKENS = 8
MAX_WIDTH = 4
GAP = "\u2002\u2002"  # spaces that a picture does not run together
LARGEST = 100.0  # as in microscope.js: larger numbers could not be read in a cell

# Two dimensions that can be read: how much a word names a thing, how much it tells an action.
# "sat" needs to know who sat, so its query asks for a thing; "cat" is one.
TOKENS = ("the", "cat", "sat", "down")
QUERIES = ((2.0, 0.0), (0.0, 2.0), (2.0, 0.5), (0.0, 2.0))
KEYS = ((0.5, 0.0), (2.0, 0.0), (0.0, 2.0), (0.0, 1.0))
VALUES = ((0.0, 1.0), (4.0, 0.0), (1.0, 2.0), (0.0, 2.0))


class Numbers(traitlets.TraitType):
    """A small matrix: rows of finite numbers, given as lists, an array or a tensor; kept as lists of floats."""

    info_text = "rows of numbers"

    def validate(self, obj: Any, value: Any) -> list[list[float]]:
        rows = value.tolist() if hasattr(value, "tolist") else value
        try:
            rows = [[_number(x) for x in row] for row in rows]
        except (TypeError, ValueError):
            raise traitlets.TraitError(
                f"{self.name} must be rows of numbers, one row per token, such as [[1.0, 0.5], [0.0, 2.0]]; got {value!r}."
            ) from None
        if len({len(row) for row in rows}) != 1 or not 1 <= len(rows[0]) <= MAX_WIDTH:
            widths = [len(row) for row in rows]
            raise traitlets.TraitError(
                f"Every row of {self.name} needs the same 1 to {MAX_WIDTH} numbers; got rows of {widths}."
            )
        if not all(math.isfinite(x) and abs(x) <= LARGEST for row in rows for x in row):
            raise traitlets.TraitError(
                f"{self.name} must be finite numbers from {-LARGEST:g} to {LARGEST:g}; got {rows}."
            )
        return rows


class Microscope(LiveWidget):
    """Attention over 1 to 8 tokens, one step at a time, on numbers that can be changed.

    `query` and `key` are (T, D), `value` is (T, E), with D and E from 1 to 4: lists, arrays or tensors.
    `step` is 1 multiply, 2 sum, 3 scale, 4 mask, 5 softmax, 6 weighted sum; `row` is the word spelled out.
    With `question` the reader guesses first which word `row` looks at most; `guess` is -1 until then.
    To change the number of tokens, set everything at once: `with w.hold_trait_notifications(): ...`.

    >>> Microscope().weights.shape
    torch.Size([4, 4])

    Opens lesson 05.
    """

    name = "microscope"
    height, height_on_a_phone = 568, 764

    tokens = traitlets.List(traitlets.Unicode(), TOKENS, minlen=1, maxlen=MAX_TOKENS).tag(sync=True)
    query = Numbers([list(row) for row in QUERIES]).tag(sync=True)
    key = Numbers([list(row) for row in KEYS]).tag(sync=True)
    value = Numbers([list(row) for row in VALUES]).tag(sync=True)
    causal = traitlets.Bool(False).tag(sync=True)
    step = traitlets.Int(1, min=1, max=6).tag(sync=True)
    row = traitlets.Int(2, min=0, max=MAX_TOKENS - 1).tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=MAX_TOKENS - 1).tag(sync=True)

    def __init__(self, **numbers: Any) -> None:
        if "tokens" in numbers:
            numbers.setdefault("row", min(2, max(0, len(numbers["tokens"]) - 1)))
        super().__init__(**numbers)

    @classmethod
    def heights(cls, state: dict[str, Any]) -> tuple[int, int]:
        """A row for each token, taller where a query or a value has more than two numbers, as measured in a browser."""
        tokens, key, value = (state.get(name, default) for name, default in (("tokens", TOKENS), ("key", KEYS), ("value", VALUES)))
        is_wide = max(len(key[0]), len(value[0])) > 2
        return 420 + 37 * len(tokens) + 58 * is_wide, 528 + 59 * len(tokens) + (57 + 58 * len(tokens)) * is_wide

    @property
    def trace(self) -> AttentionTrace:
        """Every step as PyTorch computes it, in float64: scores, masked, weights (T, T) and output (T, E)."""
        query, key, value = (
            torch.tensor(rows, dtype=torch.float64) for rows in (self.query, self.key, self.value)
        )
        return attend(query, key, value, causal_mask(len(self.tokens)) if self.causal else None)

    @property
    def weights(self) -> Tensor:
        """How much each token (row) looks at each token (column): (T, T), rows sum to 1."""
        return self.trace.weights

    @traitlets.validate("tokens", "query", "key", "value")
    def _fit_together(self, proposal: Any) -> Any:
        sizes = {name: len(getattr(self, name)) for name in ("tokens", "query", "key", "value")}
        sizes[proposal.trait.name] = len(proposal.value)
        if len(set(sizes.values())) != 1:
            counts = ", ".join(f"{count} in {name}" for name, count in sizes.items())
            raise traitlets.TraitError(
                f"Each token needs one row of query, key and value; got {counts}. "
                f"Give all four together: Microscope(tokens=..., query=..., key=..., value=...)."
            )
        rows = {name: getattr(self, name) for name in ("query", "key")} | {
            proposal.trait.name: proposal.value
        }
        if len(rows["query"][0]) != len(rows["key"][0]):
            raise traitlets.TraitError(
                f"query and key must have the same width to be multiplied; got {len(rows['query'][0])} and {len(rows['key'][0])}."
            )
        return proposal.value

    @traitlets.validate("row", "guess")
    def _is_a_token(self, proposal: Any) -> int:
        if proposal.value >= len(self.tokens):
            raise traitlets.TraitError(
                f"{proposal.trait.name} counts tokens from 0, so with {len(self.tokens)} tokens it ends at {len(self.tokens) - 1}; got {proposal.value}."
            )
        return proposal.value

    def label(self) -> str:
        return f"Attention step by step over {len(self.tokens)} tokens: {' '.join(self.tokens)}"

    def picture(self) -> str:
        """Keys above, queries left, weights where they meet, outputs right, values below."""
        seen = self.trace
        size = len(self.tokens)
        cell, number = 58, 40
        left = 96 + number * len(self.query[0])
        top = 62 + 22 * len(self.key[0])
        right = left + cell * size + 16
        bottom = top + 42 * size
        parts = [
            text(left - 16, top - 42, "key: what it offers", 12, "end"),
            text(left - 16, top - 14, "query: what it looks for", 12, "end"),
        ]
        parts += [
            text(left - 16, bottom + 22, "value: what it hands over", 12, "end"),
            text(right, top - 14, "output", 12),
        ]
        parts += [_column(self.key[j], left + cell * (j + 0.5), 48) for j in range(size)]
        parts += [_column(self.value[j], left + cell * (j + 0.5), bottom + 22) for j in range(size)]
        for i, token in enumerate(self.tokens):
            y = top + 42 * i
            parts += [
                text(8, y + 26, _short(token), 14),
                text(left + cell * (i + 0.5), 24, _short(token), 14, "middle"),
            ]
            parts += [text(left - 16, y + 26, GAP.join(map(_plain, self.query[i])), 13, "end")]
            parts += [text(right, y + 26, GAP.join(map(_plain, seen.output[i].tolist())), 13)]
            parts += [
                _weight(seen.weights[i, j].item(), left + cell * j, y, cell - 4, 38) for j in range(size)
            ]
        note = f"Each cell is a weight: softmax of query · key / √{len(self.key[0])}. A row sums to 1 and mixes the values."
        height = bottom + 22 * len(self.value[0]) + 48
        return svg(
            max(right + 48 * len(self.value[0]), 560),
            height,
            self.label(),
            *parts,
            text(8, height - 10, note, 12),
        )


def _number(x: Any) -> float:
    if isinstance(x, bool | str):
        raise TypeError
    return float(x)


def _plain(x: float) -> str:
    return f"{x:.2f}".rstrip("0").rstrip(".").replace("-", "−")


def _short(token: str) -> str:
    token = token.strip() or "␣"
    return token if len(token) <= 9 else token[:8] + "…"


def _column(numbers: Sequence[float], x: float, y: float) -> str:
    return "".join(text(x, y + 22 * c, _plain(number), 13, "middle") for c, number in enumerate(numbers))


def _weight(share: float, x: float, y: float, width: float, height: float) -> str:
    ink = "#000000" if share > 0.47 else "#ffffff"
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" fill="{cividis(share)}"/>'
        f'<text x="{x + width / 2:g}" y="{y + 24:g}" font-size="13" text-anchor="middle" fill="{ink}">{share:.2f}</text>'
    )
