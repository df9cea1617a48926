"""The timeline: what was published from 1958 on, how large it was, and how much computing its training took."""

import math
from typing import Any

import traitlets

from llmkit.milestones import MILESTONES, Milestone
from llmkit.widgets.base import LiveWidget, between
from llmkit.widgets.pictures import svg, text

SHOWS = {"parameters": "parameters", "compute": "training compute"}
SPANS = {"all": (1955, 2027), "recent": (2012, 2027)}  # years, as in timeline.js
RANGES = {"parameters": (3, 13), "compute": (18, 26)}  # powers of ten


class Timeline(LiveWidget):
    """The milestones of `llmkit.milestones` by date, with their `parameters` or their training `compute` on a log scale.

    `span` is "all" (from 1955) or "recent" (from 2012); `picked` is the milestone that is told about, in order of date. With
    `question` the reader guesses first. Milestones for which no number is published stand in a band of their own.

    >>> Timeline(picked=33).milestone.name
    'Kimi K2'

    Used in lesson 04.
    """

    name = "timeline"
    height, height_on_a_phone = 684, 938

    shows = traitlets.Unicode("parameters").tag(sync=True)
    span = traitlets.Unicode("all").tag(sync=True)
    picked = traitlets.Int(5).tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)
    points = traitlets.List(read_only=True).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.set_trait("points", [point(one) for one in MILESTONES])

    @property
    def milestone(self) -> Milestone:
        """The one that is told about."""
        return MILESTONES[self.picked]

    @traitlets.validate("shows", "span")
    def _known(self, proposal: Any) -> str:
        known = {"shows": SHOWS, "span": SPANS}[proposal.trait.name]
        if proposal.value not in known:
            raise traitlets.TraitError(f"{proposal.trait.name} must be one of {', '.join(map(repr, known))}; got {proposal.value!r}.")
        return proposal.value

    @traitlets.validate("picked")
    def _in_the_list(self, proposal: Any) -> int:
        return between(proposal, 0, len(MILESTONES) - 1)

    def label(self) -> str:
        return f"Timeline: {len(MILESTONES)} milestones from {MILESTONES[0].when} to {MILESTONES[-1].when[:4]}, by {SHOWS[self.shows]}"

    def picture(self) -> str:
        """Dates against sizes on a log scale."""
        (first, last), (low, high) = SPANS[self.span], RANGES[self.shows]
        parts = [text(8, 22, f"{SHOWS[self.shows].capitalize()}, on a log scale", 14)]
        for power in range(low, high + 1, 2):
            y = 290 - 240 * (power - low) / (high - low)
            parts += [text(44, y + 4, f"1e{power}", 11, "end"), f'<line x1="50" x2="690" y1="{y:.0f}" y2="{y:.0f}" stroke="#9aa0ab" stroke-opacity="0.3"/>']
        for year in range(-(-first // 10) * 10, last, 10):
            parts.append(text(50 + 640 * (year - first) / (last - first), 312, str(year), 11, "middle"))
        for one in MILESTONES:
            value = getattr(one, self.shows)
            if value is None or one.year < first or (self.question and self.guess < 0 and one.year > 2000):
                continue
            x, y = 50 + 640 * (one.year - first) / (last - first), 290 - 240 * (math.log10(value) - low) / (high - low)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{"#d2447a" if one is self.milestone else "#7a808c"}"/>')
        return svg(704, 326, self.label(), *parts)


def point(one: Milestone) -> dict[str, Any]:
    """A milestone as the page gets it; what is not known is left out."""
    known = {
        "when": one.when, "year": round(one.year, 3), "name": one.name, "kind": one.kind, "what": one.what, "source": one.source, "url": one.url,
        "parameters": one.parameters, "active": one.active, "tokens": one.tokens, "compute": one.compute, "estimate": one.is_estimate or None, "by": one.given_by or None,
    }  # fmt: skip
    return {name: value for name, value in known.items() if value is not None}
