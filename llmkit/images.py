"""Small pictures to learn from: the digits that ship with scikit-learn, and FashionMNIST where torchvision has it.

Used in lesson 02.
"""

from pathlib import Path
from typing import NamedTuple

import torch

from llmkit.shapes import Float, Int, Tensor

INKS = " .:-=+*#%@"  # from white to black


class Images(NamedTuple):
    """Pictures (N, D) with D = side * side numbers from 0 to 1 each, what each shows (N,), and the names of the classes."""

    pixels: Float[Tensor, "N D"]
    labels: Int[Tensor, " N"]
    names: tuple[str, ...]


def digits() -> Images:
    """1,797 handwritten digits of 8 by 8 pixels by 13 people, in the order in which they were collected.

    They are the test set of Alpaydin and Kaynak (1998), carried by scikit-learn. Neighbors are likely to be by the same hand.

    >>> digits().pixels.shape
    torch.Size([1797, 64])
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    return Images(torch.tensor(found.data, dtype=torch.float32) / 16, torch.tensor(found.target), tuple("0123456789"))


def fashion_mnist(folder: str | Path = "data", train: bool = True) -> Images:
    """FashionMNIST (Xiao et al. 2017), 28 by 28 pixels, from files that torchvision has put into `folder`; nothing is fetched.

    Raises FileNotFoundError with one sentence that says what is missing and how to get it.
    """
    try:
        from torchvision.datasets import FashionMNIST
    except ImportError:
        raise FileNotFoundError("FashionMNIST comes through torchvision, which is not installed here.") from None
    try:
        found = FashionMNIST(str(folder), train=train, download=False)
    except RuntimeError:
        how = f'torchvision.datasets.FashionMNIST("{folder}", download=True) fetches them, about 31 MB'
        raise FileNotFoundError(f"torchvision is here, the files of FashionMNIST are not: {how}.") from None
    return Images(found.data.flatten(1).float() / 255, found.targets.long(), tuple(found.classes))


def as_text(pixels: Float[Tensor, "N D"], gap: str = "   ") -> str:
    """A few square pictures side by side, drawn with characters; two for each pixel, so that they look square.

    >>> print(as_text(torch.tensor([[0.0, 1.0, 1.0, 0.0]])))
      @@
    @@
    """
    side = round(pixels.shape[-1] ** 0.5)
    rows = (pixels * (len(INKS) - 1)).round().long().view(-1, side, side).tolist()
    lines = (gap.join("".join(2 * INKS[ink] for ink in picture[line]) for picture in rows) for line in range(side))
    return "\n".join(line.rstrip() for line in lines)
