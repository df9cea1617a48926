"""The ladder: what models that count one to five tokens, and a small network, expect next; and what a text costs each."""

from collections.abc import Sequence
from functools import cache, lru_cache
from html import escape
from itertools import islice
from typing import Any

import torch
import traitlets

from llmkit import models
from llmkit.device import device_name, pick_device
from llmkit.ngrams import NGram
from llmkit.shapes import Float, Tensor
from llmkit.tales import tales
from llmkit.widgets import tinylm
from llmkit.widgets.base import LiveWidget, as_json
from llmkit.widgets.pictures import svg, text
from llmkit.widgets.thinker import Thinker

TEXT = (  # the beginning of a tale that none of the models has read
    'Nina the pony was proud, because Carl the mouse had lent her a blue bucket. "Be careful," he had said. '
    '"It belonged to my aunt." But Nina slipped on the wet stones near the bakery, and now the bucket was dented. '
    'For a minute she sat in the road and felt gloomy, and then she went to Carl. "Look what I did to your'
)
ORDERS = 5  # n = 1 to 5, as in js/ngram.js
TALES = 350  # counted: few enough to travel with the page
DISCOUNT = 0.75
LONGEST = 1000  # characters
BEGIN, END = 1, 2  # what stands before and after every tale
ROWS = 5  # likeliest tokens of each model


