"""tales-bert: an encoder that guesses hidden words and tells whether two passages belong together. The recipe of lesson 10."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

import torch
from torch import nn

from llmkit.device import seed_everything
from llmkit.objectives import IGNORE, SentencePair, masked_batch, pad, pretraining_loss, sentence_pairs
from llmkit.recipes.induction import start_with_induction
from llmkit.recipes.shelf import publish
from llmkit.recipes.tokenizers import lower_english
from llmkit.shapes import Bool, Float, Int, Tensor
from llmkit.tales import tales
from llmkit.training import Rows, Settings, train
from llmkit.transformer import Config, PretrainingModel
from llmkit.weights import to_transformers
from llmkit.wordpiece import WordPiece

SPECIAL = PAD, UNK, CLS, SEP, MASK = 0, 1, 2, 3, 4
SHAPE = Config(
    vocab_size=1500, width=128, num_layers=4, num_heads=4, kind="encoder", norm="layer", norm_place="post",
    activation="gelu", positions="learned", bias=True, norm_eps=1e-12, num_segments=2,
)  # fmt: skip
PLAN = Settings(steps=2000, matrix_lr=0.01, warmup=50, flat=0.65, eval_every=200, save_every=50)
SHORT_STEPS, SHORT = 500, 64  # the first steps read 64 tokens a row, where it is easier to find out what attention is for
BATCH_SIZE = 16  # of whole tales; twice as many short rows
HIDDEN_IN_TRAINING = 0.25  # a small model learns faster from more holes (Wettig et al. 2022, arXiv:2202.08005)
HIDDEN_IN_TESTS = 0.15  # as in the paper
EAGER, COMMON = 5.0, 0.004  # in training a word said twice in the row is hidden so much more readily, if it is no more common than this
TESTED = 1000  # rows of each split


def pairs(tokenizer: WordPiece, split: str = "train", context: int = SHAPE.context) -> Callable[[int], Iterator[SentencePair]]:
    """Two passages a row: the beginning of a tale, and how it goes on, or how another one ends; the far ends cut off."""

    def draw(seed: int) -> Iterator[SentencePair]:
        documents = ([tokenizer.encode(sentence) for sentence in tale.sentences] for tale in tales(split, seed))
        return sentence_pairs(documents, CLS, SEP, Random(seed), context)

    return draw


def common_words(tokenizer: WordPiece, number: int = 300) -> Bool[Tensor, " V"]:
    """The pieces that make up more than 0.4% of the first tales: "the", "was", "she", marks of punctuation."""
    ids = torch.tensor([token for tale in islice(tales("train", 99), number) for token in tokenizer.encode(tale.text)])
    return torch.bincount(ids, minlength=SHAPE.vocab_size) > COMMON * len(ids)


def eagerness(tokens: Int[Tensor, "B T"], common: Bool[Tensor, " V"]) -> Float[Tensor, "B T"]:
    """How readily each token is hidden: what can be looked up in the row is asked for most.

    It does not make this model look names up, but tales-qa learned from it in 200 steps which of two animals a
    question is about; from one trained without, it had not after 275 (one run each).
    """
    again = (tokens[:, :, None] == tokens[:, None, :]).sum(-1) > 1  # (B, T)
    return torch.where(again & ~common[tokens], EAGER, 1.0)


def collate(
    rows: Sequence[SentencePair], seed: int, share: float = HIDDEN_IN_TRAINING, common: Bool[Tensor, " V"] | None = None
) -> dict[str, Tensor]:
    """A batch for `pretraining_loss`, with holes in `share` of the words that depend on `seed` alone.

    They fall on all words alike, or, where the `common` words are given, rather on the others that are said again.
    """
    tokens, keep = pad([row.tokens for row in rows], PAD)
    segments, _ = pad([row.segments for row in rows])
    generator = torch.Generator().manual_seed(seed)
    weight = None if common is None else eagerness(tokens, common)
    inputs, labels = masked_batch(tokens, keep, MASK, SHAPE.vocab_size, SPECIAL, generator, share, weight)
    verdict = torch.tensor([row.label for row in rows])
    return {"tokens": inputs, "keep": keep, "segments": segments, "labels": labels, "verdict": verdict}


def batches(tokenizer: WordPiece) -> Callable[[int], dict[str, Tensor]]:
    """The batch of every step: short rows first, then whole tales, as BERT went from 128 tokens to 512."""
    eagerly = partial(collate, common=common_words(tokenizer))
    short, whole = (
        Rows(pairs(tokenizer, context=context), size, collate=eagerly, seed=seed, length=lambda row: len(row.tokens))
        for context, size, seed in ((SHORT, 2 * BATCH_SIZE, 5), (SHAPE.context, BATCH_SIZE, 6))
    )
    return lambda step: short(step) if step < SHORT_STEPS else whole(step - SHORT_STEPS)


def measure(model: nn.Module, rows: Sequence[SentencePair], batch_size: int = 25) -> dict[str, float]:
    """Both tasks on pairs never seen, 15% of the words hidden.

    {"masked_loss": nats per hidden word, "masked_accuracy": share of them guessed, "next_sentence_accuracy": share of
    pairs judged rightly}.
    """
    nats = hits = words = right = 0.0
    rows = sorted(rows, key=lambda row: len(row.tokens))
    device = next(model.parameters()).device
    for start in range(0, len(rows), batch_size):
        chunk = rows[start : start + batch_size]
        batch = {name: part.to(device) for name, part in collate(chunk, start, HIDDEN_IN_TESTS).items()}
        places = batch["labels"] != IGNORE  # (B, T)
        guesses, verdict = model(batch["tokens"], batch["keep"], batch["segments"], places)  # (N, V), (B, 2)
        labels = batch["labels"][places]  # (N,)
        nats += float(torch.nn.functional.cross_entropy(guesses, labels, reduction="sum"))
        hits += int((guesses.argmax(-1) == labels).sum())
        words += len(labels)
        right += int((verdict.argmax(-1) == batch["verdict"]).sum())
    return {"masked_loss": nats / words, "masked_accuracy": hits / words, "next_sentence_accuracy": right / len(rows)}


def build(name: str, work: Path, out: Path, say=print) -> None:
    """Train, measure on tales never seen, and write the model with its figures."""
    seed_everything(0)
    tokenizer = lower_english(work, SHAPE.vocab_size)
    model = start_with_induction(PretrainingModel(SHAPE))
    settings = replace(PLAN, folder=work / name)
    validation = list(islice(pairs(tokenizer, "validation")(7), 200))

    def told(history) -> None:
        if history.step % 50 == 0:
            recent = sum(history.loss[-50:]) / 50
            say(f"{name}: step {history.step} of {PLAN.steps}, loss {recent:.4f}, {history.evaluations[-1:]}, {history.seconds:.0f} s")

    history = train(
        model, batches(tokenizer), pretraining_loss, settings,
        evaluate=lambda model: measure(model, validation), on_step=told,
    )  # fmt: skip
    with torch.no_grad():
        measured = {
            split: measure(model, list(islice(pairs(tokenizer, split)(8), TESTED))) for split in ("test", "compositional")
        }
    whole = {"steps": history.step, "seconds": history.seconds, "rows": BATCH_SIZE * (SHORT_STEPS + history.step), **measured}
    publish(to_transformers(model, pad_token_id=PAD), tokenizer, out, whole, card(history.step, measured))
    say(f"{name}: {measured}")


def card(steps: int, measured: dict[str, dict[str, float]]) -> str:
    """What a reader should know before using the model."""
    test, pairs_apart = measured["test"], measured["compositional"]
    return f"""# tales-bert

