"""The slots of a line, and the list that each draws from. A slot is drawn where the text first says it, and never again."""

from llmkit.tales import words
from llmkit.tales.vocabulary import Word


class Slot:
    """`name` draws from `options`, or from `options[feature]` where `by` is "slot.feature" of an earlier slot.

    `unlike` names a slot with the same list; its word, when already drawn, is left out.
    """

    def __init__(self, name: str, options, by: str = "", unlike: str = "") -> None:
        self.name, self.by, self.unlike = name, by, unlike
        self.by_slot, _, self.by_feature = by.partition(".")
        self.lists = {key: tuple(value) for key, value in options.items()} if by else {"": tuple(options)}
        self.words = tuple(dict.fromkeys(word for options in self.lists.values() for word in options))
        self.english = {word: {name + ending: form for ending, form in word.english.items()} for word in self.words}
        self.chinese = {word: {name + ending: form for ending, form in word.chinese.items()} for word in self.words}
        self.keys = tuple(dict.fromkeys(key for forms in self.english.values() for key in forms))

    def allowed(self, drawn: dict[str, Word]) -> tuple[Word, ...]:
        """The words this slot may draw, given what was drawn before; all of them are equally likely."""
        options = self.lists[drawn[self.by_slot].features[self.by_feature]] if self.by else self.words
        if self.unlike in drawn:
            other = drawn[self.unlike]
            options = tuple([word for word in options if word is not other])
        return options


SLOTS = (
    Slot("A", words.NAMES),
    Slot("A_kind", words.KINDS),
    Slot("B", words.THE_OTHER, by="A.gender"),
    Slot("B_kind", words.KINDS, unlike="A_kind"),
    Slot("thing", words.THINGS),
    Slot("color", words.COLORS),
    Slot("tool", words.TOOLS, by="thing.make"),
    Slot("place", words.PLACES),
    Slot("place2", words.PLACES, unlike="place"),
    Slot("spot", words.SPOTS),
    Slot("outside", words.OUTSIDE),
    Slot("inside", words.INSIDE),
    Slot("turn", words.TURNS),
    Slot("day", words.DAYS),
    Slot("weather", words.WEATHERS),
    Slot("sad", words.SAD),
    Slot("happy", words.HAPPY),
    Slot("friend", words.FRIENDS),
    Slot("relative", words.RELATIVES),
    Slot("job", words.JOBS),
    Slot("food", words.FOODS),
    Slot("food2", words.FOODS, unlike="food"),
)
SLOT_OF = {key: slot for slot in SLOTS for key in slot.keys}  # "A_he" -> the slot A