class Ladder(LiveWidget):
    """Five models that count the last 0 to 4 tokens in 350 tales, and the book's small network, read the same text.

    Setting `text` computes; `picked` (0 to 5, the last is the network) is whose surprise tints the text. The counting is
    done in the page, in every home; the network answers from the kernel, or in the page where there is none. With `asks`
    the reader guesses first. What went wrong stands in `error`, and the last good answer stays.

    >>> Ladder().likeliest(5, 1)[0][0], Ladder().likeliest(0, 1)[0][0]
    ('·blue', '·the')

    Used in lesson 01.
    """

    name = "ladder"
    height, height_on_a_phone = 1014, 1378

    text = traitlets.Unicode(TEXT).tag(sync=True, echo_update=False)
    picked = traitlets.Int(ORDERS - 1, min=0, max=ORDERS).tag(sync=True)
    asks = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)
    counted = traitlets.Bytes(read_only=True).tag(sync=True)  # the tales, as `pack` makes them
    number = traitlets.Int(0, read_only=True).tag(sync=True)  # of tales
    tokenizer = traitlets.Dict(read_only=True).tag(sync=True)
    question = traitlets.Dict().tag(sync=True, echo_update=False)  # {"n": number, "text": ...}
    answer = traitlets.Dict(read_only=True).tag(sync=True)  # what `describe` says
    done = traitlets.Int(0, read_only=True).tag(sync=True)  # the last question that was answered, or refused
    error = traitlets.Unicode("", read_only=True).tag(sync=True)

    def __init__(self, text: str = TEXT, **traits: Any) -> None:
        self._thinker: Thinker | None = None
        self._device, self._asked = str(pick_device(None)), 0
        super().__init__(text=text, **{"asks": text == TEXT} | traits)
        try:
            loaded = models.load(tinylm.NAME)
        except models.ModelUnavailable as problem:
            self.set_trait("error", str(problem))
            return
        self._thinker = Thinker(loaded.model, loaded.tokenizer, tinylm.NAME)
        rows = read_tales(loaded.tokenizer)
        self.set_trait("counted", pack([number for row in rows for number in row]))
        self.set_trait("number", len(rows))
        self.set_trait("tokenizer", small_tokenizer(tinylm.NAME))
        self._read()

    # ---- the six models --------------------------------------------------------------------------------------------

    @property
    def ids(self) -> list[int]:
        """The text as the models read it, after the token that begins every tale. A space at its end waits for its word."""
        return self._thinker.encode(self.text.rstrip(" "))

    def probabilities(self, model: int) -> Float[Tensor, " V"]:
        """What comes next, in float64: for 0 to 4 by counting n = 1 to 5 tokens, for 5 by the network."""
        if model == ORDERS:
            return self._thinker.think(self.ids, self._device).logits.double().softmax(-1)
        counts = count_tales(model + 1)
        padded = (BEGIN,) * model + tuple(self.ids)
        context = padded[len(padded) - model :]
        return torch.tensor(counts.probabilities(context), dtype=torch.float64)

    def surprisals(self, model: int) -> list[float]:
        """What every token of the text costs a model, in nats; the first token of all is given."""
        if model == ORDERS:
            return list(self._thinker.think(self.ids, self._device).surprise[1:])
        return count_tales(model + 1).surprisals(self.ids)

    def likeliest(self, model: int, number: int = ROWS) -> list[tuple[str, float]]:
        """The likeliest next tokens of a model with their probabilities."""
        best = self.probabilities(model).sort(descending=True, stable=True)
        names = self._thinker.names(best.indices[:number].tolist())
        return list(zip(names, best.values[:number].tolist(), strict=True))

    # ---- asked from the page ---------------------------------------------------------------------------------------

    @traitlets.observe("question")
    def _on_question(self, change: Any) -> None:
        self._asked = int(change.new.get("n", self._asked))
        with self.hold_sync():
            try:
                self.text = change.new.get("text", self.text)
                self._read()
            except traitlets.TraitError as problem:
                self.set_trait("error", str(problem))
            self.set_trait("done", self._asked)

    @traitlets.observe("text")
    def _on_text(self, change: Any) -> None:
        self._read()

    def _read(self) -> None:
        """Let the network read the text, or say in `error` why it cannot."""
        if self._thinker is None or (self.answer.get("text"), self.answer.get("n")) == (self.text, self._asked):
            return
        try:
            answer = self.describe()
        except (ValueError, RuntimeError) as problem:
            self.set_trait("error", f"{tinylm.NAME} could not read this text: {str(problem).partition(chr(10))[0]}")
            return
        with self.hold_sync():
            self.set_trait("error", "")
            self.set_trait("answer", answer)

    def describe(self) -> dict[str, Any]:
        """The network's thought as the page gets it; logits are (V) float32 as bytes."""
        seen = self._thinker.think(self.ids, self._device)
        return {
            "n": self._asked, "text": self.text, "ids": list(seen.ids), "start": seen.start, "model": self._thinker.name,
            "surprise": [loss if loss is None else round(loss, 5) for loss in seen.surprise],
            "logits": seen.logits.numpy().tobytes(), "device": device_name(self._device), "steps": seen.steps, "ms": round(seen.milliseconds, 1),
        }  # fmt: skip

    @traitlets.validate("text")
    def _not_too_long(self, proposal: Any) -> str:
        if len(proposal.value) > LONGEST:
            raise traitlets.TraitError(f"text may have at most {LONGEST} characters; got {len(proposal.value)}.")
        return proposal.value

    # ---- for the page without a kernel -----------------------------------------------------------------------------

    def state_for_page(self) -> dict[str, Any]:
        """The tales, the tokenizer and the last answer; no device and no time, which differ every time."""
        names = ("text", "picked", "asks", "guess", "counted", "number", "tokenizer", "error")
        state = {name: getattr(self, name) for name in names} | {"answer": {}, "tiny": ""}
        if self._thinker is not None:
            state["answer"] = {name: self.answer[name] for name in ("text", "ids", "start", "surprise", "model", "logits")} | {"n": 0}
            state["tiny"] = tinylm.NAME
        return {**as_json(state), "kernel": False}

    def label(self) -> str:
        if self._thinker is None:
            return f"Next-token ladder, without a picture: {self.error}"
        return f"Next-token ladder: what counting one to five tokens, and a network, expect after “…{self.text[-40:]}”"

    def picture(self) -> str:
        """Six panels, each with a model's likeliest next tokens as bars."""
        if self._thinker is None:
            return svg(640, 40, self.label(), text(8, 24, self.label()))
        parts = [text(8, 22, f"“…{self.text[-76:]}”", 14)]
        for model in range(ORDERS + 1):
            x, y = 8 + 212 * (model % 3), 48 + 150 * (model // 3)
            parts.append(text(x, y + 12, title(model), 13))
            hidden = self.asks and self.guess < 0 and model > 1
            for row, (name, share) in enumerate([] if hidden else self.likeliest(model)):
                top = y + 22 + 22 * row
                parts += [
                    f'<rect x="{x}" y="{top}" width="{max(1.0, 196 * share):.1f}" height="18" rx="3" fill="#d2447a" opacity="0.3"/>',
                    text(x + 6, top + 13, name, 12), text(x + 192, top + 13, f"{share:.1%}", 12, "end"),
                ]
            if hidden:
                parts.append(text(x + 6, y + 36, "Guess first.", 12))
        return svg(640, 350, escape(self.label(), quote=False), *parts)


def title(model: int) -> str:
    return "the network" if model == ORDERS else f"n = {model + 1}"


def read_tales(tokenizer: Any) -> list[list[int]]:
    """The tales that are counted: ids between the token that begins and the token that ends a tale."""
    return _rows(tokenizer.backend_tokenizer.to_str())


@lru_cache(maxsize=1)
def _rows(tokenizer: str) -> list[list[int]]:
    from tokenizers import Tokenizer

    encode = Tokenizer.from_str(tokenizer).encode
    return [[BEGIN, *encode(tale.text).ids, END] for tale in islice(tales("train", seed=0), TALES)]


@cache
def count_tales(order: int) -> NGram:
    """The model that counts `order` tokens, fitted to the tales of the page; a picture that asks first needs two of the five."""
    loaded = models.load(tinylm.NAME)
    return NGram(order, loaded.model.config.vocab_size, DISCOUNT).fit(read_tales(loaded.tokenizer))


def pack(ids: Sequence[int]) -> bytes:
    """Ids below 4,096, two in three bytes; an id 0 fills up an odd number of them.

    >>> list(pack([1, 2, 4095]))
    [1, 32, 0, 255, 15, 0]
    """
    padded = [*ids, *[0] * (len(ids) % 2)]
    packed = bytearray()
    for a, b in zip(padded[::2], padded[1::2], strict=True):
        if not (0 <= a < 4096 and 0 <= b < 4096):
            raise ValueError(f"Ids from 0 to 4095 can be packed; got {a} and {b}.")
        packed += bytes((a & 255, a >> 8 | (b & 15) << 4, b >> 4))
    return bytes(packed)


def small_tokenizer(name: str) -> dict[str, Any]:
    """What js/bpe.js must know, with each merge as two ids."""
    known = tinylm.read_tokenizer(tinylm._json(models.BUNDLED / name / "tokenizer.json"))
    number = {piece: place for place, piece in enumerate(known["vocab"])}
    return {**known, "merges": [number[piece] for merge in known["merges"] for piece in merge]}
