"""The perfect model of the language: the exact distribution of the next token after any beginning.

The probability of a beginning is the sum over all ways to write it. The walk below follows the program with a mass of
probability, which every choice divides among its options; a branch of the walk ends where it parts from the given text.
"""

import math
from functools import cache

from llmkit.tales.grammar import Branch, By, Say
from llmkit.tales.plots import PLOTS
from llmkit.tales.slots import SLOT_OF
from llmkit.tales.template import tokens

split = cache(tokens)  # the same few hundred literals and forms come again and again


class Spread:
    """How the probability of all tales is spread along one text.

    `reached[t]` is the probability that a tale begins with the first t + 1 tokens; `following` that of each token which
    can come after the last one, "" standing for the end of the tale.
    """

    def __init__(self, text: str) -> None:
        self.said = tokens(text)
        self.reached = [0.0] * len(self.said)
        self.following: dict[str, float] = {}
        for plot in PLOTS:
            self.walk(plot.parts, 0, 1 / len(PLOTS), {}, {}, {})

    def walk(self, parts: tuple, at: int, mass: float, english: dict, drawn: dict, labels: dict) -> None:
        """Follow `parts` from token number `at`. What is known so far: forms by key, words by slot, labels by branch."""
        if not parts:
            if at == len(self.said):
                self.following[""] = self.following.get("", 0.0) + mass
            return
        part, rest = parts[0], parts[1:]
        if isinstance(part, Say):
            for line in part.lines:
                self.fill(line.pieces, rest, at, mass / len(part.lines), english, drawn, labels)
        elif isinstance(part, Branch):
            for label, option in part.options.items():
                taken = {**labels, part.local: label}
                self.walk(option + rest, at, mass * part.probability[label], english, drawn, taken)
        elif isinstance(part, By):
            self.walk(part.options[labels[part.branch]] + rest, at, mass, english, drawn, labels)
        else:
            self.walk(rest, at, mass, english, drawn, labels)

    def fill(self, pieces: tuple, rest: tuple, at: int, mass: float, english: dict, drawn: dict, labels: dict) -> None:
        """Follow the pieces of a line; a slot that is said for the first time divides the mass among its words."""
        for index, (piece, is_slot) in enumerate(pieces):
            if is_slot and piece not in english:
                slot = SLOT_OF[piece]
                options = slot.allowed(drawn)
                for word in options:
                    forms, known = {**english, **slot.english[word]}, {**drawn, slot.name: word}
                    self.fill(pieces[index:], rest, at, mass / len(options), forms, known, labels)
                return
            for token in split(english[piece] if is_slot else piece):
                if at == len(self.said):
                    self.following[token] = self.following.get(token, 0.0) + mass
                    return
                if self.said[at] != token:
                    return
                self.reached[at] += mass
                at += 1
        self.walk(rest, at, mass, english, drawn, labels)


def surprisals(text: str) -> list[float]:
    """What each token of a tale costs the perfect model, in nats: -log p(token | all tokens before it).

    They add up to -log_probability(text); no model's loss on many tales is lower on average. Where a token follows from
    what was said, its cost is 0. Raises ValueError when no tale begins with the text.
    """
    reached = Spread(text).reached
    if 0.0 in reached:
        place = reached.index(0.0)
        raise ValueError(f"No tale begins like this: token number {place}, {tokens(text)[place]!r}, cannot stand there.")
    return [math.log(before / after) for before, after in zip([1.0, *reached], reached, strict=False)]


def next_token(beginning: str) -> dict[str, float]:
    """The exact probability of each token that can follow the beginning of a tale, most likely first; "" is its end.

    >>> next_token("One warm morning, Nora the")["fox"]
    0.03125

    Raises ValueError when no tale begins like this.
    """
    following = Spread(beginning).following
    total = sum(following.values())
    if not total:
        surprisals(beginning)
    return dict(sorted(((token, mass / total) for token, mass in following.items()), key=lambda pair: -pair[1]))
