"""Walking a program: every random choice goes through one counter, so a story's probability is known exactly."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from random import Random

from llmkit.tales.grammar import Plot
from llmkit.tales.template import TOKEN

LOG = [0.0, *(math.log(n) for n in range(1, 200))]
FAR = 30  # tokens back, from which on a place counts as long-range


@dataclass(frozen=True)
class Question:
    """A question, and its answer as text[start:end]. `answer`, `start` and `end` are None where the tale does not say."""

    question: str
    answer: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Recall:
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


def written(story: Story) -> str:
    """The English text of a walked story."""
    english = story.english
    return " ".join([line.plain.format_map(english) for line in story.lines])


def label_of(option) -> str:
    return option if isinstance(option, str) else getattr(option, "name", None) or option.plain


def tell(plot: Plot, story: Story) -> Tale:
    """The tale that a walked story makes: its text, translation, questions and the rest."""
    english, spans, marked, sentences = story.english, {}, [], []
    position = 0
    for line in story.lines:
        for parts, _ in line.sentences:
            start, said = position, []
            for chunk in parts:
                words = chunk.format.format_map(english)
                if chunk.label:
                    spans.setdefault(chunk.label, (position, position + len(words)))
                    if chunk.recalled:
                        marked.append((chunk.label, position, position + len(words)))
                said.append(words)
                position += len(words)
            sentences.append("".join(said))
            position = start + len(sentences[-1]) + 1
    text = " ".join(sentences)
    chinese = tuple([part.format_map(story.chinese) for line in story.lines for _, part in line.sentences])
    return Tale(
        text, story.log_probability, tuple([(name, label_of(option)) for name, option in story.choices]),
        tuple(sentences), chinese,
        tuple([tuple([part.format_map(english) for part in fact.formats]) for fact in story.facts]),
        tuple([answered(ask, text, english, spans) for ask in story.questions]),
        story.end.summary.format_map(english), story.end.sentiment, plot.topic, recalls(text, marked),
    )


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


def answered(ask, text: str, english: dict, spans: dict) -> Question:
    question, answer = ask.question.format_map(english), ask.answer
    if not answer:
        return Question(question)
    if answer[0] == "=":
        start = find_word(text, english[answer[1:]])
        end = start + len(english[answer[1:]])
    else:
        start, end = spans[answer]
    return Question(question, text[start:end], start, end)


def recalls(text: str, marked: list[tuple[str, int, int]]) -> tuple[Recall, ...]:
    """The marked places that do stand far enough from where their words were last said."""
    starts = [match.start() for match in TOKEN.finditer(text)] if marked else []
    found = []
    for about, start, end in marked:
        source = find_word(text, text[start:end], start)
        token, source_token = bisect_right(starts, start) - 1, bisect_right(starts, source) - 1
        if 0 <= source_token <= token - FAR:
            found.append(Recall(about, start, end, source, token, source_token))
    return tuple(found)
