"""Near copies without comparing every pair: MinHash signatures, and bands that bring likely pairs together.

The similarity of two texts is Jaccard's: of all their shingles, the share that both have. The smallest of the hashes
of a text's shingles is the same for two texts with exactly that probability, so 128 such minima estimate it. Cut into
bands, they find candidates: texts that agree on a whole band. Broder 1997; Leskovec et al., Mining of Massive Datasets, ch. 3.
"""

import zlib
from collections import defaultdict

import torch
from torch import Tensor

PRIME = 2**31 - 1  # hashes live below it, so a product of two fits into 63 bits


def shingles(text: str, size: int = 5) -> set[str]:
    """All runs of `size` characters, with case and white space evened out. Characters serve every script.

    >>> sorted(shingles("Kite  kit", 5))
    ['e kit', 'ite k', 'kite ', 'te ki']
    """
    even = " ".join(text.casefold().split())
    return {even[at : at + size] for at in range(max(1, len(even) - size + 1))}


def jaccard(first: set[str], second: set[str]) -> float:
    """The share of all shingles that both texts have; 1 for equal sets.

    >>> jaccard({"a", "b"}, {"b", "c"})
    0.3333333333333333
    """
    return len(first & second) / len(first | second) if first or second else 1.0


class MinHash:
    """`num_hashes` random hash functions `(a x + b) mod p`, drawn once from `seed`."""

    def __init__(self, num_hashes: int = 128, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.slope = torch.randint(1, PRIME, (num_hashes, 1), generator=generator)
        self.shift = torch.randint(0, PRIME, (num_hashes, 1), generator=generator)

    def signature(self, pieces: set[str]) -> Tensor:
        """The smallest hash of the shingles, under each of the functions: (num_hashes,) integers."""
        numbers = torch.tensor([zlib.crc32(piece.encode("utf-8", "surrogatepass")) % PRIME for piece in sorted(pieces)])
        smallest = torch.full_like(self.slope[:, 0], PRIME)
        for part in numbers.split(4_096):  # a long text takes no more memory than a short one
            smallest = torch.minimum(smallest, ((self.slope * part + self.shift) % PRIME).amin(1))
        return smallest


def similarity(first: Tensor, second: Tensor) -> float:
    """The estimate of Jaccard's similarity from two signatures; its standard error is at most 0.5 / sqrt(num_hashes)."""
    return (first == second).double().mean().item()


def candidate_probability(similarity: float, bands: int, rows: int) -> float:
    """How likely two texts agree on at least one band of `rows` hashes: an S-shaped curve.

    >>> round(candidate_probability(0.8, bands=32, rows=4), 3), round(candidate_probability(0.2, bands=32, rows=4), 3)
    (1.0, 0.05)
    """
    return 1 - (1 - similarity**rows) ** bands


class NearCopies:
    """Remembers the texts it has seen, a signature each, and finds an earlier one that a new text nearly copies.

    >>> copies = NearCopies()
    >>> copies.find("The kite flew higher than the barn, and Nora laughed.")
    >>> copies.find("The kite flew higher than the barn, and Nora smiled.")
    0
    """

    def __init__(self, threshold: float = 0.7, bands: int = 32, rows: int = 4, seed: int = 0) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold is a share of common shingles, above 0 and at most 1; got {threshold}.")
        self.threshold, self.rows = threshold, rows
        self.hashes = MinHash(bands * rows, seed)
        self.signatures: list[Tensor] = []
        self.numbers: list[int] = []  # of the text that each signature belongs to
        self.buckets: defaultdict[bytes, list[int]] = defaultdict(list)
        self.seen = 0

    def find(self, text: str) -> int | None:
        """The number of the most similar earlier text (0 for the first one asked), or None; then `text` is remembered."""
        signature = self.hashes.signature(shingles(text)).int()
        bands = [bytes([band]) + rows.numpy().tobytes() for band, rows in enumerate(signature.split(self.rows))]
        likely = {index for band in bands for index in self.buckets.get(band, ())}
        best = max(likely, key=lambda index: (similarity(signature, self.signatures[index]), -index), default=None)
        number, self.seen = self.seen, self.seen + 1
        if best is not None and similarity(signature, self.signatures[best]) >= self.threshold:
            return self.numbers[best]  # a copy need not be remembered: the first one stands for it
        for band in bands:
            self.buckets[band].append(len(self.signatures))
        self.signatures.append(signature)
        self.numbers.append(number)
        return None
