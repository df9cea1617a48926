"""How far a decoder is from perfect: its loss on tales beside the exact one, and what it recalls from far back."""

from collections.abc import Sequence

import torch

from llmkit.objectives import causal_loss
from llmkit.tales import Tale
from llmkit.training import pad

PAD, BOS, EOS = 0, 1, 2


@torch.no_grad()
def against_the_floor(model, tokenizer, tales: Sequence[Tale], batch_size: int = 25) -> dict[str, float]:
    """The loss on `tales` beside the exact surprise of the same tales, both in nats.

    {"loss": nats per token, "tale": nats per tale, "floor": nats per tale of the perfect model on these very tales,
    "above_floor": their ratio less one, "recall": share of the marked long-range places where the model's first
    choice is right}. The same tales for both, so that chance in drawing them cancels out.
    """
    nats = count = hits = places = 0.0
    order = sorted(tales, key=lambda tale: len(tale.text))
    device = next(model.parameters()).device
    for start in range(0, len(order), batch_size):
        chunk = order[start : start + batch_size]
        rows = [[BOS, *tokenizer.encode(tale.text), EOS] for tale in chunk]
        tokens, keep = (part.to(device) for part in pad(rows, PAD))
        logits = model(tokens)  # (B, T, V)
        total, number = causal_loss(logits, tokens, keep)
        nats, count = nats + float(total), count + int(number)
        best = logits.argmax(-1)  # (B, T)
        for row, (ids, tale) in enumerate(zip(rows, chunk, strict=True)):
            for first, last in recall_spans(tokenizer, tale):
                places += 1
                hits += best[row, first - 1 : last - 1].tolist() == ids[first:last]
    floor = -sum(tale.log_probability for tale in order)
    return {
        "loss": nats / count, "tale": nats / len(order), "floor": floor / len(order),
        "above_floor": nats / floor - 1, "recall": hits / max(1, places),
    }  # fmt: skip


def recall_spans(tokenizer, tale: Tale) -> list[tuple[int, int]]:
    """The tokens (first, after the last), counted with the token that begins the text, of the words to be recalled."""
    spans = []
    for recall in tale.recalls:
        start = recall.start - (tale.text[recall.start - 1] == " " if recall.start else 0)
        first = 1 + len(tokenizer.encode(tale.text[:start]))
        spans.append((first, first + len(tokenizer.encode(tale.text[start : recall.end]))))
    return spans
