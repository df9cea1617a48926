"""How far from perfect: bundled decoders and n-grams on the same tales, in nats, and what each recalls from far back."""

from itertools import islice

import torch

from llmkit import models
from llmkit.ngrams import NGram
from llmkit.recipes.floor import against_the_floor, recall_spans
from llmkit.recipes.gpt import BOS, EOS
from llmkit.tales import tales
from llmkit.tokenization import BPE
from llmkit.weights import from_transformers

COUNTED, HELD_OUT = 20_000, 500
BARS = {"tales-gpt": 8, "tales-gpt-mini": 15}  # % above the floor


def run(say) -> dict[str, dict[str, float]]:
    """A line for each model: nats a token and a tale, % above the floor, share of long-range places recalled."""
    held = list(islice(tales("test", seed=21), HELD_OUT))
    tokenizer = BPE.from_file(models.path("tales-gpt-mini"))
    figures = {}
    for order in (3, 5):
        model = NGram(order, len(tokenizer.vocab)).fit(_rows(tokenizer, islice(tales("train", seed=22), COUNTED)))
        figures[f"{order}-gram"] = _of_ngram(model, tokenizer, held)
    for name in BARS:
        if name in models.bundled():
            with torch.inference_mode():
                figures[name] = against_the_floor(from_transformers(models.load(name).model), tokenizer, held)
    for name, found in figures.items():
        bar = f" (bar {BARS[name]}%)" if name in BARS else ""
        say(f"{name:15} {found['loss']:.4f} nats a token, {found['tale']:.2f} a tale, floor {found['floor']:.2f}: "
            f"{100 * found['above_floor']:.1f}% above it{bar}; recalls {100 * found['recall']:.1f}%")  # fmt: skip
    return figures


def _rows(tokenizer, several):
    return ([BOS, *tokenizer.encode(tale.text), EOS] for tale in several)


def _of_ngram(model: NGram, tokenizer, held) -> dict[str, float]:
    """What `against_the_floor` says of a decoder, said of an n-gram model."""
    nats = count = hits = places = 0
    for tale, row in zip(held, _rows(tokenizer, held), strict=True):
        surprisals = model.surprisals(row)
        nats, count = nats + sum(surprisals), count + len(surprisals)
        for first, last in recall_spans(tokenizer, tale):
            places += 1
            hits += all(model.best(row[:place]) == row[place] for place in range(first, last))
    floor = -sum(tale.log_probability for tale in held)
    return {"loss": nats / count, "tale": nats / len(held), "floor": floor / len(held), "above_floor": nats / floor - 1, "recall": hits / places}
