"""MiniLM through our encoder and through transformers (SDPA): the same weights, the same batch, taken in turns."""

import statistics
import time

import torch

from llmkit import models
from llmkit.weights import from_transformers

ROWS, TOKENS, TURNS = 8, 128, 24


def run(say) -> dict[str, float]:
    """Median over turns of our time by theirs, and the largest difference of the results."""
    folder = models.path("minilm")
    from transformers import AutoModel

    theirs = AutoModel.from_pretrained(folder, attn_implementation="sdpa").float().eval()
    ours = from_transformers(theirs)
    tokens = torch.randint(1000, 30_000, (ROWS, TOKENS), generator=torch.Generator().manual_seed(0))
    keep = torch.ones_like(tokens)
    sides = {
        "ours": lambda: ours.encode(tokens, keep.bool()),
        "theirs": lambda: theirs(input_ids=tokens, attention_mask=keep).last_hidden_state,
    }
    with torch.inference_mode():
        difference = (sides["ours"]() - sides["theirs"]()).abs().max().item()
        times = {name: [] for name in sides}
        for turn in range(TURNS):
            for name in sorted(sides, reverse=bool(turn % 2)):
                began = time.perf_counter()
                sides[name]()
                times[name].append(time.perf_counter() - began)
    ratio = statistics.median(a / b for a, b in zip(times["ours"], times["theirs"], strict=True))
    medians = {name: 1000 * statistics.median(took) for name, took in times.items()}
    say(f"{ROWS} rows of {TOKENS} tokens: ours {medians['ours']:.0f} ms, transformers {medians['theirs']:.0f} ms; "
        f"ratio {ratio:.2f} (bar 1.0), median of {TURNS} turns; results differ by {difference:.1e} at most")  # fmt: skip
    return {"ratio": ratio, "difference": difference, **medians}
