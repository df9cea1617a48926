"""What the tests of the story language share: the lines that stand against each other, and how long a plot can get."""

from itertools import combinations

from llmkit.tales.entropy import line_tokens
from llmkit.tales.grammar import Branch, By, Say
from llmkit.tales.plots import PLOTS
from llmkit.tales.slots import SLOT_OF
from llmkit.tales.template import tokens


def bounds(parts) -> tuple[int, int]:
    """Fewest and most tokens that the parts can say."""
    low = high = 0
    for part in parts:
        if isinstance(part, Say):
            lengths = [line_tokens(line) for line in part.lines]
        elif isinstance(part, Branch | By):
            lengths = [length for option in part.options.values() for length in bounds(option)]
        else:
            continue
        low, high = low + min(lengths), high + max(lengths)
    return low, high


def first_lines(parts):
    """The lines that the parts can begin with."""
    for part in parts:
        if isinstance(part, Say):
            return list(part.lines)
        if isinstance(part, Branch | By):
            return [line for option in part.options.values() for line in first_lines(option)]
    return []


def rivals():
    """Every pair of lines between which one choice must decide, and where."""
    for plot in PLOTS:
        for part in plot.all_parts():
            if isinstance(part, Say):
                yield from ((plot.name, *pair) for pair in combinations(part.lines, 2))
            elif isinstance(part, Branch):
                starts = [first_lines(option) for option in part.options.values()]
                for one, other in combinations(starts, 2):
                    yield from ((plot.name, a, b) for a in one for b in other)
    for one, other in combinations(PLOTS, 2):
        yield from ((f"{one.name}/{other.name}", a, b) for a in first_lines(one.parts) for b in first_lines(other.parts))


def positions(line) -> list[tuple[str, frozenset[str]]]:
    """The line token by token: the slot that fills the place, and every token that can stand there."""
    found = []
    for piece, is_slot in line.pieces:
        if is_slot:
            slot = SLOT_OF[piece]
            forms = [tokens(forms[piece]) for forms in slot.english.values()]
            found += [(piece, frozenset(column)) for column in zip(*forms, strict=True)]
        else:
            found += [("", frozenset([token])) for token in tokens(piece)]
    return found


def can_part(one, other) -> bool:
    """Whether two places of rival lines can never hold the same token.

    The two characters differ in name and in pronoun, so `{A_he}` and `{B_he}` never agree within a tale.
    """
    (key, here), (other_key, there) = one, other
    slots = {SLOT_OF[k].name for k in (key, other_key) if k}
    return slots == {"A", "B"} or not here & there


def tellable(one, other) -> bool:
    """Whether no text can begin with both lines: they part before the shorter one ends."""
    return any(can_part(*pair) for pair in zip(positions(one), positions(other), strict=False))
