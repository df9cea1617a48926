"""How an answer looks: Markdown where a notebook can draw it, plain text everywhere else.

Never HTML beyond `<details>`, which JupyterLab, Colab, GitHub and the published page all fold and unfold.
"""

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
    """The entries with four decimals, the same on every machine.

    >>> print(numbers(torch.tensor([[1.0, -0.0], [0.5, 1e-12]])))
    [[1.  0. ]
     [0.5 0. ]]
    """
    array = tensor.detach().cpu().numpy()
    if array.dtype != bool:
        array = np.round(array.astype(float), 4) + 0.0  # + 0.0 turns -0. into 0.
    return np.array2string(array, precision=4, suppress_small=True, threshold=64, max_line_width=100)


def shape(tensor: Tensor) -> str:
    """
    >>> shape(torch.zeros(3, 5))
    '(3, 5)'
    """
    return str(tuple(tensor.shape))


def inputs(tensors: dict[str, Tensor]) -> str:
    """Every input by name: whole when it is small, by its shape otherwise."""
    if all(tensor.numel() <= SMALL for tensor in tensors.values()):
        return "\n\n".join(f"{name}\n{numbers(tensor)}" for name, tensor in tensors.items())
    return "\n".join(f"{name}: shape {shape(tensor)}" for name, tensor in tensors.items())


def comparison(got: Tensor, expected: Tensor) -> str:
    """Got beside expected: whole when small, otherwise the row where they differ most."""
    if got.shape != expected.shape:
        return f"got: shape {shape(got)}\nexpected: shape {shape(expected)}"
    where = ""
    if got.numel() > SMALL:
        apart = (got - expected).abs().nan_to_num(nan=torch.inf)
        worst = np.unravel_index(int(apart.argmax()), apart.shape)[:-1]
        where = f", row [{', '.join(str(int(i)) for i in worst)}]"
        got, expected = got[worst], expected[worst]
    return f"got{where}\n{numbers(got)}\n\nexpected{where}\n{numbers(expected)}"
