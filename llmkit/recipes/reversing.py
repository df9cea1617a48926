"""Lesson 04's experiment: an encoder and a decoder that write a string of letters backwards, with attention and without.

Both are trained alike, on random strings of 1 to 16 letters. `python -m llmkit.recipes.reversing` trains each with several
seeds and writes `reversing.json` beside this file (the shares, with the hardware and the date) and the weights of the first
seed as `reversing.safetensors`, float16, from which the lesson and its widget work; some ten minutes on one core.
"""

import json
import platform
import string
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from llmkit.device import seed_everything
from llmkit.objectives import label_loss
from llmkit.objectives.losses import Sum
from llmkit.recurrence import EncoderDecoder
from llmkit.shapes import Int, Tensor
from llmkit.training import Settings, train

LETTERS = string.ascii_lowercase
KINDS = {"without": False, "with": True}  # attention
TRAINED, LENGTHS = 16, (2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 32)
PLAN = Settings(steps=2500, lr=4e-3, matrix_lr=None, warmup=100, flat=0.3)
ROWS, SEEDS, HALF = 64, 3, 0.5
STORED = Path(__file__).with_suffix(".json")
WEIGHTS = STORED.with_suffix(".safetensors")


def strings(seed: int, rows: int, length: int) -> Int[Tensor, "B T"]:
    """Rows of letters drawn at random: nothing about one letter can be guessed from the others."""
    return torch.randint(len(LETTERS), (rows, length), generator=torch.Generator().manual_seed(seed))


def batches(longest: int = TRAINED, rows: int = ROWS) -> Callable[[int], dict[str, Tensor]]:
    """The batch of a step: strings of one length, drawn from 1 to `longest`, and the same backwards."""

    def batch(step: int) -> dict[str, Tensor]:
        length = 1 + int(torch.randint(longest, (), generator=torch.Generator().manual_seed(step)))
        letters = strings(step, rows, length)
        return {"letters": letters, "answers": letters.flip(1)}

    return batch


def mistakes(model: EncoderDecoder, batch: dict[str, Tensor]) -> Sum:
    """The loss: the surprise of the right letters, each given the right ones before it."""
    return label_loss(model(batch["letters"], batch["answers"]), batch["answers"])


def learn(attends: bool, seed: int = 0, steps: int = PLAN.steps, longest: int = TRAINED, lr: float = PLAN.lr, **shape: int) -> EncoderDecoder:
    """A model trained on strings of up to `longest` letters."""
    seed_everything(seed)
    model = EncoderDecoder(attends=attends, **shape)
    train(model, batches(longest), mistakes, replace(PLAN, steps=steps, lr=lr, seed=seed))
    return model.eval()


def ask(model: EncoderDecoder, lengths: tuple[int, ...] = LENGTHS, rows: int = 200) -> list[tuple[float, float]]:
    """For each length the share of letters that are right, and of strings that are right to the last letter."""
    found = []
    for length in lengths:
        letters = strings(1_000_000 + length, rows, length).to(model.head.weight.device)
        right = model.write(letters).letters == letters.flip(1)
        found.append((right.double().mean().item(), right.all(1).double().mean().item()))
    return found


def reach(whole: list[float], lengths: tuple[int, ...] = LENGTHS) -> int:
    """A model's own length: the longest up to which it gives back at least half of the strings whole; 0 if there is none.

    >>> reach([1.0, 0.9, 0.5, 0.4, 0.6], (2, 4, 6, 8, 10))
    6
    """
    own = 0
    for length, share in zip(lengths, whole, strict=True):
        if share < HALF:
            break
        own = length
    return own


def spell(numbers: Int[Tensor, " T"]) -> str:
    """Letters from their numbers.

    >>> spell(torch.tensor([2, 0, 1]))
    'cab'
    """
    return "".join(LETTERS[number] for number in numbers.tolist())


def numbers(text: str) -> Int[Tensor, "B T"]:
    """A string of the letters a to z as a batch of one.

    >>> numbers("cab")
    tensor([[2, 0, 1]])
    """
    if not text or set(text) - set(LETTERS):
        raise ValueError(f"The models know the letters a to z; got {text!r}.")
    return torch.tensor([[LETTERS.index(letter) for letter in text]])


def trained() -> dict[str, EncoderDecoder]:
    """The two models of the first seed, as they are stored."""
    tensors, models = load_file(WEIGHTS), {}
    for kind, attends in KINDS.items():
        models[kind] = EncoderDecoder(attends=attends).eval()
        models[kind].load_state_dict({name.partition(".")[2]: t.float() for name, t in tensors.items() if name.startswith(f"{kind}.")})
    return models


def stored() -> dict:
    """What `main` measured: {"letters": {kind: [[share at each length] for each seed]}, "strings": ..., "hardware": ...}."""
    return json.loads(STORED.read_text("utf-8"))


def main() -> None:
    letters, whole = {kind: [] for kind in KINDS}, {kind: [] for kind in KINDS}
    where = f"{platform.machine()} CPU, {torch.get_num_threads()} thread, torch {torch.__version__.split('+')[0]}"
    measured = {"hardware": where, "date": f"{datetime.now(UTC):%Y-%m-%d}", "steps": PLAN.steps, "trained": TRAINED, "lengths": LENGTHS, "letters": letters, "strings": whole}
    for seed in range(SEEDS):
        models = {kind: learn(attends, seed) for kind, attends in KINDS.items()}
        if not seed:
            save_file({f"{kind}.{name}": t.half().contiguous() for kind, model in models.items() for name, t in model.state_dict().items()}, WEIGHTS)
        for kind, model in models.items():
            shares = ask(model, rows=400)
            letters[kind].append([round(share, 4) for share, _ in shares])
            whole[kind].append([round(share, 4) for _, share in shares])
            print(f"seed {seed}, {kind:8}", whole[kind][-1], flush=True)
    STORED.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
