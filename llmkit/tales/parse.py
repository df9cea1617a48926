"""From a text back to its choices: the parser walks the same program that writes, and keeps what fits the text so far."""

from __future__ import annotations

import math
from collections.abc import Iterator

from llmkit.tales.grammar import Branch, By, Plot, Say
from llmkit.tales.plots import PLOTS
from llmkit.tales.slots import SLOT_OF, Slot
from llmkit.tales.story import Draft, Replay, Story, Tale, tell
from llmkit.tales.template import TOKEN, Line
from llmkit.tales.vocabulary import Word


class Frontier:
    """How far into the text any derivation came, and what could have stood there."""

    def __init__(self) -> None:
        self.position, self.expected = 0, set()

    def reach(self, position: int, expected: str) -> None:
        if position > self.position:
            self.position, self.expected = position, set()
        if position == self.position:
            self.expected.add(expected)

    def compare(self, text: str, position: int, words: str, beyond: int = -1) -> None:
        """Reach the end of the last whole token on which the text and `words`, which do not agree, still agree."""
        same = 0
        for token in TOKEN.finditer(words):
            start, end = position + token.start(), position + token.end()
            if text[start:end] != token.group() or (token.group().isalpha() and text[end : end + 1].isalpha()):
                break
            same = token.end()
        rest = words[same:]
        if position + same > beyond:
            frontier_at = position + same + (len(rest) - len(rest.lstrip()) if text[position + same :] else 0)
            self.reach(frontier_at, (TOKEN.findall(rest) or ["a space"])[0])


class Fit:
    """A derivation of the text up to `position`: its choices by name, the forms it knows, and the branches it took."""

    __slots__ = ("branch", "english", "known", "position")

    def __init__(self, position: int, known: dict, english: dict, branch: dict) -> None:
        self.position, self.known, self.english, self.branch = position, known, english, branch

    def at(self, position: int) -> Fit:
        return Fit(position, self.known, self.english, self.branch)

    def saying(self, part: Say, line: Line) -> Fit:
        return Fit(self.position, {**self.known, part.name: line}, self.english, self.branch)

    def taking(self, branch: Branch, label: str) -> Fit:
        return Fit(self.position, {**self.known, branch.name: label}, self.english, {**self.branch, branch.local: label})

    def drawing(self, slot: Slot, word: Word, position: int) -> Fit:
        return Fit(position, {**self.known, slot.name: word}, {**self.english, **slot.english[word]}, self.branch)


def derivations(text: str, parts: tuple, fit: Fit, frontier: Frontier) -> Iterator[Fit]:
    """Every way in which `parts` can continue the text from `fit`."""
    if not parts:
        yield fit
        return
    part, rest = parts[0], parts[1:]
    if isinstance(part, Say):
        start = fit.at(fit.position + (fit.position > 0))  # a space between lines
        for line in part.lines:
            for said in fill(text, line.pieces, start, frontier):
                if text[said.position : said.position + 1] in (" ", ""):
                    yield from derivations(text, rest, said.saying(part, line), frontier)
    elif isinstance(part, Branch):
        for label, option in part.options.items():
            yield from derivations(text, option + rest, fit.taking(part, label), frontier)
    elif isinstance(part, By):
        yield from derivations(text, part.options[fit.branch[part.branch]] + rest, fit, frontier)
    else:
        yield from derivations(text, rest, fit, frontier)


def fill(text: str, pieces: tuple, fit: Fit, frontier: Frontier) -> Iterator[Fit]:
    """Every way in which a line's pieces can stand at `fit.position`."""
    position = fit.position
    for index, (piece, is_slot) in enumerate(pieces):
        words = fit.english.get(piece) if is_slot else piece
        if words is None:
            for drawn in draw(text, piece, fit.at(position), frontier):
                yield from fill(text, pieces[index + 1 :], drawn, frontier)
            return
        if not text.startswith(words, position):
            frontier.compare(text, position, words)
            return
        position += len(words)
    yield fit.at(position)


def draw(text: str, key: str, fit: Fit, frontier: Frontier) -> Iterator[Fit]:
    """The words that a slot, said for the first time under `key`, can have drawn here."""
    slot, position = SLOT_OF[key], fit.position
    frontier.reach(position, f"a word for {slot.name}")
    for word in slot.allowed(fit.known):
        form = slot.english[word][key]
        if text.startswith(form, position):
            end = position + len(form)
            if not text[end : end + 1].isalpha():
                yield fit.drawing(slot, word, end)
        elif " " in form:
            frontier.compare(text, position, form, beyond=position)


def readings(text: str) -> Iterator[tuple[Plot, Story]]:
    """Every derivation of a text; the language is made so that there is at most one (see `entropy.py`)."""
    frontier = Frontier()
    found = False
    for plot in PLOTS:
        for fit in derivations(text, plot.parts, Fit(0, {}, {}, {}), frontier):
            if fit.position != len(text):
                frontier.reach(fit.position, "the end of the text")
                continue
            story = Replay({"plot": plot, **fit.known})
            story.choose("plot", PLOTS)
            plot.walk(story)
            if Draft(story).text == text:
                found = True
                yield plot, story
    if not found:
        raise ValueError(complaint(text, frontier))


def complaint(text: str, frontier: Frontier) -> str:
    match = TOKEN.search(text, frontier.position)
    expected = ", ".join(sorted(repr(word) if word.isascii() and " " not in word else word for word in frontier.expected)[:6])
    if match is None:
        return f"This is no whole tale: it stops at character {len(text)}, where {expected} could follow."
    return (
        f"This is no tale: {match.group()!r} at character {match.start()} does not fit there; "
        f"what could stand there is {expected}."
    )


def parse(text: str) -> Tale:
    """The tale that a text is, with its choices, facts, questions and the rest.

    Raises ValueError with the first word that does not fit when the text is no tale, or not a whole one.
    """
    plot, story = next(readings(text))
    return tell(plot, story, Draft(story))


def log_probability(text: str) -> float:
    """The log-probability of a text in the language of tales, in nats; -inf when the text is no tale."""
    try:
        return next(readings(text))[1].log_probability
    except ValueError:
        return -math.inf
