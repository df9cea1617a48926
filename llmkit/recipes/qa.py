"""tales-qa: points at the answer to a question about a tale, or says that there is none. The recipe of lesson 18."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import BertForPreTraining

from llmkit.device import seed_everything
from llmkit.objectives import answer_loss, best_span, pad
from llmkit.recipes.bert import PAD, SEP, SHAPE
from llmkit.recipes.shelf import publish
from llmkit.shapes import Tensor
from llmkit.tales import Question, Tale, tales
from llmkit.training import Rows, Settings, train
from llmkit.transformer import SpanModel
from llmkit.weights import from_transformers, to_transformers
from llmkit.wordpiece import WordPiece

PLAN = Settings(steps=2600, lr=2e-3, matrix_lr=0.008, warmup=50, flat=0.6, eval_every=200, save_every=50)
WHICH, WHICH_STEPS, WHICH_ROWS = "What kind of animal", 300, 48  # first, of two animals, which one is asked for
SHORT_STEPS, SHORT = 400, 3  # then so many sentences, where it is soon found out which words matter; twice as many rows
BATCH_SIZE = 16  # of whole tales
TESTED = 100  # tales of each split, with all their questions
FAILURES_SHOWN = 10  # of each split, in measured.json


class Asked(NamedTuple):
    """A question and its tale as a row: `[CLS] question [SEP] tale [SEP]`, and the first and last token of the answer."""

    tokens: list[int]
    segments: list[int]
    start: int  # 0, [CLS], where the tale does not say
    end: int
    spans: list[tuple[int, int]]  # of each token, in characters of the tale (or of the question)
    text: str
    question: Question


def ask(tokenizer: Tokenizer, text: str, question: Question) -> Asked:
    """The row of one question. The answer's tokens are found by its place in the text, not by its words."""
    row = tokenizer.encode(question.question, text)
    start = end = 0
    if question.answer is not None:
        inside = [
            place for place, (segment, (first, last)) in enumerate(zip(row.type_ids, row.offsets, strict=True))
            if segment == 1 and first < last and first >= question.start and last <= question.end
        ]  # fmt: skip
        start, end = inside[0], inside[-1]
    return Asked(row.ids, row.type_ids, start, end, row.offsets, text, question)


def questions(tokenizer: Tokenizer, split: str = "train") -> Callable[[int], Iterator[Asked]]:
    """One question of every tale, drawn at random: tales are cheaper than steps."""

    def draw(seed: int) -> Iterator[Asked]:
        random = Random(seed)
        for tale in tales(split, seed):
            yield ask(tokenizer, tale.text, random.choice(tale.questions))

    return draw


def short_questions(tokenizer: Tokenizer, split: str = "train") -> Callable[[int], Iterator[Asked]]:
    """The same about a few sentences of the tale, the one with the answer among them."""

    def draw(seed: int) -> Iterator[Asked]:
        random = Random(seed)
        for tale in tales(split, seed):
            question = random.choice(tale.questions)
            others = [other for other in tale.questions if other is not question and other.answer is not None]
            yield ask(tokenizer, *excerpt(tale, question, random.sample(others, len(others))))

    return draw


def which_of_two(tokenizer: Tokenizer, split: str = "train") -> Callable[[int], Iterator[Asked]]:
    """Two sentences with an animal in each, and a question about one of the two.

    This has to be learned alone. Among all other questions a model learns within 200 steps to point at some animal of
    the tale, is right half of the time, and stays so: in 2,600 steps it did not find out that the name matters.
    """

    def draw(seed: int) -> Iterator[Asked]:
        random = Random(seed)
        for tale in tales(split, seed):
            about = [question for question in tale.questions if question.question.startswith(WHICH)]
            random.shuffle(about)
            if len(about) > 1:
                yield ask(tokenizer, *excerpt(tale, about[0], about[1:], 2))

    return draw