A small BERT that guesses hidden words of a tale and tells whether one passage follows another. It comes with the book
Inside LLMs and is trained from nothing on the book's tales. License: MIT.

Shape: {SHAPE.num_layers} layers, width {SHAPE.width}, {SHAPE.num_heads} heads, about a million parameters, stored in
float16. WordPiece in lower case, {SHAPE.vocab_size} pieces. It reads at most {SHAPE.context} tokens; a tale has about 135.

Data: tales of the split `train`, made as they are needed; no row is seen twice. {SHORT_STEPS} steps on {2 * BATCH_SIZE} rows of
{SHORT} tokens, then {steps - SHORT_STEPS} steps on {BATCH_SIZE} rows as long as a tale. Half of the rows end as another tale does.
{HIDDEN_IN_TRAINING:.0%} of the words are hidden in training, those that are said again {EAGER:.0f} times as readily; {HIDDEN_IN_TESTS:.0%}, all alike, in
the tests. Muon on the matrices, AdamW on the rest, no dropout.

On {TESTED} rows of tales never seen (split `test`), and on as many of tales whose thing never stood in such a plot
(split `compositional`):

| | test | compositional |
|---|---|---|
| hidden words, nats each | {test["masked_loss"]:.3f} | {pairs_apart["masked_loss"]:.3f} |
| hidden words guessed | {test["masked_accuracy"]:.1%} | {pairs_apart["masked_accuracy"]:.1%} |
| pairs judged rightly | {test["next_sentence_accuracy"]:.1%} | {pairs_apart["next_sentence_accuracy"]:.1%} |

No model guesses every hidden word: a name that is said only once can be any of many.

Limits: it has learned which kind of word belongs where, but not to look up what was said before: where the thing of
the tale is hidden the second time, it finds all things about equally likely. It knows the words and the plots of the
tales and nothing else; other English is mostly unknown to it.

Made again by `python -m llmkit.recipes tales-bert`.
"""
