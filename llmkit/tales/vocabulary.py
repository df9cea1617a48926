"""What a word of the tales knows about itself: its English and Chinese forms, and the features that other choices ask for."""

from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, eq=False)
class Word:
    """One option of a list. `english` and `chinese` map an ending to a form: "" is the word, "_he" its pronoun.

    A template writes a form as slot plus ending: with Nora in slot A, `{A}` is Nora and `{A_he}` is she.
    """

    english: dict[str, str]
    chinese: dict[str, str]
    features: dict[str, str] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        return self.english[""]

    def __repr__(self) -> str:
        return f"Word({self.name!r})"


PRONOUNS = {
    "she": {"_he": "she", "_him": "her", "_his": "her", "_himself": "herself"},
    "he": {"_he": "he", "_him": "him", "_his": "his", "_himself": "himself"},
}


def with_article(word: str) -> str:
    """The word behind "a" or "an"; the lists hold no word that starts with a silent h or a long u."""
    return ("an " if word[0] in "aeiou" else "a ") + word


def people(gender: str, rows: str) -> tuple[Word, ...]:
    """Characters' names, "Nora 诺拉" each, with the pronouns that agree. The Chinese pronoun has one form."""
    forms = PRONOUNS[gender]
    capital = {"_He": forms["_he"].capitalize(), "_His": forms["_his"].capitalize()}
    chinese = {"_he": "她" if gender == "she" else "他"}
    return tuple(
        Word({"": english, **forms, **capital}, {"": name, **chinese}, {"gender": gender})
        for english, name in (row.split() for row in rows.split(","))
    )


def relatives(gender: str, rows: str) -> tuple[Word, ...]:
    """Members of a family, "aunt 姑姑" each; `{slot_he}` is the pronoun."""
    forms = {"_he": PRONOUNS[gender]["_he"]}
    return tuple(Word({"": english, **forms}, {"": name}) for english, name in (row.split() for row in rows.split(",")))


def words(rows: str, **features: str) -> tuple[Word, ...]:
    """Plain words, "fox 狐狸" each; `{slot_a}` is the word with its article."""
    pairs = (row.strip().rsplit(" ", 1) for row in rows.split(","))
    return tuple(Word({"": english, "_a": with_article(english)}, {"": chinese}, features) for english, chinese in pairs)


def places(rows: str) -> tuple[Word, ...]:
    """Places, "mill 磨坊" each. Chinese says 附近 for "near", except where the word already means a spot beside something."""
    return tuple(
        Word(word.english, {"": name, "_near": name if name[-1] in "边口上" else name + "附近", "_bare": name.rstrip("边上")})
        for word in words(rows) for name in [word.chinese[""]]
    )


def things(make: str, hurt: tuple[str, str], rows: str) -> tuple[Word, ...]:
    """Objects, "kite 风筝 只" each: English, Chinese and its measure word; `{slot_hurt}` says how such a thing breaks."""
    return tuple(
        Word(
            {"": english, "_a": with_article(english), "_hurt": hurt[0]},
            {"": chinese, "_mw": measure, "_hurt": hurt[1]},
            {"make": make},
        )
        for english, chinese, measure in (row.split() for row in rows.split(","))
    )
