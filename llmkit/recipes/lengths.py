"""Lesson 09's experiment: small decoders with every kind of position, trained at 32 tokens and asked at up to 256.

The task, at each token: name the letter that stands two before it. `python -m llmkit.recipes.lengths` trains every kind
with several seeds and writes `lengths.json` beside this file, with the hardware and the date; a few minutes on a CPU.
"""

import json
import platform
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import nn

from llmkit.device import seed_everything
from llmkit.objectives import label_loss
from llmkit.objectives.losses import IGNORE, Sum
from llmkit.shapes import Float, Int, Tensor
from llmkit.training import Settings, train
from llmkit.transformer import Config, Transformer

KINDS = {
    "learned": {"positions": "learned"},
    "sinusoidal": {"positions": "sinusoidal"},
    "RoPE": {"positions": "rope"},
    "RoPE, base 4": {"positions": "rope", "rope_base": 4.0},
    "ALiBi": {"positions": "alibi"},
    "T5, to 128": {"positions": "relative", "max_distance": 128},
    "T5, to 32": {"positions": "relative", "max_distance": 32},
    "none": {"positions": "none"},
}
SHAPE = Config(vocab_size=16, width=64, num_layers=1, num_heads=8, hidden_width=32, context=256)  # much to look at, little to think about
LETTERS, BACK, TRAINED, LENGTHS, ASKED = 16, 2, 32, (32, 64, 128, 256), 16
PLAN = Settings(steps=120, lr=0.02, matrix_lr=0.04, warmup=20)
SEEDS = 5
STORED = Path(__file__).with_suffix(".json")


def letters(seed: int, rows: int = 32, length: int = TRAINED) -> Int[Tensor, "B T"]:
    """Rows of letters drawn at random, so that nothing but looking back helps."""
    return torch.randint(LETTERS, (rows, length), generator=torch.Generator().manual_seed(seed))


def batches(length: int = TRAINED) -> Callable[[int], dict[str, Tensor]]:
    """The batch of a step: letters, and at each token the one two before it."""

    def batch(step: int) -> dict[str, Tensor]:
        row = letters(step, length=length)
        answers = row.roll(BACK, 1)
        answers[:, :BACK] = IGNORE  # nothing stands before the first
        return {"letters": row, "answers": answers}

    return batch


def mistakes(model: Transformer, batch: dict[str, Tensor]) -> Sum:
    """The loss: how badly the model answers."""
    return label_loss(model(batch["letters"]), batch["answers"])


def learn(kind: str, seed: int = 0, steps: int = PLAN.steps) -> Transformer:
    """A model with the positions called `kind` in KINDS, trained at 32 tokens."""
    seed_everything(seed)
    model = Transformer(replace(SHAPE, **KINDS[kind]))
    train(model, batches(), mistakes, replace(PLAN, steps=steps, seed=seed))
    return model.eval()


def guesses(model: nn.Module, length: int, rows: int = 100) -> tuple[Int[Tensor, "B A"], Int[Tensor, "B L"], Float[Tensor, ""]]:
    """What the model says at the last 16 tokens of texts of this length, the 256 letters before, and the loss in nats.

    Every length is asked about the same tokens: the texts end alike, and longer ones begin earlier.
    """
    whole = letters(1_000_000, rows, max(LENGTHS)).to(model.embedding.weight.device)
    answers = whole[:, -ASKED - BACK : -BACK]
    with torch.no_grad():
        logits = model(whole[:, -length:])[:, -ASKED:]
    return logits.argmax(-1), whole, label_loss(logits, answers).mean


def ask(model: nn.Module, lengths: tuple[int, ...] = LENGTHS, back: int = BACK) -> list[float]:
    """For each length the share of answers that name the letter `back` before: right where `back` is 2."""
    shares = []
    for length in lengths:
        said, whole, _ = guesses(model, length)
        shares.append((said == whole[:, -ASKED - back : -back]).double().mean().item())
    return shares


def squeezed(model: Transformer, scale: float) -> Transformer:
    """The same weights with every position divided by `scale`: position interpolation."""
    copy = Transformer(replace(model.config, rope_scale=scale))
    copy.load_state_dict(model.state_dict())
    return copy.to(model.embedding.weight.device).eval()


def stored() -> dict:
    """What `main` measured: {"shares": {kind: [[share at each length] for each seed]}, "losses": ..., "hardware": ...}."""
    return json.loads(STORED.read_text("utf-8"))


def main() -> None:
    shares, losses = {}, {}
    for kind in KINDS:
        models = [learn(kind, seed) for seed in range(SEEDS)]
        shares[kind] = [[round(share, 4) for share in ask(model)] for model in models]
        losses[kind] = [[round(guesses(model, length)[2].item(), 4) for length in LENGTHS] for model in models]
        print(f"{kind:12}", shares[kind], flush=True)
    where = f"{platform.machine()} CPU, {torch.get_num_threads()} thread, torch {torch.__version__.split('+')[0]}"
    measured = {"hardware": where, "date": f"{datetime.now(UTC):%Y-%m-%d}", "steps": PLAN.steps, "lengths": LENGTHS, "shares": shares, "losses": losses}
    STORED.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
