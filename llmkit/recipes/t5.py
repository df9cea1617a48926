"""tales-t5: an encoder-decoder that translates tales into Chinese and sums them up. The recipe of lesson 19."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from torch import nn

from llmkit.device import seed_everything
from llmkit.objectives import pad, translation_loss
from llmkit.recipes.shelf import publish
from llmkit.recipes.t5_start import beginner, without_scale
from llmkit.recipes.tokenizers import bilingual
from llmkit.recipes.translation import LONGEST, answers, card, measure, several_translations
from llmkit.shapes import Tensor
from llmkit.tales import Tale, tales
from llmkit.tokenization import BPE
from llmkit.training import Rows, Settings, train
from llmkit.transformer import Config, Transformer
from llmkit.weights import to_transformers

PAD, END = 0, 1  # a target begins with <pad>, as T5's do, and ends with </s>
Pair = tuple[list[int], list[int]]  # what the encoder reads, what the decoder writes
SHAPE = Config(
    vocab_size=2560, width=128, num_layers=3, num_heads=4, hidden_width=320, kind="encoder-decoder",
    activation="geglu", positions="relative", tied=False, norm_eps=1e-6,
)  # fmt: skip
PLAN = Settings(steps=3500, warmup=50, flat=0.5, matrix_lr=0.01, eval_every=250, save_every=50)
FIRST_STEPS, FIRST_BATCH, FIRST_RUN = 1500, 32, 2  # lessons begin with runs of one or two sentences, then come whole tales
BATCH, SUMMARIES, WHOLE = 16, 0.15, 0.25  # shares: of rows that ask for a summary; of the others, those with a whole tale


def tasks(tale: Tale, chance: random.Random) -> tuple[str, str]:
    """A question about the tale and its answer: a summary, or the Chinese of the whole tale or of a run of its sentences."""
    if chance.random() < SUMMARIES:
        return f"summarize: {tale.text}", tale.summary
    number = len(tale.sentences)
    return run_of(tale, number if chance.random() < WHOLE else chance.randint(1, number), chance)


def first_tasks(tale: Tale, chance: random.Random) -> tuple[str, str]:
    """The Chinese of one sentence, or of two: with few words to look at, which one matters is soon found out."""
    return run_of(tale, chance.randint(1, FIRST_RUN), chance)


def run_of(tale: Tale, length: int, chance: random.Random) -> tuple[str, str]:
    """The question for the Chinese of `length` sentences that follow each other, and its answer."""
    first = chance.randint(0, len(tale.sentences) - length)
    run = slice(first, first + length)
    return f"translate: {' '.join(tale.sentences[run])}", "".join(tale.chinese[run])


def pair(tokenizer: BPE, question: str, answer: str) -> Pair:
    """The token ids of both sides."""
    return [*tokenizer.encode(question), END], [PAD, *tokenizer.encode(answer), END]


def pairs(
    tokenizer: BPE, task: Callable[[Tale, random.Random], tuple[str, str]] = tasks, split: str = "train"
) -> Callable[[int], Iterator[Pair]]:
    """One question about each tale of a stream."""

    def draw(seed: int) -> Iterator[Pair]:
        chance = random.Random(seed)
        for tale in tales(split, seed):
            yield pair(tokenizer, *task(tale, chance))

    return draw


def lessons(tokenizer: BPE) -> Callable[[int], dict[str, Tensor]]:
    """The batch of every step: first a few sentences at a time, later whole tales too."""
    first = Rows(pairs(tokenizer, first_tasks), FIRST_BATCH, seed=3, collate=collate, length=size)
    later = Rows(pairs(tokenizer), BATCH, seed=4, collate=collate, length=size)
    return lambda step: first(step) if step < FIRST_STEPS else later(step)


def size(row: Pair) -> int:
    """How many tokens a row has on both sides."""
    return len(row[0]) + len(row[1])


def collate(rows: list[Pair], seed: int = 0) -> dict[str, Tensor]:
    """A batch for `translation_loss`: sources and targets, padded, and which of their tokens are real."""
    source, source_keep = pad([source for source, _ in rows], PAD)
    target, target_keep = pad([target for _, target in rows])
    target_keep[:, 0] = True
    return {"source": source, "source_keep": source_keep, "target": target, "target_keep": target_keep}


@torch.no_grad()
def check(model: Transformer, tokenizer: BPE, checked: list[Tale]) -> dict[str, float]:
    """Quickly: the loss on whole tales in nats per token, and the shares translated without a mistake.

    A model that always prefers the right token while it reads the right ones also says them all when it decodes
    greedily, so nothing has to be decoded here.
    """
    whole = [pair(tokenizer, f"translate: {tale.text}", tale.translation) for tale in checked]
    lone = [pair(tokenizer, f"translate: {tale.sentences[2]}", tale.chinese[2]) for tale in checked]
    (loss, right), (_, right_alone) = prefer(model, whole), prefer(model, lone)
    return {"loss": loss, "tale": right, "sentence": right_alone}


def prefer(model: Transformer, rows: list[Pair]) -> tuple[float, float]:
    """The loss on these rows, and the share of rows in which every token was the model's first choice."""
    batch = {name: part.to(model.embedding.weight.device) for name, part in collate(rows).items()}
    labels, keep = batch["target"][:, 1:], batch["target_keep"][:, 1:]
    logits = model(batch["source"], batch["target"][:, :-1], batch["source_keep"], batch["target_keep"][:, :-1])
    right = ((logits.argmax(-1) == labels) | ~keep).all(1)
    return float(nn.functional.cross_entropy(logits[keep], labels[keep])), float(right.float().mean())


