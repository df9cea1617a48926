"""From any pile of texts to a corpus worth learning from: filters that know no language, then copies and near copies."""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from llmkit.corpora.document import Document
from llmkit.corpora.near import NearCopies
from llmkit.corpora.report import Report

RUN, WINDOW = 10, 2_000  # repetition: runs of characters, looked for within so many


@dataclass(frozen=True)
class Rules:
    """What a text must be to stay. Shares are between 0 and 1; None switches near copies off."""

    min_characters: int = 50
    max_characters: int = 100_000
    min_letters: float = 0.6  # of what is not white space
    max_repetition: float = 0.4
    near_copies: float | None = 0.7  # the similarity from which a text is dropped
    exact_copies: bool = True

    def __post_init__(self) -> None:
        for name in ("min_letters", "max_repetition", "near_copies"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} is a share between 0 and 1; got {value}.")
        if not 0 <= self.min_characters <= self.max_characters:
            raise ValueError(
                f"min_characters is at least 0 and at most max_characters; got {self.min_characters} and {self.max_characters}."
            )


@cache
def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"  # a vowel sign or an accent is part of a letter


def letter_share(text: str) -> float:
    """The share of letters, of any script, among what is not white space.

    >>> letter_share("नमस्ते दुनिया"), letter_share("a = 1")
    (1.0, 0.3333333333333333)
    """
    solid = [char for char in text if not char.isspace()]
    return sum(map(_is_letter, solid)) / len(solid) if solid else 0.0


def repetition(text: str) -> float:
    """The share of runs of 10 characters that stood before within the same 2,000 characters; 0 for what never repeats.

    Windows, because any long text repeats something somewhere.

    >>> repetition("spam " * 100) > 0.9, repetition("One cold afternoon Daisy heard her neighbor.")
    (True, 0.0)
    """
    runs = different = 0
    for start in range(0, len(text), WINDOW):
        part = text[start : start + WINDOW]
        found = [part[at : at + RUN] for at in range(len(part) - RUN + 1)]
        runs, different = runs + len(found), different + len(set(found))
    return 1 - different / runs if runs else 0.0


class Cleaner:
    """Passes on the documents that keep the rules, one at a time, and counts the others in `report`.

    The rules are tried in the order of the table that `report` shows; a text is dropped by the first it breaks.
    Of copies the first stays. Memory: 16 bytes for each text kept, and 3 KB more when near copies are looked for.

    >>> cleaner = Cleaner(Rules(min_characters=10))
    >>> texts = ["The kite was gone.", "Hm.", "the kite  was gone.", "1, 2, 3, 4, 5, 6, 7"]
    >>> [document.text for document in cleaner(Document(text, "") for text in texts)]
    ['The kite was gone.']
    >>> dict(cleaner.report.dropped)
    {'too short': 1, 'exact copy': 1, 'too few letters': 1}
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.report = Report()
        self._seen: set[bytes] = set()
        self._near = NearCopies(self.rules.near_copies) if self.rules.near_copies else None

    def __call__(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            self.report.read += 1
            if (rule := self.broken(document.text)) is not None:
                self.report.drop(rule, document.text)
            else:
                self.report.kept += 1
                yield document

    def broken(self, text: str) -> str | None:
        """The first rule that a text breaks, or None; then the text counts as seen."""
        rules, length = self.rules, len(text.strip())
        if length < rules.min_characters:
            return "too short"
        if length > rules.max_characters:
            return "too long"
        if letter_share(text) < rules.min_letters:
            return "too few letters"
        if repetition(text) > rules.max_repetition:
            return "repeats itself"
        if rules.exact_copies and self._is_copy(text):
            return "exact copy"
        if self._near is not None and self._near.find(text) is not None:
            return "near copy"
        return None

    def _is_copy(self, text: str) -> bool:
        """Copies may differ in case and white space."""
        even = " ".join(text.casefold().split()).encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(even, digest_size=16).digest()
        before = len(self._seen)
        self._seen.add(digest)
        return len(self._seen) == before
