"""The alignment: two trained GRUs write a string backwards, one from a single state, one that looks back at every letter."""

import unicodedata
from functools import lru_cache
from typing import Any

import torch
import traitlets

from llmkit.recipes import reversing
from llmkit.recurrence import EncoderDecoder, Written
from llmkit.shapes import Int, Tensor
from llmkit.widgets.base import LiveWidget, between
from llmkit.widgets.pictures import heatmap, svg, text

STRING = "whereisthefirst"
LONGEST = 24  # as in alignment.js


class Alignment(LiveWidget):
    """A string of 1 to 24 signs, read letter by letter, then written backwards by two GRUs that were trained alike.

    `written` letters are shown, `row` is the one looked at (-1: the last written). The models know 26 signs, the letters a
    to z; any other sign borrows a letter that the string does not use. With `question` the reader guesses first. All is
    computed in the page, in every home; `result` is the same by PyTorch.

    >>> shown = Alignment("cat")
    >>> reversing.spell(shown.result("with").letters[0])
    'tac'

    Used in lesson 04.
    """

    name = "alignment"
    height, height_on_a_phone = 658, 1258

    text = traitlets.Unicode(STRING).tag(sync=True)
    written = traitlets.Int(len(STRING)).tag(sync=True)
    row = traitlets.Int(-1).tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)
    weights = traitlets.Bytes(read_only=True).tag(sync=True)  # float16, of both models, in the order of `shapes`
    shapes = traitlets.List(read_only=True).tag(sync=True)  # [[name, *shape], ...]

    def __init__(self, text: str = STRING, **traits: Any) -> None:
        super().__init__(text=text, **({"question": text == STRING, "written": min(len(signs(text)), LONGEST)} | traits))
        tensors = [(f"{kind}.{name}", tensor) for kind, model in models().items() for name, tensor in model.state_dict().items()]
        self.set_trait("weights", b"".join(tensor.half().contiguous().numpy().tobytes() for _, tensor in tensors))
        self.set_trait("shapes", [[name, *tensor.shape] for name, tensor in tensors])

    @property
    def ids(self) -> Int[Tensor, "B S"]:
        """The string as the models read it, a batch of one."""
        return torch.tensor([borrow(signs(self.text))])

    def result(self, kind: str) -> Written:
        """What the model "with" or "without" attention writes, in float64."""
        return models()[kind].write(self.ids)

    @traitlets.validate("text")
    def _fits(self, proposal: Any) -> str:
        count = len(signs(proposal.value))
        if not 1 <= count <= LONGEST:
            raise traitlets.TraitError(f"text must have from 1 to {LONGEST} letters; got {count}.")
        return proposal.value

    @traitlets.validate("written", "row")
    def _in_the_string(self, proposal: Any) -> int:
        return between(proposal, {"written": 0, "row": -1}[proposal.trait.name], LONGEST)

    def label(self) -> str:
        return f"Alignment: two GRUs write “{self.text}” backwards, without attention and with it"

    def picture(self) -> str:
        """The two matrices; empty while the reader is asked to guess."""
        read, waits = signs(self.text), self.question and self.guess < 0
        cell, parts = 300 / len(read), [text(8, 20, "Columns: the letters read. Rows: the letters written.", 13)]
        for left, (kind, model) in zip((34, 396), models().items(), strict=True):
            parts.append(text(left, 46, f"{kind.capitalize()} attention", 14))
            parts += [text(left + cell * (s + 0.5), 68, sign, 12, "middle") for s, sign in enumerate(read)]
            parts.append(f'<rect x="{left}" y="76" width="300" height="300" fill="none" stroke="#9aa0ab"/>')
            if waits:
                parts.append(text(left + 150, 230, "Guess first.", 14, "middle"))
                continue
            found = model.write(self.ids)
            parts.append(heatmap(found.weights[0].tolist(), left, 76, cell, 0))
            names = called(read)
            parts += [text(left - 12, 76 + cell * (t + 0.5) + 4, names[letter], 12, "middle") for t, letter in enumerate(found.letters[0].tolist())]
        return svg(704, 388, self.label(), *parts)


@lru_cache(maxsize=1)
def models() -> dict[str, EncoderDecoder]:
    """The two stored models, in float64."""
    return {kind: model.double() for kind, model in reversing.trained().items()}


def signs(string: str) -> list[str]:
    """What a reader calls one character each: marks, joiners and skin tones stay with what stands before them.

    >>> signs("née"), len(signs("n\\u0301e")), len(signs("👩‍🚀👍🏽"))
    (['n', 'é', 'e'], 2, 2)
    """
    found: list[str] = []
    for sign in string:
        joins = unicodedata.category(sign).startswith("M") or sign == "\u200d" or "\U0001f3fb" <= sign <= "\U0001f3ff"
        if found and (joins or found[-1].endswith("\u200d")):
            found[-1] += sign
        else:
            found.append(sign)
    return found


def borrow(string: list[str]) -> list[int]:
    """A number from 0 to 25 for each sign: a to z have their own, any other sign borrows one that the string does not use.

    >>> borrow(["b", "猫", "a", "猫"])
    [1, 2, 0, 2]
    """
    free = [letter for letter in reversing.LETTERS if letter not in string]
    given: dict[str, str] = {}
    for sign in string:
        if sign not in given and not (len(sign) == 1 and sign in reversing.LETTERS):
            given[sign] = free.pop(0)
    return [reversing.LETTERS.index(given.get(sign, sign)) for sign in string]


def called(string: list[str]) -> list[str]:
    """What each of the 26 numbers is called in this string."""
    names = list(reversing.LETTERS)
    for sign, number in zip(string, borrow(string), strict=True):
        names[number] = sign
    return names
