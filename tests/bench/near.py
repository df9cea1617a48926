"""Two layers learn to go on with a text that repeats itself: RoPE, RoPE that starts leaning on the near, and ALiBi."""

import math
import random

import torch

from llmkit.objectives import next_token_loss
from llmkit.recipes.near import lean_on_the_near
from llmkit.training import Settings, train
from llmkit.transformer import Config, Transformer

VOCAB, ROWS, TOKENS, STEPS = 64, 32, 48, 400
SHORTEST, LONGEST = 6, 16  # of what is repeated


def run(say) -> dict[str, float]:
    """Mean loss of the last 20 of 400 steps, beside two yardsticks: copying any token seen, and copying the right one."""
    new = (SHORTEST + LONGEST) / 2 / TOKENS * math.log(VOCAB)
    some = sum(math.log(p) * (TOKENS - p) for p in range(SHORTEST, LONGEST + 1)) / (LONGEST + 1 - SHORTEST) / TOKENS
    say(f"any token seen costs about {new + some:.2f} nats, the right one about {new:.2f}")
    figures = {}
    for name, positions, start in (("RoPE", "rope", None), ("RoPE, near first", "rope", lean_on_the_near), ("ALiBi", "alibi", None)):
        torch.manual_seed(0)
        model = Transformer(Config(VOCAB, width=64, num_layers=2, num_heads=4, hidden_width=128, positions=positions))
        history = train(start(model) if start else model, _repeats, next_token_loss, Settings(steps=STEPS, warmup=60, schedule="constant"))
        by_hundreds = [sum(history.loss[end - 20 : end]) / 20 for end in range(100, STEPS + 1, 100)]
        say(f"{name:17} loss after 100, 200, 300, 400 steps: {', '.join(f'{loss:.2f}' for loss in by_hundreds)}")
        figures[name] = by_hundreds[-1]
    return figures


def _repeats(step: int) -> dict[str, torch.Tensor]:
    """Rows that repeat their first few random tokens over and over; a new number of them in every row."""
    periods = random.Random(step)
    tokens = torch.randint(0, VOCAB, (ROWS, TOKENS), generator=torch.Generator().manual_seed(step))
    rows = []
    for row in tokens:
        period = periods.randint(SHORTEST, LONGEST)
        rows.append(row[:period].repeat(TOKENS // period + 1)[:TOKENS])
    return {"tokens": torch.stack(rows)}
