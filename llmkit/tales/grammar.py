"""The parts that a story program is made of. A program is data: the same parts are drawn, replayed, parsed and summed over.

Choices are made by two parts, through `story.choose` and `story.choose_label`, where every choice is counted:

- `Say` draws one of a few lines, then a word for each slot that the line is the first to say;
- `Branch` draws how the story goes on.

The rest make none: `By` goes on as an earlier branch demands, and `Ask`, `Fact` and `End` note what can be known.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmkit.tales.template import Line


class Say:
    """Say one of these lines, each an (English, Chinese) pair; all are equally likely."""

    def __init__(self, *lines: tuple[str, str]) -> None:
        self.name = ""
        self.lines = tuple(Line(*line) for line in lines)

    def walk(self, story) -> None:
        line = story.choose(self.name, self.lines)
        story.lines.append(line)
        for slot in line.slots:
            if slot.name not in story.drawn:
                story.draw(slot)


class Branch:
    """Go on in one of these ways: label -> parts. `weights` are whole numbers, one to a label; none means equal."""

    def __init__(self, name: str, options: dict[str, list], weights: dict[str, int] | None = None) -> None:
        self.name, self.local = name, name
        self.options = {label: tuple(parts) for label, parts in options.items()}
        self.labels = tuple(  # a label stands as often as it weighs, so that each draw is a fair one
            label for label in self.options for _ in range(weights[label] if weights else 1)
        )
        self.probability = {label: self.labels.count(label) / len(self.labels) for label in self.options}

    def walk(self, story) -> None:
        label = story.choose_label(self)
        story.branch[self.local] = label
        for part in self.options[label]:
            part.walk(story)


class By:
    """Go on as the earlier branch `name` went: label -> parts. The text there follows from what was said long before."""

    def __init__(self, name: str, options: dict[str, list]) -> None:
        self.branch = name
        self.options = {label: tuple(parts) for label, parts in options.items()}

    def walk(self, story) -> None:
        for part in self.options[story.branch[self.branch]]:
            part.walk(story)


class Ask:
    """A question. `answer` names a span of the text, or a slot as "=A"; no answer means that the story does not say."""

    def __init__(self, question: str, answer: str = "") -> None:
        self.question, self.answer = question, answer

    def walk(self, story) -> None:
        story.questions.append(self)


class Fact:
    """Something true in the story, as subject, relation, object."""

    def __init__(self, subject: str, relation: str, object: str) -> None:
        self.format = "\t".join((subject, relation, object))

    def walk(self, story) -> None:
        story.facts.append(self)


class End:
    """What the story comes to: one sentence, and whether it ends well ("positive") or badly ("negative")."""

    def __init__(self, summary: str, sentiment: str) -> None:
        self.summary, self.sentiment = summary, sentiment

    def walk(self, story) -> None:
        story.end = self


class Plot:
    """A named program. Each `Say` and `Branch` gets a name of its own, so that a choice can be told by name."""

    def __init__(self, name: str, topic: str, parts: list) -> None:
        self.name, self.topic, self.parts = name, topic, tuple(parts)
        for number, part in enumerate(part for part in self.all_parts() if isinstance(part, Say)):
            part.name = f"{name} line {number}"
        for part in self.all_parts():
            if isinstance(part, Branch):
                part.name = f"{name} {part.local}"

    def walk(self, story) -> None:
        for part in self.parts:
            part.walk(story)

    def all_parts(self, parts: tuple | None = None) -> Iterator:
        """Every part of the program, those inside branches too, in the order they are written."""
        for part in self.parts if parts is None else parts:
            yield part
            if isinstance(part, Branch | By):
                for option in part.options.values():
                    yield from self.all_parts(option)

    def slots(self) -> list:
        """The slots that its lines say."""
        lines = [line for part in self.all_parts() if isinstance(part, Say) for line in part.lines]
        return list(dict.fromkeys(slot for line in lines for slot in line.slots))
