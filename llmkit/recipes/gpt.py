"""tales-gpt and tales-gpt-mini: decoders of the Llama family that tell tales. The recipe of lesson 11."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import torch
from accelerate import PartialState

from llmkit.device import seed_everything
from llmkit.objectives import next_token_loss
from llmkit.recipes.floor import against_the_floor
from llmkit.recipes.shelf import publish
from llmkit.recipes.tokenizers import english
from llmkit.tales import tales
from llmkit.tokenization import BPE
from llmkit.training import Rows, Settings, train
from llmkit.transformer import Config, Transformer
from llmkit.weights import to_transformers

PAD, BOS, EOS = 0, 1, 2
SHAPES = {
    "tales-gpt-mini": Config(vocab_size=1536, width=128, num_layers=4, num_heads=4, num_kv_heads=2, hidden_width=320),
    "tales-gpt": Config(vocab_size=1536, width=224, num_layers=4, num_heads=8, num_kv_heads=4, hidden_width=672),
}
PLANS = {
    "tales-gpt-mini": Settings(steps=3000, warmup=60, flat=0.4, eval_every=250, save_every=100),
    "tales-gpt": Settings(steps=2500, warmup=60, flat=0.4, eval_every=250, save_every=100),
}


def rows(tokenizer: BPE, split: str = "train") -> Callable[[int], Iterator[list[int]]]:
    """One tale a row, between the token that begins and the token that ends a text."""

    def draw(seed: int) -> Iterator[list[int]]:
        for tale in tales(split, seed):
            yield [BOS, *tokenizer.encode(tale.text), EOS]

    return draw


def build(name: str, work: Path, out: Path, say=print) -> None:
    """Train, measure on tales never seen, and write the model with its card."""
    seed_everything(0)
    tokenizer, shape, plan = english(work), SHAPES[name], PLANS[name]
    model = Transformer(shape)
    settings = Settings(**{**vars(plan), "folder": work / name})
    validation = list(islice(tales("validation", seed=7), 100))

    def told(history) -> None:
        if history.step % 50 == 0:
            recent = sum(history.loss[-50:]) / 50
            best = history.evaluations[-1] if history.evaluations else {}
            above = f", {100 * best['above_floor']:.1f}% above the floor at step {best['step']}" if best else ""
            say(f"{name}: step {history.step} of {plan.steps}, {recent:.4f} nats a token{above}, {history.seconds:.0f} s")

    history = train(
        model, Rows(rows(tokenizer), batch_size=16, pad_id=PAD, seed=3), next_token_loss, settings,
        evaluate=lambda model: against_the_floor(model, tokenizer, validation), on_step=told,
    )  # fmt: skip
    if not PartialState().is_main_process:  # under `accelerate launch` one process is enough for what follows
        return
    test = list(islice(tales("test", seed=8), 1000))
    with torch.no_grad():
        measured = against_the_floor(model, tokenizer, test)
    publish(
        to_transformers(model, bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD), tokenizer, out,
        {"steps": history.step, "seconds": history.seconds, "rows": 16 * history.step, **measured},
    )  # fmt: skip
    say(f"{name}: {measured}")