def excerpt(tale: Tale, question: Question, others: Sequence[Question], length: int = SHORT) -> tuple[str, Question]:
    """At most `length` sentences of the tale, in their order, that answer the question and the first of the others;
    and the question with its answer's place in them."""
    starts, place = [], 0
    for sentence in tale.sentences:
        starts.append(tale.text.index(sentence, place))
        place = starts[-1] + len(sentence)

    def told(question: Question) -> int:
        return max(number for number, start in enumerate(starts) if start <= question.start)

    numbers = dict.fromkeys(told(each) for each in (question, *others) if each.answer is not None)  # each once
    text, moved = "", question
    for number in sorted(list(numbers)[:length]):
        if question.answer is not None and number == told(question):
            by = len(text) - starts[number]
            moved = question._replace(start=question.start + by, end=question.end + by)
        text += tale.sentences[number] + " "
    return text.rstrip(), moved


def batches(tokenizer: Tokenizer) -> Callable[[int], dict[str, Tensor]]:
    """The batch of every step: questions about two sentences first, then about a few, then about whole tales."""
    which, short, whole = (
        Rows(draw(tokenizer), size, seed=seed, collate=collate, length=lambda row: len(row.tokens))
        for draw, size, seed in (
            (which_of_two, WHICH_ROWS, 4), (short_questions, 2 * BATCH_SIZE, 5), (questions, BATCH_SIZE, 6)
        )
    )  # fmt: skip

    def batch(step: int) -> dict[str, Tensor]:
        if step < WHICH_STEPS:
            return which(step)
        return short(step - WHICH_STEPS) if step < WHICH_STEPS + SHORT_STEPS else whole(step - WHICH_STEPS - SHORT_STEPS)

    return batch


def collate(rows: Sequence[Asked], seed: int = 0) -> dict[str, Tensor]:
    """A batch for `answer_loss`."""
    tokens, keep = pad([row.tokens for row in rows], PAD)
    segments, _ = pad([row.segments for row in rows])
    start, end = torch.tensor([row.start for row in rows]), torch.tensor([row.end for row in rows])
    return {"tokens": tokens, "keep": keep, "segments": segments, "start": start, "end": end}


def answers(model: nn.Module, rows: Sequence[Asked], threshold: float = 0.0) -> list[str | None]:
    """What the model answers to each row, in the words of the tale; None where "no answer" beats every span."""
    batch = {name: part.to(next(model.parameters()).device) for name, part in collate(rows).items()}
    starts, ends = model(batch["tokens"], batch["keep"], batch["segments"])  # (B, T) twice
    allowed = (batch["segments"] == 1) & (batch["tokens"] != SEP) & batch["keep"]  # (B, T) the tale
    first, last, lead = best_span(starts, ends, allowed)  # (B,) each
    return [
        row.text[row.spans[a][0] : row.spans[b][1]] if sure > threshold else None
        for row, a, b, sure in zip(rows, first.tolist(), last.tolist(), lead.tolist(), strict=True)
    ]


def measure(model: nn.Module, rows: Sequence[Asked], batch_size: int = 25) -> dict:
    """Exact match, and abstaining: the figures of SQuAD 2.0.

    {"exact_match": share of all questions answered with the right words, or rightly not at all, "answered": the same
    of those that have an answer, "abstained": of those that have none, "failures": [(question, right, given, tale)]}.
    """
    rows = sorted(rows, key=lambda row: len(row.tokens))
    given = [
        answer for start in range(0, len(rows), batch_size) for answer in answers(model, rows[start : start + batch_size])
    ]
    right = [answer == row.question.answer for row, answer in zip(rows, given, strict=True)]
    open_ones = [ok for row, ok in zip(rows, right, strict=True) if row.question.answer is None]
    failures = [
        {"question": row.question.question, "right": row.question.answer, "given": answer, "tale": row.text}
        for row, answer, ok in zip(rows, given, right, strict=True) if not ok
    ]  # fmt: skip
    return {
        "questions": len(rows), "exact_match": sum(right) / len(rows),
        "answered": (sum(right) - sum(open_ones)) / max(1, len(rows) - len(open_ones)),
        "abstained": sum(open_ones) / max(1, len(open_ones)), "failures": failures,
    }  # fmt: skip


def pretrained(folder: Path) -> SpanModel:
    """A span model on the encoder of tales-bert, which lies in `folder`; its two outputs begin at random."""
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"tales-qa starts from tales-bert, which is not in {folder}; make it first: python -m llmkit.recipes tales-bert")
    return SpanModel(SHAPE, from_transformers(BertForPreTraining.from_pretrained(folder, dtype=torch.float32)).encoder)


