"""Walking a program: every random choice goes through one counter, so a story's probability is known exactly."""

import math
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from llmkit.tales.grammar import Ask, Plot

LOG = [0.0, *(math.log(n) for n in range(1, 200))]
FAR = 30  # tokens back, from which on a place counts as long-range


class Question(NamedTuple):
    """A question, and its answer as text[start:end]. `answer`, `start` and `end` are None where the tale does not say."""

    question: str
    answer: str | None = None
    start: int | None = None
    end: int | None = None


class Recall(NamedTuple):
    """A place whose words follow from something at least 30 tokens back: text[start:end], last said at `source`.

    `token` and `source_token` count tokens from 0; the first token of the place is the one that must be remembered.
    """

    about: str
    start: int
    end: int
    source: int
    token: int
    source_token: int


@dataclass(frozen=True)
class Tale:
    """A short story and all that is known about it. `log_probability` is in nats; offsets count characters of `text`."""

    text: str
    log_probability: float
    choices: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]
    chinese: tuple[str, ...]
    facts: tuple[tuple[str, str, str], ...]
    questions: tuple[Question, ...]
    summary: str
    sentiment: str
    topic: str
    recalls: tuple[Recall, ...]

    @property
    def translation(self) -> str:
        """The Chinese tale as one text; its sentences stand in `chinese`, one for each of `sentences`."""
        return "".join(self.chinese)


class Story:
    """A walk through a plot that draws every choice and counts it. `Replay` below is told its choices instead."""

    def __init__(self, random: Random) -> None:
        self.random = random.random
        self.log_probability = 0.0
        self.choices, self.lines, self.questions, self.facts = [], [], [], []
        self.drawn, self.branch, self.english, self.chinese = {}, {}, {}, {}
        self.end = None

    def choose(self, name, options):
        """One of the options, all equally likely."""
        size = len(options)
        self.log_probability -= LOG[size]
        option = options[int(self.random() * size)]
        self.choices.append((name, option))
        return option

    def draw(self, slot) -> None:
        """A word for a slot that the story says for the first time."""
        word = self.choose(slot.name, slot.allowed(self.drawn))
        self.drawn[slot.name] = word
        self.english.update(slot.english[word])
        self.chinese.update(slot.chinese[word])

    def choose_label(self, branch):
        """One label of a branch, by weight."""
        label = branch.labels[int(self.random() * len(branch.labels))]
        self.log_probability += math.log(branch.probability[label])
        self.choices.append((branch.name, label))
        return label


class Replay(Story):
    """The same walk with known choices: name -> option."""

    def __init__(self, known: dict) -> None:
        super().__init__(Random(0))
        self.known = known

    def choose(self, name, options):
        option = self.known[name]
        if option not in options:
            raise ValueError(f"{option} is not a choice for {name!r} here.")
        self.log_probability -= LOG[len(options)]
        self.choices.append((name, option))
        return option

    def choose_label(self, branch):
        label = self.known[branch.name]
        self.log_probability += math.log(branch.probability[label])
        self.choices.append((branch.name, label))
        return label


class Draft:
    """A walked story in words: its text and sentences, and where the named spans and the marked places lie."""

    def __init__(self, story: Story) -> None:
        self.sentences: list[str] = []
        self.spans: dict[str, tuple[int, int]] = {}
        self.marked: list[tuple[str, int, int]] = []
        english, start = story.english, 0
        for line in story.lines:
            for parts, _ in line.sentences:
                said, position = [], start
                for chunk in parts:
                    words = chunk.format.format_map(english)
                    end = position + len(words)
                    if chunk.label:
                        self.spans.setdefault(chunk.label, (position, end))
                        if chunk.recalled:
                            self.marked.append((chunk.label, position, end))
                    said.append(words)
                    position = end
                self.sentences.append("".join(said))
                start = position + 1
        self.text = " ".join(self.sentences)


def tell(plot: Plot, story: Story, draft: Draft) -> Tale:
    """The tale that a walked story makes: its text, translation, questions and the rest."""
    english, chinese = story.english, story.chinese
    return Tale(
        draft.text, story.log_probability,
        tuple([(name, option if isinstance(option, str) else option.name) for name, option in story.choices]),
        tuple(draft.sentences),
        tuple([translated.format_map(chinese) for line in story.lines for _, translated in line.sentences]),
        tuple([tuple(fact.format.format_map(english).split("\t")) for fact in story.facts]),
        tuple([answered(ask, english, draft) for ask in story.questions]),
        story.end.summary.format_map(english), story.end.sentiment, plot.topic, recalls(draft),
    )


def answered(ask: Ask, english: dict[str, str], draft: Draft) -> Question:
    """A question with its answer, which is a named span or the first place that says a slot's word."""
    question, answer = ask.question.format_map(english), ask.answer
    if not answer:
        return Question(question)
    if answer[0] == "=":
        word = english[answer[1:]]
        start = find_word(draft.text, word)
        return Question(question, word, start, start + len(word))
    start, end = draft.spans[answer]
    return Question(question, draft.text[start:end], start, end)


def recalls(draft: Draft) -> tuple[Recall, ...]:
    """The marked places that do stand far enough from where their words were last said."""
    found = []
    for about, start, end in draft.marked:
        source = find_word(draft.text, draft.text[start:end], start)
        if source >= 0:
            token, source_token = tokens_before(draft.text, start), tokens_before(draft.text, source)
            if token - source_token >= FAR:
                found.append(Recall(about, start, end, source, token, source_token))
    return tuple(found)


def tokens_before(text: str, position: int) -> int:
    """How many tokens a tale has before the one that starts at `position`: one for each space and each punctuation mark."""
    count = text.count
    return sum([count(mark, 0, position) for mark in " ,.\"?:;'"])


def find_word(text: str, word: str, end: int | None = None) -> int:
    """Where the word last stands before `end` (or first, without one), as a whole word; -1 if it does not."""
    step, position = (text.find, -1) if end is None else (text.rfind, end)
    while True:
        position = step(word, position + 1) if end is None else step(word, 0, position + len(word) - 1)
        if position < 0:
            return -1
        before, after = text[position - 1 : position], text[position + len(word) : position + len(word) + 1]
        if not before.isalpha() and not after.isalpha():
            return position
