"""A line of a story, in English and in Chinese, with the places that choices fill.

`{A}` is filled; `{~color}` is filled too and marked as recalled from earlier in the story; `[where:under {x}]` names
a span, so that a question can point at it; `[~where:...]` does both; `|` parts two sentences of one line.
"""

import re
from dataclasses import dataclass

from llmkit.tales.slots import SLOT_OF

MARKUP = re.compile(r"\{~(\w+)\}|\[(~?)(\w+):([^\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")
TOKEN = re.compile(r"'s\b|[A-Za-z]+|[^\sA-Za-z]")


def tokens(text: str) -> list[str]:
    """Words and punctuation marks; the possessive 's is a token of its own.

    >>> tokens("Nora's kite was not there.")
    ['Nora', "'s", 'kite', 'was', 'not', 'there', '.']
    """
    return TOKEN.findall(text)


@dataclass(frozen=True)
class Chunk:
    """A stretch of a sentence: its format, the name of its span ("" for none), whether it is marked as recalled."""

    format: str
    label: str = ""
    recalled: bool = False


def chunks(sentence: str) -> tuple[Chunk, ...]:
    """The sentence cut where its markup begins and ends."""
    found, position = [], 0
    for match in MARKUP.finditer(sentence):
        if match.start() > position:
            found.append(Chunk(sentence[position : match.start()]))
        slot, tilde, label, inside = match.groups()
        found.append(Chunk("{" + slot + "}", slot, True) if slot else Chunk(inside, label, bool(tilde)))
        position = match.end()
    return (*found, Chunk(sentence[position:])) if position < len(sentence) else tuple(found)


class Line:
    """One option of `Say`: a sentence, or two that belong together, in both languages.

    `sentences` pairs the chunks of each English sentence with its Chinese format; `pieces` is the English line for the
    parser, literals and slots in turn.
    """

    def __init__(self, english: str, chinese: str) -> None:
        parts, translated = english.split("|"), chinese.split("|")
        if len(parts) != len(translated):
            raise ValueError(f"{len(parts)} English sentences stand against {len(translated)} Chinese ones in {english!r}.")
        self.sentences = tuple((chunks(part), chinese) for part, chinese in zip(parts, translated, strict=True))
        self.name = self.plain = " ".join("".join(chunk.format for chunk in part) for part, _ in self.sentences)
        self.pieces = tuple(
            (piece, bool(index % 2)) for index, piece in enumerate(SLOT.split(self.plain)) if piece
        )  # (text, False) or (slot, True)
        keys = [piece for piece, is_slot in self.pieces if is_slot]
        self.slots = tuple(dict.fromkeys(SLOT_OF[key] for key in keys))  # in the order the line says them

    @property
    def labels(self) -> set[str]:
        return {chunk.label for part, _ in self.sentences for chunk in part if chunk.label}

    def __repr__(self) -> str:
        return f"Line({self.plain!r})"