def build(name: str, work: Path, out: Path, say=print) -> None:
    """Fine-tune tales-bert, measure on tales never seen, and write the model with its figures."""
    seed_everything(0)
    model = pretrained(out.parent / "tales-bert")
    tokenizer = Tokenizer.from_file(str(out.parent / "tales-bert" / "tokenizer.json"))
    settings = replace(PLAN, folder=work / name)
    validation = list(islice(questions(tokenizer, "validation")(7), 300))

    def checked(model) -> dict[str, float]:
        return {key: value for key, value in measure(model, validation).items() if key != "failures"}

    def told(history) -> None:
        if history.step % 50 == 0:
            recent = sum(history.loss[-50:]) / 50
            say(f"{name}: step {history.step} of {PLAN.steps}, loss {recent:.4f}, {history.evaluations[-1:]}, {history.seconds:.0f} s")

    history = train(model, batches(tokenizer), answer_loss, settings, evaluate=checked, on_step=told)
    with torch.no_grad():
        measured = {split: measure(model, every_question(tokenizer, split, TESTED)) for split in ("test", "compositional")}
    for figures in measured.values():
        figures["failures"] = figures["failures"][:FAILURES_SHOWN]
    rows = WHICH_ROWS * WHICH_STEPS + BATCH_SIZE * (2 * SHORT_STEPS + history.step - WHICH_STEPS - SHORT_STEPS)
    whole = {"steps": history.step, "seconds": history.seconds, "rows": rows, **measured}
    publish(to_transformers(model, pad_token_id=PAD), WordPiece.from_file(out.parent / "tales-bert"), out, whole, card(history.step, measured))
    say(f"{name}: {measured}")


def every_question(tokenizer: Tokenizer, split: str, number: int) -> list[Asked]:
    """All questions of the first `number` tales of a split."""
    return [ask(tokenizer, tale.text, question) for tale in islice(tales(split, 8), number) for question in tale.questions]


def card(steps: int, measured: dict[str, dict]) -> str:
    """What a reader should know before using the model."""
    test, pairs_apart = measured["test"], measured["compositional"]
    failures = "\n".join(
        f"- {failure['question']} The tale says: {failure['right'] or 'nothing'}. The model says: {failure['given'] or 'nothing'}."
        for failure in test["failures"][:5] + pairs_apart["failures"][:5]
    )
    return f"""# tales-qa

A small BERT that answers a question about a tale by pointing at words of the tale, or says that there is no answer. It
comes with the book Inside LLMs and is trained on the book's tales, starting from tales-bert. License: MIT.

Shape: that of tales-bert ({SHAPE.num_layers} layers, width {SHAPE.width}, {SHAPE.num_heads} heads, about a million parameters, stored in float16) with
two outputs a token, for the first and the last of the answer. It reads `[CLS] question [SEP] tale [SEP]`, in lower
case. "No answer" is [CLS]; the model abstains when [CLS] beats every run of tokens of the tale.

Data: tales of the split `train`, one question of each. {WHICH_STEPS} steps on {WHICH_ROWS} pairs of sentences with an animal in each and a
question about one of them; {SHORT_STEPS} steps on {2 * BATCH_SIZE} excerpts of {SHORT} sentences and a question drawn at random; then
{steps - WHICH_STEPS - SHORT_STEPS} steps on {BATCH_SIZE} whole tales.
Muon on the matrices, AdamW on the rest, no dropout.

On all questions of {TESTED} tales never seen (split `test`), and of {TESTED} tales whose thing never stood in such a plot
(split `compositional`). An answer counts when it is the same words; abstaining counts when there is no answer.

| | test | compositional |
|---|---|---|
| questions | {test["questions"]} | {pairs_apart["questions"]} |
| exact match, all questions | {test["exact_match"]:.1%} | {pairs_apart["exact_match"]:.1%} |
| exact match, those with an answer | {test["answered"]:.1%} | {pairs_apart["answered"]:.1%} |
| abstained where there is no answer | {test["abstained"]:.1%} | {pairs_apart["abstained"]:.1%} |

Some of the failures (the tales to them are in `measured.json`):

{failures or "None."}

Limits: it knows the words, the plots and the questions of the tales. A question put in other words may be
misunderstood, and other English is mostly unknown to it.

Made again by `python -m llmkit.recipes tales-bert tales-qa`.
"""
