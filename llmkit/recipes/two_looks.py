"""Lesson 06's experiment: one layer of attention that must name two letters at once, with one head or with several.

The task, at each token: name the letter one before and the letter four before. Nothing but looking back helps, and the
width, and with it the number of weights, is the same for any number of heads.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from llmkit.attention import causal_mask
from llmkit.device import seed_everything
from llmkit.multi_head import Projections, multi_head
from llmkit.shapes import Float, Int, Tensor

LETTERS, TOKENS, WIDTH = 16, 12, 64
BACK = (1, 4)  # how far back the two letters stand


class Looker(nn.Module):
    """Letters and positions in, one layer of attention, and the logits of two letters out."""

    def __init__(self, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.letters = nn.Parameter(torch.randn(LETTERS, WIDTH) / 2)
        self.places = nn.Parameter(torch.randn(TOKENS, WIDTH) / 2)
        self.matrices = nn.Parameter(torch.randn(4, WIDTH, WIDTH) / WIDTH**0.5 / 2)
        self.answer = nn.Linear(WIDTH, 2 * LETTERS)

    def forward(self, letters: Int[Tensor, "B T"]) -> Float[Tensor, "B T 2 V"]:
        hidden = self.letters[letters] + self.places  # (B, T, C)
        mixed, _ = multi_head(hidden, Projections(*self.matrices), self.num_heads, causal_mask(TOKENS))
        return self.answer(mixed).unflatten(-1, (2, LETTERS))


def batch(seed: int, back: tuple[int, int] = BACK, rows: int = 32) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T 2"]]:
    """Letters drawn at random, and at each token the two that stand so far before it."""
    letters = torch.randint(LETTERS, (rows, TOKENS), generator=torch.Generator().manual_seed(seed))
    return letters, torch.stack([letters.roll(distance, 1) for distance in back], -1)


def learn(num_heads: int, seed: int = 0, back: tuple[int, int] = BACK, steps: int = 150) -> Looker:
    """Train from nothing. Only tokens that have both letters before them are asked."""
    seed_everything(seed)
    model = Looker(num_heads)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0, fused=True)
    slower = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, steps)
    for step in range(steps):
        letters, answers = batch(1000 * seed + step, back)
        logits = model(letters)[:, max(back) :]
        loss = cross_entropy(logits.flatten(0, 2), answers[:, max(back) :].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        slower.step()
    return model


@torch.no_grad()
def ask(model: nn.Module, back: tuple[int, int] = BACK) -> tuple[float, float]:
    """How often the first and the second letter are named rightly, on 500 texts that no training saw."""
    letters, answers = batch(10**9, back, rows=500)
    right = (model(letters).argmax(-1) == answers)[:, max(back) :].float()
    first, second = right.mean((0, 1)).tolist()
    return first, second
