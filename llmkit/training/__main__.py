"""`python -m llmkit.training`: train a small GPT from the terminal, on the tales or on a text of your own."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch

from llmkit.device import device_name, pick_device
from llmkit.objectives import next_token_loss, pad
from llmkit.tokenization import BPE
from llmkit.training import Bar, Rows, Settings, Windows, train
from llmkit.training.settings import PRECISIONS, SCHEDULES
from llmkit.transformer import Config, Transformer
from llmkit.weights import to_transformers

SPECIAL = ("<pad>", "<s>", "</s>")
PAD, START, END = range(3)
READ, HELD_OUT = 500, 128  # tales to learn the tokenizer from, and to measure on
EXAMPLES = """
examples:
  python -m llmkit.training                                    a small GPT on the tales, a few minutes on a laptop
  python -m llmkit.training --text book.txt --characters       a GPT that reads letters, on a text of yours
  python -m llmkit.training --folder runs/first                saved as it goes; the same command goes on after a stop
  python -m llmkit.training --matrix-lr none --schedule cosine AdamW alone, as most published models were trained
  accelerate launch --multi_gpu --num_processes 2 -m llmkit.training   two processes, on GPUs or on the CPU
"""


class Data(NamedTuple):
    """What a run reads: batches, held-out batches, and the loss of a perfect model on these, if it is known."""

    tokenizer: BPE | None
    vocab_size: int
    batches: Callable[[int], dict]
    held_out: list[dict]
    floor: float | None  # nats per token
    names: list[str] | None  # the characters, where these are the tokens


def main(arguments: list[str] | None = None) -> None:
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        run(options)
    except (ValueError, OSError) as problem:
        parser.exit(1, f"{problem}\n")


def run(options: argparse.Namespace) -> None:
    """Read, build, train, say how it went."""
    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings) if hasattr(options, field.name)})
    data = own_text(options) if options.text else told_tales(options)
    torch.manual_seed(settings.seed)
    model = Transformer(Config(
        vocab_size=data.vocab_size, width=options.width, num_layers=options.layers, num_heads=options.heads,
        num_kv_heads=options.kv_heads, hidden_width=options.hidden_width, context=options.context,
        dropout=options.dropout,
    ))  # fmt: skip
    say(f"{model.num_parameters():,} parameters, {data.vocab_size:,} tokens, on {device_name(pick_device())}")
    bar = Bar()
    history = train(model, data.batches, next_token_loss, settings, lambda m: held_out_loss(m, data), bar, not options.anew)
    bar.close()
    if history.evaluations:
        floor = "" if data.floor is None else f"; a perfect model has {data.floor:.4f}"
        last = history.evaluations[-1]
        say(f"held-out loss after {last['step']} steps: {last['loss']:.4f} nats per token{floor}")
    if history.stopped:
        say(f"stopped after {history.step} of {settings.steps} steps" + ("; the same command goes on" if settings.folder else ""))
    if settings.folder and not history.stopped and first_process():
        say(f"the model is in {keep_model(model, data, Path(settings.folder))}, for llmkit and for transformers")


def told_tales(options: argparse.Namespace) -> Data:
    """Rows `<s> tale </s>`, one tale a row, from a stream without end; the tokenizer is learned from the first few hundred."""
    from llmkit.tales import tales

    tokenizer = BPE.train((tale.text for tale in islice(tales("train", seed=1), READ)), options.vocab_size, SPECIAL)

    def draw(seed: int) -> Iterator[list[int]]:
        for tale in tales("train", seed):
            yield [START, *tokenizer.encode(tale.text), END]

    batches = Rows(draw, options.batch_size, PAD, options.context, seed=options.seed)
    held_out, rows, nats = list(islice(tales("validation", seed=2), HELD_OUT)), [], 0.0
    for tale in held_out:
        rows.append([START, *tokenizer.encode(tale.text), END][: options.context])
        nats -= tale.log_probability
    tokens = sum(len(row) - 1 for row in rows)
    tables = [pad(rows[start : start + 32], PAD) for start in range(0, len(rows), 32)]
    whole = all(len(row) < options.context for row in rows)
    floor = nats / tokens if whole else None
    return Data(tokenizer, len(tokenizer), batches, [{"tokens": t, "keep": k} for t, k in tables], floor, None)


def own_text(options: argparse.Namespace) -> Data:
    """Windows of a text file; the last tenth of it is held out."""
    text = Path(options.text).read_text(encoding="utf-8")
    cut = len(text) * 9 // 10
    tokenizer, names = None, None
    if options.characters:
        names = sorted(set(text))
        number = {letter: index for index, letter in enumerate(names)}
        ids = [torch.tensor([number[letter] for letter in part]) for part in (text[:cut], text[cut:])]
    else:
        tokenizer = BPE.train(text[:cut].splitlines(keepends=True), options.vocab_size, SPECIAL)
        ids = [torch.tensor(tokenizer.encode(part)) for part in (text[:cut], text[cut:])]
    size = options.context + 1
    if len(ids[1]) < size:
        raise ValueError(
            f"{options.text} is too short: its last tenth, which is held out, has {len(ids[1])} tokens, and a window "
            f"takes {size}. Give a longer text or a smaller --context."
        )
    windows = ids[1][: len(ids[1]) // size * size].view(-1, size)[:512]
    batches = Windows(ids[0], options.batch_size, options.context, options.seed)
    size = len(names) if names else len(tokenizer)
    return Data(tokenizer, size, batches, [{"tokens": part} for part in windows.split(32)], None, names)


def held_out_loss(model: Transformer, data: Data) -> float:
    """Nats per token over everything that was held out."""
    device = next(model.parameters()).device
    sums = [next_token_loss(model, {name: t.to(device) for name, t in batch.items()}) for batch in data.held_out]
    return float(sum(s.total for s in sums) / sum(s.count for s in sums))


def keep_model(model: Transformer, data: Data, folder: Path) -> Path:
    """The model and its tokenizer in the format of `transformers`, beside the checkpoint."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    place = folder / "model"
    ids = {} if data.names else {"bos_token_id": START, "eos_token_id": END, "pad_token_id": PAD}
    to_transformers(model.cpu(), **ids).save_pretrained(place)
    if data.tokenizer is not None:
        data.tokenizer.save(place)
    else:
        (place / "characters.txt").write_text("".join(data.names), encoding="utf-8", newline="")
    return place


