"""The scale lab: what the width of queries and keys does to attention, with and without dividing by its root."""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import torch
import traitlets
from torch import Tensor

from llmkit.attention import softmax, softmax_jacobian
from llmkit.metrics import entropy
from llmkit.widgets.base import LiveWidget, between
from llmkit.widgets.draws import uniform
from llmkit.widgets.pictures import svg, text

QUERIES = 256  # as in scale_lab.js, like the list below
WIDTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
RULES = {"raw": "q·k", "root": "q·k / √d", "d": "q·k / d"}


class Measured(NamedTuple):
    """What softmax makes of the scores of the random queries.

    `response` is the median over the queries: a mean would be carried by the few whose best two keys tie.
    """

    variance: float  # of the scores that softmax sees
    predicted: float  # the same, from theory: d divided by the square of what the scores are divided by
    entropy: float  # nats, at most ln(keys); mean over the queries
    response: (
        float  # Frobenius norm of the softmax Jacobian, 0 to 0.5: how far nudged scores move the weights
    )


class ScaleLab(LiveWidget):
    """Random queries and keys of width `d` from 1 to 1024, each query scored against `num_keys` keys.

    `temperature` from 0.05 to 10 divides the scores once more; `rule` is "raw" (q·k), "root" (q·k / √d) or "d" (q·k / d).
    The same `seed` gives the same draws in Python and in the page. With `question` the reader guesses first.

    >>> ScaleLab(d=64, rule="root").measured.predicted
    1.0

    Used in lesson 05.
    """

    name = "scale_lab"
    height, height_on_a_phone = 655, 1092

    d = traitlets.Int(4).tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)
    num_keys = traitlets.Int(16).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    rule = traitlets.Unicode("raw").tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)

    @property
    def measured(self) -> Measured:
        """What PyTorch measures on the draws that the page shows."""
        return _measure(self.seed, self.num_keys, self.d, self.rule, self.temperature)

    @property
    def scores(self) -> Tensor:
        """What softmax sees, (256, keys): dot products, divided by the rule's divisor and by the temperature."""
        return _draw(self.seed, self.num_keys, self.d) / (_divisor(self.rule, self.d) * self.temperature)

    @traitlets.validate("d", "num_keys", "seed")
    def _whole_number(self, proposal: Any) -> int:
        low, high = {"d": (1, WIDTHS[-1]), "num_keys": (2, 64), "seed": (0, 2**31 - 1)}[proposal.trait.name]
        return between(proposal, low, high)

    @traitlets.validate("temperature")
    def _temperature(self, proposal: Any) -> float:
        return between(proposal, 0.05, 10)

    @traitlets.validate("rule")
    def _rule(self, proposal: Any) -> str:
        if proposal.value not in RULES:
            raise traitlets.TraitError(
                f"rule must be one of {', '.join(map(repr, RULES))}; got {proposal.value!r}."
            )
        return proposal.value

    def label(self) -> str:
        return f"Scale lab: what width d does to attention scores and weights, here d = {self.d} with {RULES[self.rule]}"

    def picture(self) -> str:
        """Entropy and response of the weights against d, for raw and for scaled scores."""
        rows = {
            rule: [_measure(self.seed, self.num_keys, d, rule, self.temperature) for d in WIDTHS]
            for rule in ("raw", "root")
        }
        top = math.log(self.num_keys)
        left = _curves(rows, "entropy", f"Entropy of {self.num_keys} weights, in nats", top, 0)
        right = _curves(rows, "response", "Response of the weights, ‖J‖ (median)", 0.5, 350)
        now = self.measured
        says = (
            f"At d = {self.d}, {RULES[self.rule]}: variance of the scores {_figure(now.variance)} (predicted {_figure(now.predicted)}), "
            f"entropy {now.entropy:.2f} of {top:.2f} nats, typical response {now.response:.2f}."
        )
        return svg(700, 220, self.label(), left, right, text(8, 210, says, 12))


def _figure(x: float) -> str:
    """Three significant digits, and every digit before the point.

    >>> _figure(0.2516), _figure(1024.0)
    ('0.252', '1024')
    """
    return f"{x:.0f}" if x >= 1000 else f"{x:.3g}"


def _divisor(rule: str, d: int) -> float:
    return {"raw": 1.0, "root": math.sqrt(d), "d": float(d)}[rule]


@lru_cache(maxsize=256)
def _measure(seed: int, keys: int, d: int, rule: str, temperature: float) -> Measured:
    divisor = _divisor(rule, d) * temperature
    scores = _draw(seed, keys, d) / divisor
    weights = softmax(scores)
    response = torch.linalg.matrix_norm(softmax_jacobian(weights)).quantile(0.5).item()
    return Measured(scores.var(correction=0).item(), d / divisor**2, entropy(weights).mean().item(), response)


def _draw(seed: int, keys: int, d: int) -> Tensor:
    """Dot products of the first `d` numbers of 256 random queries with their keys: (256, keys)."""
    queries, answers = _numbers(seed, keys)
    return torch.einsum("nc,nck->nk", queries[:, :d], answers[:, :d])


@lru_cache(maxsize=2)
def _numbers(seed: int, keys: int) -> tuple[Tensor, Tensor]:
    """The standard normal numbers that math.js draws, in its order: queries (256, 1024), keys (256, 1024, keys)."""
    shape = (QUERIES, WIDTHS[-1], 1 + keys)
    drawn = torch.empty(math.prod(shape), dtype=torch.float64)
    for first in range(0, drawn.numel(), 2**18):  # in pieces that stay in the cache
        count = min(2**18, drawn.numel() - first)
        radius, angle = uniform(seed, 2 * first, 2 * count).view(count, 2).unbind(-1)
        drawn[first : first + count] = (-2 * torch.log1p(-radius)).sqrt() * torch.cos(2 * math.pi * angle)
    drawn = drawn.view(shape)
    return drawn[..., 0], drawn[..., 1:]


def _curves(rows: dict[str, list[Measured]], field: str, title: str, top: float, left: float) -> str:
    def place(d: int, value: float) -> tuple[float, float]:
        return left + 40 + 24 * math.log2(d), 170 - 125 * min(value / top, 1)

    parts = [text(left + 8, 22, title, 14)]
    parts += [text(place(d, 0)[0], 188, str(d), 11, "middle") for d in (1, 4, 16, 64, 256, 1024)]
    parts += [text(left + 32, place(1, value)[1] + 4, f"{value:.2f}", 11, "end") for value in (0, top)]
    for rule, color in (("raw", "#7a808c"), ("root", "#d2447a")):
        points = [place(d, getattr(row, field)) for d, row in zip(WIDTHS, rows[rule], strict=True)]
        line = " ".join(f"{x:.0f},{y:.1f}" for x, y in points)
        parts += [f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>']
        parts += [text(points[-1][0] + 6, points[-1][1] + 4, {"raw": "raw", "root": "÷ √d"}[rule], 12)]
    return "".join([*parts, text(left + 300, 188, "d", 11)])
