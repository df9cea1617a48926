"""How well a translator of tales does: its answers beside the right ones, and the failures to look at."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher

import torch

from llmkit.generation import generate
from llmkit.tales import Tale
from llmkit.tales.words import NAMES, THINGS
from llmkit.tokenization import BPE

END = 1
LONGEST = 250  # tokens of an answer
WORDS = re.compile(rf"\b({'|'.join(word.name for word in (*NAMES, *THINGS))})\b")
Failure = tuple[str, str, str]  # English, what the model said, what is right


@torch.inference_mode()
def answers(model, tokenizer: BPE, questions: Sequence[str], batch_size: int = 50, longest: int = LONGEST) -> list[str]:
    """What the model says to each question, greedily, in at most `longest` tokens; questions of about the same length are answered together."""
    said = [""] * len(questions)
    rows = [[*tokenizer.encode(question), END] for question in questions]
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    for start in range(0, len(order), batch_size):
        chunk = order[start : start + batch_size]
        for index, ids in zip(chunk, generate(model, [rows[index] for index in chunk], longest, stop=END), strict=True):
            said[index] = tokenizer.decode(ids, skip_special=True)
    return said


def sentences_right(said: str, right: Iterable[str]) -> int:
    """How many of the right sentences stand in what was said, in their order.

    >>> sentences_right("早安。你好。再见。", ("早安。", "你们好。", "再见。"))
    2
    """
    found = position = 0
    for sentence in right:
        start = said.find(sentence, position)
        if start >= 0:
            found, position = found + 1, start + len(sentence)
    return found


def wrong_sentences(said: str, tale: Tale) -> Iterator[Failure]:
    """The sentences of a tale that were not translated word for word, each with what stands there instead."""
    parts = SequenceMatcher(None, tale.translation, said, autojunk=False).get_opcodes()
    place = position = 0
    for english, right in zip(tale.sentences, tale.chinese, strict=True):
        if (start := said.find(right, position)) >= 0:
            position = start + len(right)
        else:
            yield english, said[_across(parts, place) : _across(parts, place + len(right))], right
        place += len(right)


def _across(parts: list[tuple[str, int, int, int, int]], place: int) -> int:
    """Where in the one text a place of the other lies, from the edits that lead from one to the other."""
    for kind, first, last, there, _ in parts:
        if first <= place < last:
            return there + (place - first if kind == "equal" else 0)
    return parts[-1][4] if parts else 0


def same_names(said: str, right: str) -> bool:
    """True when two summaries speak of the same characters and the same things, whatever else they say of them.

    >>> same_names("Finn hid Ada's guitar.", "Finn lost Ada's guitar."), same_names("Finn hid a guitar.", "Finn hid a drum.")
    (True, False)
    """
    return set(WORDS.findall(said)) == set(WORDS.findall(right))


def measure(answer: Callable[[list[str]], list[str]], tales: Sequence[Tale]) -> tuple[dict[str, float], list[Failure]]:
    """Shares of right answers about `tales`, and every sentence and summary that was not right word for word.

    {"tale": translations of whole tales right to the last character, "sentence": sentences of those right,
    "lone_sentence": sentences translated without their tale, "summary": summaries right to the last character,
    "summary_names": summaries whose characters and things are the right ones}. `answer` takes questions, gives answers.
    """
    translated = answer([f"translate: {tale.text}" for tale in tales])
    summed_up = answer([f"summarize: {tale.text}" for tale in tales])
    alone = {sentence: right for tale in tales for sentence, right in zip(tale.sentences, tale.chinese, strict=True)}
    lone = answer([f"translate: {sentence}" for sentence in alone])
    number = sum(len(tale.sentences) for tale in tales)
    measured = {
        "tale": _share(said == tale.translation for said, tale in zip(translated, tales, strict=True)),
        "sentence": sum(sentences_right(said, tale.chinese) for said, tale in zip(translated, tales, strict=True)) / number,
        "lone_sentence": _share(said == right for said, right in zip(lone, alone.values(), strict=True)),
        "summary": _share(said == tale.summary for said, tale in zip(summed_up, tales, strict=True)),
        "summary_names": _share(same_names(said, tale.summary) for said, tale in zip(summed_up, tales, strict=True)),
    }
    failures = [wrong for said, tale in zip(translated, tales, strict=True) for wrong in wrong_sentences(said, tale)]
    sums = [(tale.text, said, tale.summary) for said, tale in zip(summed_up, tales, strict=True)]
    return measured, failures + [wrong for wrong in sums if wrong[1] != wrong[2]]


def several_translations(tales: Iterable[Tale]) -> dict[str, float]:
    """How far a sentence without its tale decides its translation.

    {"repeated": share of sentences seen more than once among `tales`, "ambiguous": share of those that have more than
    one Chinese translation, because a measure word or a name depends on what was said before}.
    """
    seen: dict[str, list[str]] = {}
    for tale in tales:
        for sentence, right in zip(tale.sentences, tale.chinese, strict=True):
            seen.setdefault(sentence, []).append(right)
    number = sum(map(len, seen.values()))
    repeated = [found for found in seen.values() if len(found) > 1]
    several = sum(len(found) for found in repeated if len(set(found)) > 1)
    among = sum(map(len, repeated))
    return {"repeated": among / max(1, number), "ambiguous": several / max(1, among)}


def card(measured: dict[str, float], failures: Sequence[Failure], listed: int = 20) -> str:
    """The model card: what the model was made from, what it can do, where it fails. All figures are those measured."""
    shares = "\n".join(
        f"| {what} | {measured[f'test_{key}']:.1%} | {measured[f'compositional_{key}']:.1%} |" for key, what in ROWS.items()
    )
    shown = "\n".join(f"| {english} | {said} | {right} |" for english, said, right in failures[:listed])
    return CARD.format(
        shares=shares, failures=shown or "| none | | |", number=len(failures), listed=min(listed, len(failures)), **measured
    )


ROWS = {
    "tale": "whole tales translated without a single mistake",
    "sentence": "sentences of those translations without a mistake",
    "lone_sentence": "sentences translated without a mistake, given alone",
    "summary": "summaries right word for word",
    "summary_names": "summaries that name the right characters and things",
}
CARD = """---
language: [en, zh]
license: mit
library_name: transformers
tags: [translation, summarization]
---