def first_process() -> bool:
    return os.environ.get("RANK", "0") == "0"


def say(sentence: str) -> None:
    if first_process():
        print(sentence, file=sys.stderr, flush=True)


def make_parser() -> argparse.ArgumentParser:
    """Every option, what it does, and what it is when it is not given."""
    rates = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m llmkit.training", epilog=EXAMPLES,
        description="Train a small GPT, on the book's tales or on a text file. Ctrl-C stops after the present step and keeps what was learned.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip

    def add(group, name, default, help, **more):
        more.setdefault("type", type(default))
        if "choices" not in more:
            more["metavar"] = "N"
        group.add_argument(name, default=default, help=help if default is None else f"{help} ({default})", **more)

    data = parser.add_argument_group("data")
    data.add_argument("--text", metavar="FILE", help="a UTF-8 text file, of which the last tenth is held out (the tales)")
    data.add_argument("--characters", action="store_true", help="with --text: a token is a character, not a piece of a word")
    add(data, "--vocab-size", 1536, "pieces of words in the vocabulary")
    add(data, "--batch-size", 16, "rows a step")
    model = parser.add_argument_group("model")
    add(model, "--layers", 4, "blocks")
    add(model, "--width", 128, "numbers a token is described by")
    add(model, "--heads", 4, "attention heads")
    add(model, "--kv-heads", None, "heads of keys and values, which query heads share (as many as --heads)", type=int)
    add(model, "--hidden-width", None, "width inside the feed-forward layers (8/3 of --width)", type=int)
    add(model, "--context", 256, "tokens the model can look back on")
    add(model, "--dropout", 0.0, "share of numbers set to zero while training")
    steps = parser.add_argument_group("training")
    add(steps, "--steps", rates.steps, "optimizer steps in all")
    add(steps, "--lr", rates.lr, "peak learning rate of AdamW")
    add(steps, "--matrix-lr", rates.matrix_lr, "peak learning rate of Muon, for the matrices; none: AdamW for all", type=rate_or_none)
    add(steps, "--weight-decay", rates.weight_decay, "pull of the weights towards zero")
    add(steps, "--schedule", rates.schedule, "the learning rate over time", choices=SCHEDULES)
    add(steps, "--warmup", rates.warmup, "steps in which it rises")
    add(steps, "--clip", rates.clip, "longest gradient, or none", type=rate_or_none)
    add(steps, "--accumulation", rates.accumulation, "pieces that a batch is computed in, to save memory")
    add(steps, "--precision", rates.precision, "numbers that products are taken in", choices=PRECISIONS)
    add(steps, "--seed", rates.seed, "of all random numbers")
    saving = parser.add_argument_group("watching and keeping")
    add(saving, "--eval-every", 100, "steps between looks at the held-out text")
    add(saving, "--save-every", rates.save_every, "steps between checkpoints")
    saving.add_argument("--folder", help="where checkpoint and model are kept; without it nothing is written")
    saving.add_argument("--anew", action="store_true", help="do not go on from the checkpoint in the folder; replace it")
    return parser


def rate_or_none(text: str) -> float | None:
    return None if text.lower() == "none" else float(text)


if __name__ == "__main__":
    main()
