"""tales-gpt and tales-gpt-mini: decoders of the Llama family that tell tales. The recipe of lesson 11."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from accelerate import PartialState

from llmkit.device import seed_everything
from llmkit.objectives import next_token_loss
from llmkit.recipes.floor import BOS, EOS, PAD, against_the_floor
from llmkit.recipes.induction_rope import start_with_induction
from llmkit.recipes.shelf import publish
from llmkit.recipes.tokenizers import english
from llmkit.tales import tales
from llmkit.tokenization import BPE
from llmkit.training import Rows, Settings, train
from llmkit.transformer import Config, Transformer
from llmkit.weights import to_transformers

ROWS, TESTED = 16, 1000  # tales in a batch, and at the end
SHORT, PIECE = 300, 36  # steps on pieces of so many tokens
SHAPES = {
    "tales-gpt-mini": Config(vocab_size=1536, width=128, num_layers=4, num_heads=4, num_kv_heads=2, hidden_width=240, tied=False),
    "tales-gpt": Config(vocab_size=1536, width=224, num_layers=4, num_heads=8, num_kv_heads=4, hidden_width=608, tied=False),
}
PLANS = {
    "tales-gpt-mini": Settings(steps=2200, matrix_lr=0.006, warmup=60, flat=0.62, eval_every=250, save_every=50),
    "tales-gpt": Settings(steps=2450, matrix_lr=0.006, warmup=60, flat=0.66, eval_every=250, save_every=50),
}


def rows(tokenizer: BPE, split: str = "train") -> Callable[[int], Iterator[list[int]]]:
    """One tale a row, between the token that begins and the token that ends a text."""

    def draw(seed: int) -> Iterator[list[int]]:
        for tale in tales(split, seed):
            yield [BOS, *tokenizer.encode(tale.text), EOS]

    return draw


def short_rows_first(tokenizer: BPE) -> Callable[[int], dict[str, torch.Tensor]]:
    """The batch of every step: pieces of tales to begin with, then whole tales.

    What a head looks at weakly is diluted by all it could look at, so copying is discovered sooner in short texts
    (BERT, too, began with 128 tokens of 512). A step on pieces also costs half as much.
    """

    def pieces(seed: int) -> Iterator[list[int]]:
        for row in rows(tokenizer)(seed):
            for start in range(0, len(row) - 8, PIECE):
                yield row[start : start + PIECE + 1]

    short = Rows(pieces, batch_size=2 * ROWS, pad_id=PAD, seed=2)
    whole = Rows(rows(tokenizer), batch_size=ROWS, pad_id=PAD, seed=3)
    return lambda step: short(step) if step < SHORT else whole(step - SHORT)


def build(name: str, work: Path, out: Path, say=print) -> None:
    """Train, measure on tales never seen, and write the model with its card."""
    seed_everything(0)
    tokenizer, shape, plan = english(work), SHAPES[name], PLANS[name]
    model = start_with_induction(Transformer(shape))
    settings = replace(plan, folder=work / name)
    validation = list(islice(tales("validation", seed=7), 100))

    def told(history) -> None:
        if history.step % 50 == 0:
            recent = sum(history.loss[-50:]) / 50
            best = history.evaluations[-1] if history.evaluations else {}
            above = f", {100 * best['above_floor']:.1f}% above the floor at step {best['step']}" if best else ""
            say(f"{name}: step {history.step} of {plan.steps}, {recent:.4f} nats a token{above}, {history.seconds:.0f} s")

    history = train(
        model, short_rows_first(tokenizer), next_token_loss, settings,
        evaluate=lambda model: against_the_floor(model, tokenizer, validation), on_step=told,
    )  # fmt: skip
    if not PartialState().is_main_process:  # under `accelerate launch` one process is enough for what follows
        return
    test = list(islice(tales("test", seed=8), TESTED))
    with torch.no_grad():
        measured = against_the_floor(model, tokenizer, test)
    measured = {"steps": history.step, "tales": ROWS * max(0, history.step - SHORT), "seconds": history.seconds, **measured}
    whole = to_transformers(model, bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD)
    publish(whole, tokenizer, out, measured, card(name, model, measured))
    say(f"{name}: {measured}")


def card(name: str, model: Transformer, measured: dict) -> str:
    """The model card, in Markdown: data, shape, steps, the loss beside the floor, limits."""
    c = model.config
    return f"""# {name}

A decoder of the Llama family that tells tales, the little language of this book (`llmkit.tales`). Made by
`python -m llmkit.recipes {name}`; load it with `llmkit.models.load("{name}")` or with `transformers`.

| | |
|---|---|
| parameters | {model.num_parameters():,} |
| shape | {c.num_layers} layers, width {c.width}, {c.num_heads} heads ({c.kv_heads} for keys and values), inner width {c.inner_width}, context {c.context} |
| tokenizer | byte-level BPE learned from tales, {c.vocab_size:,} tokens |
| trained on | pieces of {PIECE} tokens for {SHORT:,} steps of {2 * ROWS}, then {measured["tales"]:,} whole tales in steps of {ROWS}, all of the split `train`, each seen once |
| loss on tales never seen | {measured["loss"]:.4f} nats a token, {measured["tale"]:.2f} nats a tale |
| the perfect model on the same tales | {measured["floor"]:.2f} nats a tale |
| above the floor | {100 * measured["above_floor"]:.1f}% |
| words recalled from 30 tokens back or more | {100 * measured["recall"]:.1f}% |

Limits: it knows nothing but tales, and has never seen the pairs of thing and plot held out in the split
`compositional`. A text longer than {c.context} tokens does not fit. Weights are stored in float16. License: MIT.
"""
