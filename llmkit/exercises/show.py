"""How an answer looks: Markdown where a notebook can draw it, plain text everywhere else.

Never HTML beyond `<details>`, which JupyterLab, Colab, GitHub and the published page all fold and unfold.
"""

from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor

SMALL = 16  # a tensor with at most this many numbers is shown whole


class Shown:
    """Something a notebook displays; a subclass says what, in `markdown()` and `plain()`."""

    def markdown(self) -> str:
        raise NotImplementedError

    def plain(self) -> str:
        return self.markdown().replace("**", "").strip()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/markdown": self.markdown(), "text/plain": self.plain()}

    def __repr__(self) -> str:
        return self.plain()


class Note(Shown):
    """A few paragraphs, for example the sentence that answers an unknown name."""

    def __init__(self, *paragraphs: str):
        self.paragraphs = [paragraph for paragraph in paragraphs if paragraph]

    def markdown(self) -> str:
        return "\n\n".join(self.paragraphs)


def code(text: str, language: str = "text") -> str:
    """A fenced block, with a fence longer than any run of backticks inside."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def folded(summary: str, body: str) -> str:
    """Markdown behind a line to click; the blank lines make notebooks read the body as Markdown."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body.strip()}\n\n</details>"


def stars(count: int) -> str:
    """
    >>> stars(2)
    '★★☆'
    """
    return "★" * count + "☆" * (3 - count)


def listing(words: list[str]) -> str:
    """
    >>> listing(["query", "key", "value"])
    'query, key and value'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def numbers(tensor: Tensor) -> str:
    """The entries with at most four decimals, the same on every machine.

    >>> print(numbers(torch.tensor([[1.0, -0.0], [0.5, 1e-12]])))
    [[1.  0. ]
     [0.5 0. ]]
    >>> print(numbers(torch.tensor([[1.0, 0.0]])))
    [[1 0]]
    """
    array = tensor.detach().cpu().numpy()
    if array.dtype != bool:
        array = np.round(array.astype(float), 4) + 0.0  # + 0.0 turns -0. into 0.
        if np.isfinite(array).all() and (array == np.trunc(array)).all():
            array = array.astype(np.int64)
    return np.array2string(array, precision=4, suppress_small=True, threshold=64, max_line_width=100)


def beside(*blocks: str, width: int = 84) -> str:
    """Blocks of text next to each other while they fit, otherwise one below the other.

    >>> print(beside("got\\n1", "expected\\n2"))
    got    expected
    1      2
    """
    lines = [block.split("\n") for block in blocks]
    widths = [max(map(len, block)) for block in lines]
    if sum(widths) + 4 * (len(blocks) - 1) > width:
        return "\n\n".join(blocks)
    rows = zip_longest(*lines, fillvalue="")
    return "\n".join((" " * 4).join(map(str.ljust, row, widths)).rstrip() for row in rows)


def tolerance(number: float) -> str:
    """
    >>> tolerance(1e-6)
    '1e-6'
    """
    return f"{number:g}".replace("e-0", "e-")


def shape(tensor: Tensor) -> str:
    """
    >>> shape(torch.zeros(3, 5))
    '(3, 5)'
    """
    return str(tuple(tensor.shape))


def inputs(tensors: dict[str, Tensor]) -> str:
    """Every input by name: whole when it is small, by its shape otherwise."""
    if all(tensor.numel() <= SMALL for tensor in tensors.values()):
        return beside(*(f"{name}\n{numbers(tensor)}" for name, tensor in tensors.items()))
    return "\n".join(f"{name}: shape {shape(tensor)}" for name, tensor in tensors.items())


def comparison(name: str, got: Tensor, expected: Tensor) -> str:
    """Got beside expected: whole when small, otherwise the row where they differ most."""
    if got.shape != expected.shape:
        return f"{name}\ngot: shape {shape(got)}\nexpected: shape {shape(expected)}"
    if got.numel() > SMALL:
        apart = (got - expected).abs().nan_to_num(nan=torch.inf)
        worst = np.unravel_index(int(apart.argmax()), apart.shape)[:-1]
        name = f"{name}[{', '.join(str(int(i)) for i in worst)}], the row that differs most"
        got, expected = got[worst], expected[worst]
    return f"{name}\n" + beside(f"got\n{numbers(got)}", f"expected\n{numbers(expected)}")