def build(name: str, work: Path, out: Path, say=print) -> None:
    """Train, measure on tales never seen, and write the model with its card."""
    seed_everything(0)
    tokenizer, model = bilingual(work), beginner(SHAPE)
    settings = replace(PLAN, folder=work / name)
    validation = list(islice(tales("validation", seed=7), 40))

    def told(history) -> None:
        if history.step % 50 == 0:
            best = history.evaluations[-1] if history.evaluations else {}
            last = f"; step {best['step']}: {best['loss']:.4f}, {best['tale']:.0%} of tales, {best['sentence']:.0%} of lone sentences" if best else ""
            say(f"{name}: step {history.step} of {PLAN.steps}, {sum(history.loss[-50:]) / 50:.4f} nats a token{last}, {history.seconds:.0f} s")

    history = train(
        model, lessons(tokenizer), translation_loss, settings, evaluate=lambda model: check(model, tokenizer, validation), on_step=told,
    )  # fmt: skip
    finish(model.eval(), tokenizer, out, {
        "steps": history.step, "seconds": history.seconds,
        "rows": FIRST_STEPS * FIRST_BATCH + (history.step - FIRST_STEPS) * BATCH,
        "validation_loss": history.evaluations[-1]["loss"],
    })  # fmt: skip
    say(f"{name}: {(out / 'measured.json').read_text('utf-8')}")


def finish(model: Transformer, tokenizer: BPE, out: Path, made: dict[str, float], number: int = 200, longest: int = LONGEST) -> None:
    """Measure the weights as they will be shipped, on `number` tales of each split, and write everything to `out`."""
    model = without_scale(model)
    for weight in model.parameters():
        weight.data = weight.data.half().float()
    measured = {**made, "parameters": model.num_parameters(), "tales": number}
    wrong = {}
    for split in ("test", "compositional"):
        asked = list(islice(tales(split, seed=8), number))
        shares, wrong[split] = measure(lambda questions: answers(model, tokenizer, questions, longest=longest), asked)
        measured |= {f"{split}_{what}": share for what, share in shares.items()}
    measured |= several_translations(islice(tales("train", seed=5), 25 * number))
    theirs = to_transformers(model, pad_token_id=PAD, eos_token_id=END, decoder_start_token_id=PAD)
    theirs.generation_config.max_new_tokens = longest
    publish(theirs, tokenizer, out, measured, card(measured, wrong["test"]))
    tokenizer.save(out, suffix=("</s>",))  # what the encoder reads ends with </s>; transformers adds it itself
    config = json.loads((out / "config.json").read_text("utf-8"))
    config["tie_word_embeddings"] = False  # transformers 5 writes that every T5 ties its table; this one does not
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
