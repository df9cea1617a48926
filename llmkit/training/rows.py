"""From a stream of texts to batches: every batch a function of its number alone, so that a run can resume anywhere.

Built in lesson 11. Rows of about the same length travel together, so that little is computed on padding.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch

from llmkit.objectives import pad
from llmkit.shapes import Int, Tensor


class Rows:
    """Batches of padded rows, drawn from a stream: `rows(step)` is the batch of that step, whenever it is asked for.

    `draw(seed)` opens the stream at a place that belongs to `seed` and yields rows of token ids without end.
    `window` batches are drawn together, sorted by length, cut, and shuffled; only these are ever in memory.
    A batch is {"tokens": (B, T), "keep": (B, T)}, of rows cut off at `context`; or what `collate(rows, seed)` makes of
    rows of any other kind, whose length is `length(row)` and whose seed belongs to the batch (for masking, say).

    >>> rows = Rows(lambda seed: ([seed % 7 + 1] * n for n in (3, 1, 3, 1)), batch_size=2, window=2)
    >>> sorted(rows(step)["tokens"].shape[1] for step in (0, 1))
    [1, 3]

    Built in lesson 11.
    """

    def __init__(
        self, draw: Callable[[int], Iterable], batch_size: int = 32,
        pad_id: int = 0, context: int = 256, window: int = 16, seed: int = 0,
        collate: Callable[[list, int], dict[str, Tensor]] | None = None, length: Callable[[Any], int] = len,
    ):  # fmt: skip
        self.draw, self.batch_size, self.pad_id = draw, batch_size, pad_id
        self.context, self.window, self.seed = context, window, seed
        self.collate, self.length = collate or self._padded, length
        self._number, self._batches = -1, []

    def __call__(self, step: int) -> dict[str, Tensor]:
        number, place = divmod(step, self.window)
        if number != self._number:
            self._number, self._batches = number, self._cut(number)
        return self.collate(self._batches[place], random.Random(f"{self.seed} step {step}").getrandbits(48))

    def _padded(self, rows: list[Sequence[int]], seed: int) -> dict[str, Tensor]:
        tokens, keep = pad([row[: self.context] for row in rows], self.pad_id)
        return {"tokens": tokens, "keep": keep}

    def _cut(self, number: int) -> list[list]:
        """The batches of one window. Its seed is drawn from both numbers, so that no two runs share a stream."""
        shuffle = random.Random(f"{self.seed} {number}")
        wanted = self.batch_size * self.window
        rows = list(islice(self.draw(shuffle.getrandbits(48)), wanted))
        if len(rows) < wanted:
            raise ValueError(f"The stream ended after {len(rows)} rows; a window of batches takes {wanted}.")
        rows.sort(key=self.length)
        batches = [rows[start : start + self.batch_size] for start in range(0, wanted, self.batch_size)]
        shuffle.shuffle(batches)
        return batches


def shuffled(items: Sequence) -> Callable[[int], Iterator]:
    """A `draw` for data that fits in memory: the items in a new order for every seed, over and over.

    >>> from itertools import islice
    >>> sorted(islice(shuffled("abc")(1), 3))
    ['a', 'b', 'c']
    """

    def draw(seed: int) -> Iterator:
        order = random.Random(seed)
        while True:
            yield from order.sample(items, len(items))

    return draw


class Windows:
    """Batches cut at random places from one long text: for a corpus without rows, such as a book.

    `ids` (N,) is the whole text; every row is `context + 1` tokens of it, so that each of `context` has a next one.

    >>> Windows(torch.arange(100), batch_size=2, context=8)(0)["tokens"].shape
    torch.Size([2, 9])
    """

    def __init__(self, ids: Int[Tensor, " N"], batch_size: int = 32, context: int = 64, seed: int = 0):
        if len(ids) <= context:
            raise ValueError(f"A window of {context + 1} tokens does not fit into a text of {len(ids)}.")
        self.ids, self.batch_size, self.context, self.seed = ids, batch_size, context, seed

    def __call__(self, step: int) -> dict[str, Tensor]:
        places = random.Random(f"{self.seed} {step}")
        starts = [places.randrange(len(self.ids) - self.context) for _ in range(self.batch_size)]
        return {"tokens": torch.stack([self.ids[start : start + self.context + 1] for start in starts]).long()}
