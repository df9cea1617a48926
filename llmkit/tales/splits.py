"""Which tale belongs to which split: decided by the text alone, so that no tale is ever in two.

A tale whose pair of thing and plot is held out belongs to `compositional`. Every other tale goes by a hash of its text:
8 in 10 to `train`, 1 in 10 each to `validation` and `test`.
"""

import hashlib
from functools import cache

from llmkit.tales.words import THINGS

SPLITS = ("train", "validation", "test", "compositional")
ONE_IN = 10  # of the pairs of thing and plot, one in ten is held out


@cache
def held_out_things(plot: str) -> frozenset[str]:
    """The things that a plot has in `compositional` only. Each is seen in training, in other plots."""
    ranked = sorted((digest(f"{plot} {thing.name}"), thing.name) for thing in THINGS)
    return frozenset(name for _, name in ranked[: len(THINGS) // ONE_IN])


def digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little")


def split_of(text: str, plot: str, thing: str) -> str:
    """The split of a tale, from its text, its plot's name and the name of the thing it is about."""
    if thing in held_out_things(plot):
        return "compositional"
    tenth = digest(text) % 10
    return "train" if tenth < 8 else "validation" if tenth == 8 else "test"
