"""What attention costs before anything has run: operations, bytes held at once, bytes read and written. Lesson 06.

Letters: T tokens, H heads, D width of a head. One text at a time, self-attention, no mask, no gradients.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "float64": torch.float64}
NAMES = {
    "plain": "the book's plain attention", "online": "online, tile by tile", "math": "SDPA math", "flash": "SDPA flash",
    "efficient": "SDPA memory-efficient", "cudnn": "SDPA cuDNN", "flex": "FlexAttention",
}  # fmt: skip
MOST = {"length": 2**20, "heads": 128, "width": 256}
TILE = 128  # keys at a time, in the online version
FLASH_TILES = ((0, 32), (192, 64), (768, 256))  # on a CPU: from so many tokens on, so many queries at a time
FLASH_KEYS = 512  # ... and so many keys


@dataclass(frozen=True)
class Setting:
    """One thing to measure. Raises ValueError where it cannot be one."""

    length: int
    heads: int = 8
    dtype: str = "float32"
    backend: str = "plain"
    device: str = "cpu"
    width: int = 64

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                raise ValueError(f"{name} must be a whole number from 1 to {most:,}; got {value!r}.")
        for name, known in (("dtype", DTYPES), ("backend", NAMES)):
            if getattr(self, name) not in tuple(known):  # where a list may be looked for
                raise ValueError(f"{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}.")

    @property
    def itemsize(self) -> int:
        """Bytes of one number."""
        return DTYPES[self.dtype].itemsize

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Cost:
    """Bytes that grow as `squares * H * T * T + rows * H * T + fixed`.

    >>> Cost(squares=12, rows=0, fixed=0).at(length=1000, heads=2)
    24000000.0
    """

    squares: float
    rows: float
    fixed: float = 0

    def at(self, length: int, heads: int) -> float:
        return float(self.squares * heads * length**2 + self.rows * heads * length + self.fixed)


@dataclass(frozen=True)
class Roofline:
    """What the device was seen to do at its best: bytes per second in a copy, operations per second in a matrix product."""

    bandwidth: float
    peak: float

    def seconds(self, setting: Setting) -> tuple[float, float]:
        """The least time for the bytes, and the least time for the operations; no run can beat the larger.

        Unless its numbers stay in a cache, which is faster than the memory that a copy measures.
        """
        return moved(setting).at(setting.length, setting.heads) / self.bandwidth, flops(setting) / self.peak


def flops(setting: Setting) -> int:
    """Operations of the two matrix products, 2 for each multiply-and-add; the softmax between them is not counted.

    >>> flops(Setting(length=1024, heads=8))
    2147483648
    """
    return 4 * setting.heads * setting.length**2 * setting.width


def held(setting: Setting) -> Cost:
    """Bytes alive at once, at the worst moment: queries, keys, values, and all that the backend adds to them.

    From 128 tokens on; below, another moment may be the worst. Seen to hold within 1 percent on CPUs, within a sixth for
    FlexAttention, whose bytes are the compiler's business. On a GPU the allocator rounds up.
    """
    e, d = setting.itemsize, setting.width
    wide = max(e, 4)  # what the sums are made in
    squares, rows, fixed = 0.0, 4.0 * e * d, 0.0  # queries, keys, values and the output
    if setting.backend == "plain":  # scores, powers and weights at once; per row the largest, the sum, and the sum once more
        squares, rows = 3 * e, 3 * e * d + 3 * e
    elif setting.backend == "online":  # two tiles of scores and five outputs in the making, or three tiles and two
        tile = min(TILE, setting.length)
        rows = 3 * e * d + e * max(2 * tile + 5 * d, 3 * tile + 2 * d) + 8 * e
    elif setting.backend == "math":  # scores, weights, and a true or false for each; half precision is widened first
        squares, rows = 2 * wide + 1, rows + (0 if e >= 4 else 4 * wide * d - e * d)
    elif setting.backend == "flex" and setting.device == "cpu":  # as compiled by torch 2.13: 9 bytes for each pair, and copies
        squares, rows = 9 / setting.heads, rows + wide + (3 * e * d if setting.heads > 1 else 0)
    else:  # fused: a sum for each row
        rows += wide
        if setting.device == "cpu" and setting.backend == "flash":
            fixed = torch.get_num_threads() * _flash_tile(setting, wide)
    return Cost(squares, rows, fixed)


def moved(setting: Setting) -> Cost:
    """Bytes that the backend's steps read and write, every tensor of a step counted once."""
    e, d = setting.itemsize, setting.width
    wide = max(e, 4)
    through = 4.0 * e * d  # queries, keys, values in, output out
    if setting.backend == "plain":  # product 1, scaling 2, largest 1, minus 2, exp 2, sum 1, division 2, product 1
        return Cost(12 * e, through)
    if setting.backend == "online":  # the same for its scores, and the running output five times for each tile
        return Cost(12 * e + 5 * e * d / TILE, through)
    if setting.backend == "math":  # product 1, softmax 2, which rows are empty 1 and a byte twice, product 1
        return Cost(5 * wide + 2, through)
    return Cost(0, through)


def _flash_tile(setting: Setting, wide: int) -> int:
    """What one thread of torch's flash attention on a CPU holds: a tile of scores, three running numbers per query, an output."""
    queries = [number for start, number in FLASH_TILES if setting.length >= start][-1]
    keys = min(FLASH_KEYS, setting.length)
    queries = min(queries, setting.length)
    half = setting.itemsize * queries * keys if setting.itemsize < 4 else 0
    return wide * queries * (keys + 2 + setting.width) + half