# tales-t5

Translates a tale of this book into Chinese, and sums it up in one sentence. An encoder-decoder of the T5 v1.1 family,
{parameters:,.0f} parameters. Ask `translate: ` and a sentence, several, or a whole tale; or `summarize: ` and a tale.

**Data.** Tales of `llmkit.tales`, drawn fresh for every row, with their Chinese and their summaries; nothing else.
{rows:,.0f} rows: first runs of one or two sentences; then, of 20 rows, 3 ask for a summary, 4 for the translation of a
whole tale and 13 for that of a run of its sentences. No row is of a validation or a test tale.
The tokenizer is byte-level BPE with 2,560 entries, learned from 2,000 of the tales in both languages.

**Training.** {steps:,.0f} steps of 32 short or 16 long rows, Muon on the matrices and AdamW on the rest, {seconds:,.0f} s on one core that
other work shared. Loss on whole validation tales at the end: {validation_loss:.4f} nats for each Chinese token.

**Measured** on {tales:,.0f} tales of each split, decoded greedily, with the weights as they are shipped (float16).
`test` holds tales never seen; `compositional` holds things never seen in their kind of plot.

| | test | compositional |
| --- | --- | --- |
{shares}

A sentence alone does not always decide its translation: the measure word of "one" depends on the thing meant. Among
5,000 tales, {ambiguous:.1%} of the sentences that occur more than once have more than one translation. Within a tale none has.

**Failures.** {listed} of the {number} sentences and summaries of the test tales that are not right word for word:

| English | said | right |
| --- | --- | --- |
{failures}

**Limits.** It knows the words and the sentences of the tales, and no others: a sentence of another kind becomes one that
it knows, or nonsense. It reads and writes at most 256 tokens. It can swap a name or a thing for another, fluently; its summaries often
name a wrong place or say he for she.
"""


def _share(right: Iterable[bool]) -> float:
    found = list(right)
    return sum(found) / max(1, len(found))
