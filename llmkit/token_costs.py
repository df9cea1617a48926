"""What a text costs in tokens: per byte, and in one language compared with another. Built in lesson 03."""

from collections.abc import Callable, Sequence

Encode = Callable[[str], Sequence[int]]  # a tokenizer's `encode`


def tokens_per_byte(encode: Encode, texts: Sequence[str]) -> float:
    """Tokens for each byte of UTF-8, over all texts together: 1 when every byte is a token, less when tokens are longer.

    >>> tokens_per_byte(lambda text: text.split(), ["one two", "three"])
    0.25

    Built in lesson 03, equation 3.4.
    """
    size = sum(len(text.encode("utf-8")) for text in texts)
    if not size:
        raise ValueError("There is no byte to count: texts are empty.")
    return sum(len(encode(text)) for text in texts) / size


def premium(encode: Encode, texts: Sequence[str], reference: Sequence[str]) -> float:
    """How many times as many tokens `texts` take as `reference`, which say the same in another language, text by text.

    >>> premium(list, ["abcd"], ["ab"])
    2.0

    Built in lesson 03, equation 3.5. Petrov et al. 2023, arXiv:2305.15425.
    """
    if len(texts) != len(reference):
        raise ValueError(f"Each text needs its translation; got {len(texts)} texts and {len(reference)} translations.")
    paid = sum(len(encode(text)) for text in reference)
    if not paid:
        raise ValueError("The reference has no tokens to compare with.")
    return sum(len(encode(text)) for text in texts) / paid
