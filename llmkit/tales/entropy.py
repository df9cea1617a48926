"""The entropy of the language, summed exactly over its choices.

**Texts and choices have the same entropy.** A program writes from left to right, and the text shows each choice at once:
a slot is drawn where the line first says it, and the words of a list are told apart by their own letters and the end of the
word; two lines between which one `Say` or two ways of one `Branch` must decide never begin with the same whole line (the
tests compare them all, slot by slot, and check that the parser finds one derivation and no second). So text and choices
determine each other, and H(text) = H(choices).

**H(choices) is a sum.** By the chain rule, it is the sum over choice points of the probability that the point is reached
times the entropy of what is chosen there. All lines of a `Say` are equally likely: log(lines). All words that a slot may
draw are equally likely, and how many they are depends only on which slots were drawn before (a list that another word
selects is as long as its sisters, and `unlike` takes away exactly one word): log(words). A `Branch` has its own weights:
-sum p log p. What lies ahead depends on the past only through the set of drawn slots and the branches taken, so a walk
that carries the probability of each such state visits everything there is, without enumerating any story.
"""

import math
from dataclasses import dataclass

from llmkit.tales.grammar import Branch, By, Plot, Say
from llmkit.tales.plots import PLOTS
from llmkit.tales.slots import Slot
from llmkit.tales.splits import held_out_things
from llmkit.tales.template import tokens

State = tuple[frozenset, tuple]  # names of the slots drawn so far; (branch, label) pairs taken so far


@dataclass
class Sums:
    """What the walk adds up: nats, and expected tokens."""

    nats: float = 0.0
    tokens: float = 0.0


def size(slot: Slot, drawn: set | frozenset, fewer_things: int) -> int:
    """How many words the slot can draw."""
    sizes = {len(options) for options in slot.lists.values()}
    if len(sizes) > 1:
        raise ValueError(f"The lists of slot {slot.name!r} differ in length: {sizes}. The exact sum needs them equal.")
    return sizes.pop() - (slot.unlike in drawn) - (fewer_things if slot.name == "thing" else 0)


def line_tokens(line) -> int:
    """Tokens of a line: any word of a list stands for all, because all have equally many."""
    english = {key: form for slot in line.slots for key, form in slot.english[slot.words[0]].items()}
    return len(tokens(line.plain.format_map(english)))


def flow(parts: tuple, states: dict[State, float], sums: Sums, fewer_things: int) -> dict[State, float]:
    """Carry the probabilities of `states` through `parts`, adding to `sums` on the way."""
    for part in parts:
        after: dict[State, float] = {}
        if isinstance(part, Say):
            for (drawn, labels), mass in states.items():
                sums.nats += mass * math.log(len(part.lines))
                for line in part.lines:
                    share, known = mass / len(part.lines), set(drawn)
                    for slot in line.slots:
                        if slot.name not in known:
                            sums.nats += share * math.log(size(slot, known, fewer_things))
                            known.add(slot.name)
                    sums.tokens += share * line_tokens(line)
                    state = (frozenset(known), labels)
                    after[state] = after.get(state, 0.0) + share
        elif isinstance(part, Branch):
            sums.nats -= sum(states.values()) * sum(p * math.log(p) for p in part.probability.values())
            for label, option in part.options.items():
                taken = {
                    (drawn, (*labels, (part.local, label))): mass * part.probability[label]
                    for (drawn, labels), mass in states.items()
                }
                for state, mass in flow(option, taken, sums, fewer_things).items():
                    after[state] = after.get(state, 0.0) + mass
        elif isinstance(part, By):
            for label, option in part.options.items():
                here = {state: mass for state, mass in states.items() if (part.branch, label) in state[1]}
                after |= flow(option, here, sums, fewer_things)
        else:
            after = states
        states = after
    return states


def plot_sums(plot: Plot, fewer_things: int = 0) -> Sums:
    """Nats and expected tokens of one plot, given the plot."""
    sums = Sums()
    flow(plot.parts, {(frozenset(), ()): 1.0}, sums, fewer_things)
    return sums


def plot_shares(seen: bool) -> dict[str, tuple[float, int]]:
    """Each plot's probability, and how many things it may not draw."""
    fewer = {plot.name: len(held_out_things(plot.name)) if seen else 0 for plot in PLOTS}
    slot = next(slot for slot in PLOTS[0].slots() if slot.name == "thing")
    total = sum(len(slot.words) - fewer[plot.name] for plot in PLOTS)
    return {plot.name: ((len(slot.words) - fewer[plot.name]) / total, fewer[plot.name]) for plot in PLOTS}


def entropy(seen: bool = False) -> float:
    """Nats per tale, exactly: H = H(plot) + sum over plots of p(plot) H(tale | plot). The module says why this is a sum.

    `seen` gives the entropy of what a model can meet in training: the language without the held-out pairs of thing and
    plot. Train, validation and test are all drawn from that; only `compositional` holds the other pairs.
    """
    shares = plot_shares(seen)
    total = -sum(p * math.log(p) for p, _ in shares.values())
    return total + sum(shares[plot.name][0] * plot_sums(plot, shares[plot.name][1]).nats for plot in PLOTS)


def expected_tokens(seen: bool = False) -> float:
    """Tokens per tale (words and punctuation marks), the mean over the language, exactly."""
    shares = plot_shares(seen)
    return sum(shares[plot.name][0] * plot_sums(plot, shares[plot.name][1]).tokens for plot in PLOTS)
