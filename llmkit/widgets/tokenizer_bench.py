"""The tokenizer bench: byte-level BPE learns from a reader's text, merge by merge, and cuts a sentence with it."""

from functools import lru_cache
from typing import Any

import traitlets

from llmkit.tokenization import BPE, PATTERN, Step, byte_letters
from llmkit.widgets.base import LiveWidget
from llmkit.widgets.pictures import svg, text

LONGEST_TEXT, LONGEST_SENTENCE = 4000, 300  # bytes
ENGLISH = (
    "One windy morning, Nora the fox looked for her kite. The kite was not in the kitchen, and it was not in the barn. "
    '"Have you seen my red kite?" she asked Otto the bear. "I have seen a kite," said Otto, "but that kite was green." '
    "Nora looked under the bed, behind the door and in the tower. There was the red kite, and there was the wind. "
    "Nora and Otto ran up the hill, and the kite flew over the barn, over the tower and into the clouds."
)
CHINESE = (
    "一个有风的早晨，狐狸诺拉在找她的风筝。风筝不在厨房里，也不在谷仓里。“你看见我的红风筝了吗？”她问大熊奥托。"
    "“我看见一只风筝，”奥托说，“但是那只风筝是绿的。”诺拉看了床底下，看了门后面，又看了塔楼里。"
    "红风筝就在那里，风也来了。诺拉和奥托跑上山坡，风筝飞过谷仓，飞过塔楼，飞进云里。"
)
ARABIC = (
    "في صباح عاصف بحثت نورا عن طائرتها الورقية. لم تكن الطائرة في المطبخ ولم تكن الطائرة في المخزن. "
    "قالت نورا: هل رأيت الطائرة الورقية؟ قال عمر: رأيت الطائرة الورقية في البرج."
)
EMOJI = "🪁🦊🐻 🪁🌬️ 🦊❤️🪁 🐻❤️🍯 🦊👍🏽 🐻👍🏽 👨‍👩‍👧 👨‍👩‍👧‍👦 🪁🌬️☁️ 🦊🐻🪁 👨‍👩‍👧 🌬️🪁☁️"
CODE = (
    "def find(kite, places):\n    for place in places:\n        if kite in place:\n            return place\n    return None\n\n"
    'def fly(kite, wind):\n    if wind is None:\n        return None\n    for place in kite.places:\n        print("up", place)\n    return kite\n'
)
SENTENCE = "Where is my kite? 风筝在哪里？"
EXAMPLES = (
    ("English", ENGLISH, SENTENCE),
    ("both", f"{ENGLISH}\n{CHINESE}", SENTENCE),
    ("Chinese", CHINESE, SENTENCE),
    ("Arabic", ARABIC, "أين الطائرة الورقية؟ Where?"),
    ("emoji", EMOJI, "🦊❤️🪁 👨‍👩‍👧‍👦"),
    ("Python", CODE, "    if kite is None:\n        return 风筝"),
)


class TokenizerBench(LiveWidget):
    """Byte-level BPE that learns from `text` (at most 4,000 bytes) and cuts `sentence` (at most 300) into tokens.

    `step` is how many merges have been made; beyond the last there is, it is the last. The page learns by itself and
    finds the merges of `llmkit.tokenization`. With `question` the reader guesses first (only about the first example).

    >>> bench = TokenizerBench(text="low low lower lowest", sentence="slow", step=2)
    >>> bench.tokens
    ['s', 'low']

    Used in lesson 03.
    """

    name = "tokenizer_bench"
    height, height_on_a_phone = 730, 1061

    text = traitlets.Unicode(ENGLISH).tag(sync=True)
    sentence = traitlets.Unicode(SENTENCE).tag(sync=True)
    step = traitlets.Int(0, min=0).tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)
    examples = traitlets.List([list(example) for example in EXAMPLES], read_only=True).tag(sync=True)
    pattern = traitlets.Unicode(PATTERN, read_only=True).tag(sync=True)  # what cuts a text into words

    @property
    def merges(self) -> list[Step]:
        """Every merge that the text teaches, in order."""
        return list(_learn(self.text))

    @property
    def tokenizer(self) -> BPE:
        """The tokenizer after `step` merges."""
        pairs = [(merge.left, merge.right) for merge in _learn(self.text)[: self.step]]
        names = [*sorted(byte_letters()), *(left + right for left, right in pairs)]
        return BPE({name: index for index, name in enumerate(names)}, pairs)

    @property
    def token_ids(self) -> list[int]:
        """The sentence in ids of that tokenizer: 256 bytes, then the merges."""
        return self.tokenizer.encode(self.sentence)

    @property
    def tokens(self) -> list[str]:
        """The sentence in tokens, written in byte letters."""
        return [self.tokenizer.tokens[index] for index in self.token_ids]

    @traitlets.validate("text", "sentence")
    def _short_enough(self, proposal: Any) -> str:
        name, value = proposal.trait.name, proposal.value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        longest = {"text": LONGEST_TEXT, "sentence": LONGEST_SENTENCE}[name]
        if not value.strip():
            raise traitlets.TraitError(f"{name} must not be empty: write a few words.")
        if (size := len(value.encode())) > longest:
            raise traitlets.TraitError(f"{name} may have at most {longest:,} bytes in UTF-8; got {size:,}.")
        return value

    def label(self) -> str:
        return f"Tokenizer bench: “{self.sentence}” as {len(self.token_ids)} tokens after {min(self.step, len(self.merges))} merges"

    def picture(self) -> str:
        """The sentence in the tokens it has now, one box each."""
        parts, x, y = [], 8.0, 40.0
        for name, shown in zip(self.tokens, _shown(self.tokenizer, self.token_ids), strict=True):
            width = 10 + sum(13 if ord(char) > 0x2E7F else 8 for char in shown)
            if x + width > 632:
                x, y = 8.0, y + 34
            fill = "#4f7cac" if len(name) > 1 else "none"
            parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="26" rx="4" fill="{fill}" fill-opacity="0.25" stroke="#7a808c" stroke-opacity="0.5"/>')
            parts.append(text(x + width / 2, y + 18, shown, 13, "middle"))
            x += width + 4
        size = len(self.sentence.encode())
        says = f"{len(self.token_ids)} tokens for {size} bytes, after {min(self.step, len(self.merges))} of {len(self.merges)} merges"
        return svg(640, y + 66, self.label(), text(8, 22, self.sentence, 14), *parts, text(8, y + 54, says, 12))


@lru_cache(maxsize=16)
def _learn(text: str) -> tuple[Step, ...]:
    return tuple(BPE.steps(text))


def _shown(tokenizer: BPE, ids: list[int]) -> list[str]:
    """Each token as text, with a dot for a space; bytes that are no whole characters in hexadecimal."""
    found = []
    for index in ids:
        piece = tokenizer.bytes_of(index)
        try:
            found.append(piece.decode("utf-8").replace(" ", "·").replace("\n", "↵"))
        except UnicodeDecodeError:
            found.append(piece.hex(" ").upper())
    return found
