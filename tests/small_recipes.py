"""Recipes in small: the same steps with a shape and a plan that take a blink."""

from dataclasses import replace
from pathlib import Path

import pytest

from llmkit.recipes import bert, qa, tokenizers

SHAPE = replace(bert.SHAPE, vocab_size=1000, width=16, num_layers=2, num_heads=4)


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Make both recipes of encoders small."""
    patch.setattr(tokenizers, "TEXTS", 120)
    for module in (bert, qa):
        patch.setattr(module, "SHAPE", SHAPE)
        patch.setattr(module, "BATCH_SIZE", 2)
        patch.setattr(module, "PLAN", replace(module.PLAN, steps=4, warmup=1, eval_every=0))
        patch.setattr(module, "TESTED", 3)
        patch.setattr(module, "SHORT_STEPS", 2)
    patch.setattr(qa, "WHICH_STEPS", 1)
    patch.setattr(qa, "WHICH_ROWS", 3)


def pieces(folder: Path):
    """The small WordPiece, as the recipes make it."""
    return tokenizers.lower_english(folder, SHAPE.vocab_size)
