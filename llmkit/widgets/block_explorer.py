"""The block explorer: a stack of fresh blocks over the reader's words, each part with a switch, and what becomes of the stream."""

import math
import re
from functools import lru_cache
from typing import Any

import torch
import traitlets
from torch import Tensor

from llmkit.residual import PARTS, BlockWeights, Passage, gradients, run_blocks, sizes
from llmkit.widgets.base import LiveWidget, between
from llmkit.widgets.draws import normal, uniform
from llmkit.widgets.pictures import svg, text

WIDTH, HEADS, INNER, DEEPEST, MOST = 32, 4, 128, 16, 8  # MOST: words that are read; as in block.js, like the seeds below
SEED, READOUT_SEED = 7, 77
BLANK = "\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
ALONE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # signs of Chinese and Japanese: each is a word
WORD = re.compile(f"[{ALONE}]|[^{BLANK}{ALONE}]+")
NORMS = {"layer": "LayerNorm", "rms": "RMSNorm"}
PLACES = {"pre": "a norm before each part", "post": "a norm after each addition"}


class BlockExplorer(LiveWidget):
    """Up to 16 fresh blocks, `depth` of them, over the first eight words of `text`; `block` says which one is shown.

    `place` is "pre" or "post", `norm` "layer" or "rms". `off` names the parts that are switched off in every block, among
    norm1, attention, add1, norm2, feed_forward, add2. Each word stands for a random row of 32 numbers, the same row for
    the same word; the weights are as before training. With `question` the reader guesses first.

    >>> explorer = BlockExplorer(text="the cat sat")
    >>> explorer.words, len(explorer.stream_norms)
    (('the', 'cat', 'sat'), 13)

    Used in lesson 07.
    """

    name = "block_explorer"
    height, height_on_a_phone = 644, 1208

    text = traitlets.Unicode("the cat sat on the mat").tag(sync=True)
    depth = traitlets.Int(12).tag(sync=True)
    block = traitlets.Int(12).tag(sync=True)
    place = traitlets.Unicode("pre").tag(sync=True)
    norm = traitlets.Unicode("layer").tag(sync=True)
    off = traitlets.List(traitlets.Unicode()).tag(sync=True)
    question = traitlets.Bool(True).tag(sync=True)
    guess = traitlets.Int(-1, min=-1, max=2).tag(sync=True)

    def __init__(self, **given: Any):
        if "depth" in given and "block" not in given:
            given = {"block": given["depth"], **given}
        super().__init__(**given)

    @property
    def words(self) -> tuple[str, ...]:
        """What is read."""
        return tuple(cut(self.text)[:MOST])

    @property
    def passage(self) -> Passage:
        """What the blocks do to the words, in float64."""
        x = torch.stack([embedding(word) for word in self.words])  # (T, C)
        return run_blocks(x, fresh_blocks()[: self.depth], HEADS, self.place, self.norm, set(PARTS) - set(self.off))

    @property
    def stream_norms(self) -> list[float]:
        """The mean length of a word's row before the first block and after each."""
        return sizes(self.passage.states)

    @property
    def gradient_norms(self) -> list[float]:
        """The mean length of the gradient's row at the same depths, when each word is read out in a direction of its own."""
        directions = normal(READOUT_SEED, MOST * WIDTH).view(MOST, WIDTH)[: len(self.words)]
        return sizes(gradients(self.passage, directions / directions.norm(dim=-1, keepdim=True)))

    @traitlets.validate("text")
    def _text(self, proposal: Any) -> str:
        if not cut(proposal.value):
            raise traitlets.TraitError("text must hold at least one word; got nothing but blanks.")
        return proposal.value

    @traitlets.validate("depth")
    def _depth(self, proposal: Any) -> int:
        return between(proposal, 1, DEEPEST)

    @traitlets.validate("block")
    def _block(self, proposal: Any) -> int:
        return between(proposal, 1, self.depth)

    @traitlets.observe("depth")
    def _fewer_blocks(self, change: Any) -> None:
        self.block = min(self.block, self.depth)

    @traitlets.validate("place", "norm")
    def _choice(self, proposal: Any) -> str:
        known = PLACES if proposal.trait.name == "place" else NORMS
        if proposal.value not in known:
            raise traitlets.TraitError(f"{proposal.trait.name} must be one of {', '.join(map(repr, known))}; got {proposal.value!r}.")
        return proposal.value

    @traitlets.validate("off")
    def _parts(self, proposal: Any) -> list[str]:
        if unknown := [part for part in proposal.value if part not in PARTS]:
            raise traitlets.TraitError(f"off names parts of a block, among {', '.join(PARTS)}; got {unknown[0]!r}.")
        return proposal.value

    def label(self) -> str:
        without = f", without {', '.join(part for part in PARTS if part in self.off)}" if self.off else ""
        return f"Block explorer: {self.depth} fresh blocks over {len(self.words)} words, {NORMS[self.norm]}, {PLACES[self.place]}{without}"

    def picture(self) -> str:
        """The stream and its gradient by depth."""
        stream, gradient = self.stream_norms, self.gradient_norms
        return svg(
            520, 300, self.label(), *_curve("The stream: mean length of a word’s row", stream, 0),
            *_curve("The gradient that reaches it", gradient, 140), text(290, 292, "depth, in blocks", 12, "middle"),
        )  # fmt: skip


def cut(text: str) -> list[str]:
    """The words of a text, as block.js cuts it: at blanks, and around each sign of Chinese and Japanese.

    >>> cut("the cat 猫坐 sat")
    ['the', 'cat', '猫', '坐', 'sat']
    """
    return WORD.findall(text)


@lru_cache(maxsize=256)
def embedding(word: str) -> Tensor:
    """The row of 32 numbers that a word stands for: standard normal, drawn from a hash of its bytes (FNV-1a)."""
    seed = 2166136261
    for byte in word.encode("utf-8", "surrogatepass"):
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    return normal(seed, WIDTH)


@lru_cache(maxsize=1)
def fresh_blocks() -> list[BlockWeights]:
    """The weights of all sixteen blocks, in the order in which block.js draws them: even, with variance 1 / (numbers read)."""
    shapes = [(WIDTH, WIDTH)] * 4 + [(WIDTH, INNER), (INNER, WIDTH)]
    counts = [rows * columns for rows, columns in shapes]
    drawn = 2 * uniform(SEED, 0, DEEPEST * sum(counts)).view(DEEPEST, -1) - 1
    return [
        BlockWeights(*(math.sqrt(3 / shape[0]) * part.view(shape) for part, shape in zip(row.split(counts), shapes, strict=True)))
        for row in drawn
    ]


def _curve(title: str, values: list[float], top: float) -> list[str]:
    """One curve over the depth, on a logarithmic scale of whole powers of ten."""
    powers = [math.log10(max(value, 1e-12)) for value in values]
    low, high = math.floor(min(powers)), max(math.ceil(max(powers)), math.floor(min(powers)) + 1)
    points = " ".join(
        f"{80 + 420 * at / (len(values) - 1):.1f},{top + 124 - 88 * (power - low) / (high - low):.1f}" for at, power in enumerate(powers)
    )
    return [
        text(80, top + 22, title, 13), text(72, top + 128, f"{10.0**low:g}", 11, "end"), text(72, top + 40, f"{10.0**high:g}", 11, "end"),
        f'<polyline points="{points}" fill="none" stroke="#d2447a" stroke-width="2"/>',
    ]  # fmt: skip
