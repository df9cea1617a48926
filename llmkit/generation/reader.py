"""A model that reads on: the prompt at once, then what is said, from its KV cache; a full window slides. Lesson 16."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from llmkit.generation.prompts import padded
from llmkit.generation.stepper import Stepper, can_take_over
from llmkit.shapes import Float, Int, Tensor
from llmkit.transformer import Transformer


class Reader:
    """Reads prompts of any length side by side, then more tokens, and gives the logits after each.

    `rows` are the prompts, or what a decoder starts with when `sources` go to an encoder. `room` is how many tokens
    will come. A single text, or several of one length, may outgrow the context: then the oldest tokens fall out of the
    window, with a warning.
    """

    def __init__(self, model: Transformer, rows: list[list[int]], sources: list[list[int]] | None = None, room: int = 1):
        self.model, self.room = model, room
        self.device = model.embedding.weight.device
        self.rows = [list(row) for row in rows]  # all that was read, the cache holds the end of it
        self.context = min(model.config.context, max(map(len, rows)) + room)
        self.cache = model.new_cache(len(rows), self.context)
        self.memory, self.memory_keep = self._read_sources(sources) if sources else (None, None)
        self.stepper: Stepper | None = None
        self.has_slid = False

    @torch.inference_mode()
    def start(self) -> Float[Tensor, "B V"]:
        """The logits after the prompts."""
        too_long = max(map(len, self.rows)) > self.context
        tokens, keep = padded(self._slide(1) if too_long else self.rows, self.device)
        logits = self.model(tokens, keep, cache=self.cache, memory=self.memory, memory_keep=self.memory_keep)
        return logits[:, -1]

    @torch.inference_mode()
    def read(self, new: list[list[int]]) -> Float[Tensor, "B n V"]:
        """The logits after each of the new tokens; every row gets equally many."""
        count = len(new[0])
        for row, tokens in zip(self.rows, new, strict=True):
            row += tokens
        if self.cache.length + count > self.context:
            return self.model(torch.tensor(self._slide(count), device=self.device), cache=self.cache)[:, -count:]
        if count == 1 and self.stepper is not None:
            return self.stepper.step(new[0][0])[None, None]
        logits = self.model(torch.tensor(new, device=self.device), cache=self.cache)
        if count == 1 and can_take_over(self.cache):
            self.stepper = Stepper(self.model, self.cache)
        return logits

    def undo(self, count: int) -> None:
        """Forget the last `count` tokens of every row."""
        if count:
            self.cache.crop(self.cache.length - count)
            self.rows = [row[:-count] for row in self.rows]

    def select(self, rows: Int[Tensor, " K"]) -> None:
        """Go on with these rows, in this order; a row may come twice."""
        self.cache.select(rows)
        self.stepper = None  # it holds the old cache
        self.rows = [list(self.rows[row]) for row in rows.tolist()]

    def _slide(self, new: int) -> list[list[int]]:
        """Empty the cache; the ends of the texts, to be read anew so that up to a quarter of the window is free."""
        kept = max(new, self.context - min(self.room, self.context // 4))
        if not self.has_slid:
            self.has_slid = True
            warnings.warn(
                f"The text is longer than the {self.context} tokens that this model can read: the window slides. "
                f"From here on the model no longer sees the beginning.",
                stacklevel=2,
            )
        self.cache.crop(0)
        return [row[-kept:] for row in self.rows]

    @torch.inference_mode()
    def _read_sources(self, sources: list[list[int]]) -> tuple[Tensor, Tensor | None]:
        """What the encoder makes of the sources, which are cut to what it can read; and which of its tokens are real."""
        longest = self.model.config.context
        if max(map(len, sources)) > longest:
            warnings.warn(
                f"The source is longer than the {longest} tokens that this model can read: it sees the first {longest}.",
                stacklevel=2,
            )
        tokens, keep = padded([source[:longest] for source in sources], self.device, side="right")
        return self.model.encode(tokens, keep), keep


@contextmanager
def reading(model: Transformer) -> Iterator[None]:
    """No dropout while a model reads; afterwards it is in the mode it was in."""
    was_training = model.training
    if was_training:
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()
